import Charging
import HAL
import Lab
import Logging
import Primitives
import SimulatedHAL
import Station
import Synchronization

/// A station on a simulated air, with its cashier and a disk in memory, under a clock that moves when it is told.
struct WirelessSite {
    /// Keeps usage records; nothing else of it is asked for.
    final class Disk: ChargingStore {
        private let ended = Mutex<[UsageRecord]>([])
        var records: [UsageRecord] { ended.withLock { $0 } }

        func commit(_ records: [Record]) async throws(StorageError) {
            let new = records.compactMap { if case .ended(let record, _) = $0 { record } else { nil } }
            ended.withLock { $0 += new }
        }
        func usage(since: WallTime, after: UsageRecord?, limit: Int) async throws(StorageError) -> [Signed<UsageRecord>] { [] }
        func usage(of session: SessionID) async throws(StorageError) -> Signed<UsageRecord>? { nil }
        func proof(of session: SessionID) async throws(StorageError) -> UsageProof? { nil }
        func totals(since: WallTime) async throws(StorageError) -> UsageTotals { UsageTotals() }
        func bytesWritten() async -> UInt64 { 0 }
    }

    let station = SimulatedStation(seed: 1)
    let air: SimulatedAccessPoint
    let disk = Disk()
    let cashier: Cashier
    let directory: ClientDirectory
    let keeper: WirelessKeeper

    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init() async throws {
        let key = PrivateKey(seed: [UInt8](repeating: 1, count: 32))!
        let tariff = Tariff(id: "free")
        let (engine, actions) = ChargingEngine.restore(
            station: key.publicKey, tariffs: [tariff], from: StoredState(), marks: try await station.gate.open().map(\.value),
            sameBoot: false, at: station.clocks.now())
        cashier = try await Cashier(
            engine: engine, first: actions, store: disk, gate: station.gate, links: station.links, clocks: station.clocks,
            commitInterval: .milliseconds(10), logger: Self.silent)
        var settings = StationSettings()
        (settings.clientPorts, settings.wirelessPorts) = (["wlan0"], ["wlan0"])
        (settings.defaultTariffID, settings.ssid) = (tariff.id, "test")
        settings.wirelessSecret = [UInt8](repeating: 7, count: 32)
        directory = ClientDirectory(links: station.links, ports: ["wlan0"], cashier: cashier, logger: Self.silent)
        air = SimulatedAccessPoint(clocks: station.clocks)
        keeper = WirelessKeeper(
            accessPoint: air, cashier: cashier, directory: directory, settings: settings, clocks: station.clocks,
            logger: Self.silent)
    }

    /// A key that pays for whoever joins with it.
    func sell(_ number: UInt32, mac: MACAddress? = nil) async throws {
        let key = WirelessKey(
            number: number, name: "key \(number)", funding: .free, tariffID: nil,
            createdAt: WallTime(secondsSince1970: 1_795_000_000), mac: mac)
        _ = try await cashier.submit(.keyCreated(key))
        await keeper.keysChanged()
    }

    func session(of mac: MACAddress) async -> Session? { await cashier.read { $0.session(of: mac) } }

    /// Virtual time goes on in steps until it is so.
    func pass(_ what: String, until condition: () async -> Bool) async throws {
        try await waitUntil(what, timeout: .seconds(60), every: .milliseconds(1)) {
            if await condition() { return true }
            station.advance(by: .milliseconds(50))
            await cashier.sample()  // what the sampler does
            return false
        }
    }

    func pass(_ time: Nanoseconds) async throws {
        let end = station.clocks.now().boot + time
        try await pass("\(time.count) ns") { station.clocks.now().boot >= end }
    }

    /// With keeper and cashier at work, and stopped at the end.
    func run(_ body: (WirelessSite) async throws -> Void) async throws {
        let tasks = [Task { try await cashier.run() }, Task { try await keeper.run() }]
        defer { tasks.forEach { $0.cancel() } }
        try await pass("the radio to be on the air") { await keeper.failure == nil }
        try await body(self)
    }
}
