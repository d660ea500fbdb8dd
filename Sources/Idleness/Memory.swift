import HAL
import Primitives

/// Which mode fits into the board's memory, with hysteresis.
struct Memory: Hashable, Sendable {
    /// Below it the board serves clients with what it has, and cannot spare half of it.
    static let boardLeast = ByteCount(bytes: 500 << 20)  // a board of 512 MiB shows less: the kernel takes its part

    private var fits: [Bool] = [false, false]  // light, fast
    private(set) var free = ByteCount(bytes: 0)
    private var total: ByteCount?

    mutating func count(_ reading: IdleReading, _ settings: IdleSettings) {
        total = reading.activity.memoryTotal
        free = ByteCount(bytes: reading.activity.memoryAvailable.bytes.saturatingAdd(reading.workerMemory.bytes))
        for (index, mode) in [MiningMode.light, .fast].enumerated() {
            // What fits may shrink by half the reserve before it counts as short.
            let reserve = fits[index] ? settings.memoryReserve.bytes / 2 : settings.memoryReserve.bytes
            fits[index] = free.bytes >= mode.memory.bytes.saturatingAdd(reserve)
        }
    }

    func fits(_ mode: MiningMode) -> Bool { fits[mode == .light ? 0 : 1] && (total.map { $0 >= Self.boardLeast } ?? false) }

    func reason(_ settings: IdleSettings) -> IdleReason? {
        guard let total else { return nil }  // not read yet, which is said elsewhere
        if total < Self.boardLeast { return .boardTooSmall(total) }
        guard !fits[0] else { return nil }
        let needed = MiningMode.light.memory.bytes.saturatingAdd(settings.memoryReserve.bytes)
        return .memoryShort(free: free, .light, needed: ByteCount(bytes: needed))
    }
}
