import CLinux
import Glibc
public import HAL
public import Primitives

/// CLOCK_BOOTTIME (it goes on while the board sleeps), CLOCK_REALTIME, and the kernel's boot id.
public struct LinuxClocks: Clocks {
    public let bootID: String

    public init() throws(HALError) {
        let path = "/proc/sys/kernel/random/boot_id"
        let text = try TextFile.read(path).prefix { !$0.isWhitespace }
        guard text.utf8.count == 36 else { throw HALError(.broken, "\(path) holds no boot id: \(text)", mend: "") }
        bootID = String(text)
    }

    public func now() -> Moment {
        Moment(
            boot: Instant(nanoseconds: clinux_nanoseconds(CLOCK_BOOTTIME)),
            wall: WallTime(secondsSince1970: clinux_nanoseconds(CLOCK_REALTIME) / 1_000_000_000))
    }

    public func sleep(_ interval: Nanoseconds) async throws {
        // The task's clock stands still while the board sleeps: what is left is slept again.
        let end = now().boot + interval
        while now().boot < end { try await Task.sleep(for: (end - now().boot).duration) }
    }
}
