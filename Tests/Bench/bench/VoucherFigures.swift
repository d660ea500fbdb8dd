import Charging
import Crypto
import Foundation
import HAL
import Lab
import LinuxHAL
import Logging
import OrderedCollections
import Primitives
import Station
import Store

/// How fast payments are taken in: signature checked, on disk with an fsync, the client's limit raised in the kernel, answered.
///
/// A burst is one voucher from each of the buyers at once. It goes through the cashier, the store and the gate that the daemon
/// has; what is left out is HTTP.
struct VoucherFigures {
    var rounds: Int
    var directory: String
    var say: (String) -> Void

    private static let buyers = 2_000

    private struct Round {
        var rate: Double
        var processor: Double
        var raw: Double
    }

    func measure() async throws -> [Figure] {
        say("vouchers")
        return try await withTopology(Plan(clients: 1, isDirect: true)) { lab in
            let gate = try await openGate(rules: Products.rules, clients: 0, in: lab)
            return try await measure(gate)
        }
    }

    private func measure(_ gate: LinuxPacketGate) async throws -> [Figure] {
        let key = PrivateKey()
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let store = try StationStore(directory: directory, key: key)
        let clocks = try LinuxClocks()
        var tariff = Tariff(id: "per-byte")
        let price = Price(QLC(units: 1_000_000), per: 1_000_000)
        tariff.rates = Rates(byteUp: price, byteDown: price)
        let buyers = Buyers(Self.buyers, station: key.publicKey, tariff: tariff)
        let (engine, actions) = ChargingEngine.restore(
            station: key.publicKey, tariffs: [tariff], from: StoredState(), marks: [1], sameBoot: true, at: clocks.now())
        var logger = Logger(label: "bench")
        logger.logLevel = .critical
        let cashier = try await Cashier(
            engine: engine, first: actions, store: store, gate: gate, links: NoLinks(), clocks: clocks, commitInterval: .zero,
            logger: logger)
        let work = Task { try await cashier.run() }
        defer { work.cancel() }
        say("  \(buyers.count) buyers arrive")
        for number in 0..<buyers.count {
            for event in buyers.arrival(number) { await cashier.note(event) }
        }
        _ = try await cashier.submit(.save)
        let sessions = await cashier.read { $0.sessions.count }
        guard sessions == buyers.count else { throw LabError.unreadable(what: "the cashier", text: "\(sessions) sessions") }
        var all: [Round] = []
        for sequence in 0...rounds { all.append(try await round(buyers, sequence: UInt64(sequence + 2), cashier)) }
        say("  \(await cashier.commits) commits in all")
        let alerts = await cashier.alerts
        guard alerts.isEmpty else { throw LabError.unreadable(what: "the cashier", text: "\(alerts)") }
        return figures(Array(all.dropFirst()))
    }

    private func round(_ buyers: Buyers, sequence: UInt64, _ cashier: Cashier) async throws -> Round {
        let vouchers = (0..<buyers.count).map { buyers.voucher($0, sequence: sequence) }
        let keys = (0..<buyers.count).map { buyers.key($0).publicKey }
        let processor = try ProcessorTime(process: getpid())
        let beforeRaw = processor.nanoseconds
        try verifyRaw(vouchers, keys)
        let raw = Double(processor.nanoseconds - beforeRaw)
        let start = ContinuousClock.now
        let before = processor.nanoseconds
        try await withThrowingTaskGroup { group in
            for (voucher, key) in zip(vouchers, keys) {
                group.addTask {
                    guard let verified = voucher.verified(by: key) else {
                        throw LabError.unreadable(what: "a voucher", text: "not valid")
                    }
                    _ = try await cashier.submit(.paid(verified))
                }
            }
            try await group.waitForAll()
        }
        let count = Double(buyers.count)
        let wall = start.duration(to: .now).seconds
        return Round(
            rate: count / wall, processor: Double(processor.nanoseconds - before) / count / 1e3, raw: raw / count / 1e3)
    }

    /// What the library alone takes, on one processor, with everything prepared.
    private func verifyRaw(_ vouchers: [Signed<Voucher>], _ keys: [PublicKey]) throws {
        for (voucher, key) in zip(vouchers, keys) {
            let key = try Curve25519.Signing.PublicKey(rawRepresentation: key.raw.bytes)
            guard key.isValidSignature(voucher.signature.bytes, for: voucher.claim.digest.bytes) else {
                throw LabError.unreadable(what: "a voucher", text: "not valid")
            }
        }
    }

    private func figures(_ all: [Round]) -> [Figure] {
        let raw = all.map(\.raw).quantile(0.5)
        let reference = "Ed25519 verify of swift-crypto: \(raw.short) µs, \((1e6 / raw).short) a second on one core"
        return [
            Figure(
                "durable_vouchers_per_second", "Durable vouchers, in bursts of \(Self.buyers)", unit: "1/s",
                goal: .atLeast(5_000),
                reference: reference, rounds: all.map(\.rate),
                note: "checked, committed with fsync, limit raised in the kernel, answered; no HTTP; wall time"),
            Figure(
                "durable_voucher_cpu_us", "  CPU time of one, all threads", unit: "µs", reference: reference,
                rounds: all.map(\.processor)),
            Figure(
                "durable_voucher_cpu_ratio", "  against raw Ed25519 verify", unit: "ratio", reference: reference,
                rounds: all.map { $0.processor / $0.raw }),
            Figure(
                "durable_vouchers_verify_ratio", "  rate against one core's raw verify", unit: "ratio", reference: reference,
                rounds: all.map { $0.rate * $0.raw / 1e6 }),
        ]
    }
}

/// The crowd's neighbours are nobody's business here.
private struct NoLinks: Links {
    func links() -> [Link] { [] }
    func neighbours(on port: String) -> [Neighbour] { [] }
    func events() -> AsyncStream<LinkEvent> { AsyncStream { $0.finish() } }
    func pin(_ neighbour: Neighbour) {}
    func unpin(_ neighbour: Neighbour) {}
}
