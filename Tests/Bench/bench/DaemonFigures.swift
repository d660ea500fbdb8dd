import Charging
import Foundation
import Lab
import LinuxHAL
import Primitives
import Store

/// What the daemon itself costs, the real program on the real gate: idle, with a thousand clients that do nothing, and with a
/// hundred of them sending.
///
/// The thousand are put into its store as paid sessions, and it takes them up as it does at every start.
struct DaemonFigures {
    var rounds: Int
    var say: (String) -> Void

    private static let clients = 1_000
    private static let busy = 100
    private static let configuration = """
        [charging]
        default_tariff = "per-byte"
        [[tariff]]
        id = "per-byte"
        price_per_mb = "0.01"
        idle_timeout = "1h"
        """

    private struct Round {
        var seconds: Double
        var percent: Double
        var facts: ProcessFacts
        var written: Double
    }

    func measure() async throws -> [Figure] {
        try await withTopology(Plan(clients: 1, isDirect: true, pinsNeighbours: true)) { lab in
            let station = try LabStation(lab, configuration: Self.configuration)
            defer { station.close() }
            let floor = try lab.startInternet()
            say("daemon, nobody there")
            let empty = try run(station) { daemon in try observe(daemon, seconds: 3) }
            let floorFacts = try ProcessFacts(floor.pid)
            try await fill(station)
            try Crowd.introduce(Self.clients, to: lab)
            say("daemon, \(Self.clients) idle clients")
            let (full, busy) = try run(station) { daemon in
                let full = try observe(daemon, seconds: 9)
                say("daemon, \(Self.busy) busy clients")
                return (full, try withTraffic(lab) { try observe(daemon, seconds: 9) })
            }
            return figures(empty: empty, full: full, busy: busy, floor: floorFacts)
        }
    }

    private func run<Result>(_ station: LabStation, _ body: (LabProcess) throws -> Result) throws -> Result {
        let daemon = try station.start()
        defer { daemon.terminate() }
        // What a start costs is over, and the first second's writes too.
        Thread.sleep(forTimeInterval: 3)
        return try body(daemon)
    }

    private func observe(_ daemon: LabProcess, seconds: Double) throws -> [Round] {
        let processor = try ProcessorTime(process: daemon.pid)
        return try (0..<rounds).map { _ in
            let before = try ProcessFacts(daemon.pid).bytesWritten
            let start = ContinuousClock.now
            let spent = processor.spent { Thread.sleep(forTimeInterval: seconds) }
            let wall = start.duration(to: .now).seconds
            guard daemon.isRunning else { throw LabError.unreadable(what: "the daemon's end", text: daemon.stderr) }
            let facts = try ProcessFacts(daemon.pid)
            return Round(seconds: wall, percent: spent / wall / 1e7, facts: facts, written: facts.bytesWritten - before)
        }
    }

    /// A thousand buyers who came, paid and stayed, as the daemon would have stored them.
    private func fill(_ station: LabStation) async throws {
        let directory = station.directory + "/state"
        let key = PrivateKey(seed: try KeyFile.loadOrCreate(directory + "/station.key"))!
        let store = try StationStore(directory: directory, key: key)
        let price = Price(QLC(units: 1_000_000), per: 1_000_000)
        let tariff = Tariff(id: "per-byte", rates: Rates(byteUp: price, byteDown: price), idleTimeout: 3_600)
        let clocks = try LinuxClocks()
        var (engine, actions) = ChargingEngine.restore(
            station: key.publicKey, tariffs: [tariff], from: StoredState(), marks: [], sameBoot: true, at: clocks.now())
        let buyers = Buyers(Self.clients, station: key.publicKey, tariff: tariff)
        for number in 0..<buyers.count {
            for event in buyers.arrival(number) { actions += try engine.handle(event, at: clocks.now()).actions }
        }
        try await store.commit(actions.compactMap { if case .persist(let record) = $0 { record } else { nil } })
    }

    /// Frames from a hundred clients in turn, ten thousand a second, while `body` looks on.
    private func withTraffic<Result>(_ lab: Topology, _ body: () throws -> Result) throws -> Result {
        let sender = try FrameSender(lab, clients: Self.busy)
        defer { sender.stop() }
        // All who were idle are saved at their first packet; from then on, once a minute.
        Thread.sleep(forTimeInterval: 5)
        let before = try lab.router.statistics(of: "wan0").tx.packets
        let result = try body()
        let passed = try lab.router.statistics(of: "wan0").tx.packets - before
        guard passed > 10_000 else { throw LabError.unreadable(what: "the busy clients", text: "\(passed) packets passed") }
        say("  \(passed) packets passed")
        return result
    }

    private func figures(empty: [Round], full: [Round], busy: [Round], floor: ProcessFacts) -> [Figure] {
        let small = "an idle C program of one thread: RSS \(floor.rss.short) MB, Pss \(floor.pss.short) MB"
        let core = "one core; real gate, counters read once a second"
        let perHour = { (rounds: [Round]) in rounds.map(\.written).reduce(0, +) / rounds.map(\.seconds).reduce(0, +) * 3_600 }
        let measured = { (rounds: [Round]) in "/proc/PID/io over \(rounds.map(\.seconds).reduce(0, +).short) s, scaled to an hour"
        }
        let paid = "\(Self.clients) paid sessions, each with an IPv4 and an IPv6 address"
        return [
            Figure(
                "rss_idle_mb", "RSS idle", unit: "MB", goal: .atMost(24), reference: small, rounds: empty.map(\.facts.rss)),
            Figure("pss_idle_mb", "Pss idle", unit: "MB", reference: small, rounds: empty.map(\.facts.pss)),
            Figure(
                "rss_1000_clients_mb", "RSS with \(Self.clients) clients", unit: "MB", reference: small,
                rounds: full.map(\.facts.rss), note: paid),
            Figure(
                "pss_1000_clients_mb", "Pss with \(Self.clients) clients", unit: "MB", reference: small,
                rounds: full.map(\.facts.pss), note: paid),
            Figure("cpu_idle_percent", "CPU with nobody there", unit: "%", reference: core, rounds: empty.map(\.percent)),
            Figure(
                "cpu_1000_idle_clients_percent", "CPU with \(Self.clients) idle clients", unit: "%", goal: .atMost(1),
                reference: core, rounds: full.map(\.percent), note: paid),
            Figure(
                "cpu_100_busy_clients_percent", "CPU with \(Self.busy) of them busy", unit: "%", reference: core,
                rounds: busy.map(\.percent),
                note: "100 clients of 1,000 send 10,000 packets a second together; none pays meanwhile"),
            Figure(
                "disk_bytes_per_hour_idle", "Written to disk, \(Self.clients) idle clients", unit: "B/h",
                reference: measured(full),
                rounds: [perHour(full)]),
            Figure(
                "disk_bytes_per_hour_empty", "  nobody there", unit: "B/h", reference: measured(empty), rounds: [perHour(empty)]),
            Figure(
                "disk_bytes_per_hour_busy", "  \(Self.busy) of them busy", unit: "B/h", reference: measured(busy),
                rounds: [perHour(busy)]),
        ]
    }
}
