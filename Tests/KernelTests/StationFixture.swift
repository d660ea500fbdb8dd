import Charging
import Foundation
import Lab
import Primitives
import StationAPI
import Testing

/// A daemon in a lab, an internet, and an independent count of what the clients were carried.
struct RunningStation {
    let lab: Topology
    let station: LabStation
    let wire: WireCounter

    /// At this price a unit of 10⁻⁸ QLC is a byte: what was charged is compared with the wire as it stands.
    static let perByte = """
        [charging]
        sample_interval = "100ms"
        commit_interval = "50ms"
        [[tariff]]
        id = "per-byte"
        price_per_mb = "0.01"
        credit_window_min = "0.002"
        idle_timeout = "10s"

        """

    /// Opens a channel for the wallet of a client, which is made if it is not there.
    func openChannel(_ client: Int, deposit: String = "1") throws -> ChannelID {
        let buyer = try station.makeWallet(client)
        return try JSON.decode(
            ChannelView.self,
            from: Data(try station.ask("channel", "open", "--buyer", buyer, "--deposit", deposit, "--json").utf8)
        ).channelId
    }

    /// A wallet on a client's device, once it has paid.
    func connect(
        _ client: Int, _ channel: ChannelID, tariff: String = "per-byte", limit: String = "1", untilPaid: Bool = true
    ) throws -> LabProcess {
        let wallet = try station.connect(client, channel: channel.description, tariff: tariff, limit: limit)
        try waitUntil("the wallet of client \(client) has its session", timeout: .seconds(20)) {
            guard wallet.isRunning else { throw LabError.unreadable(what: "a wallet's end", text: wallet.stdout + wallet.stderr) }
            return wallet.stdout.contains(untilPaid ? "\npaid" : "\nsession")
        }
        return wallet
    }

    /// The wallet says goodbye.
    func leave(_ wallet: LabProcess) async throws {
        wallet.signal(SIGINT)
        let end = try await wallet.wait(timeout: .seconds(20))
        #expect(end.status == 0, "\(end.stdout + end.stderr)")
    }

    func channel(_ id: ChannelID) throws -> ChannelView {
        let all = try JSON.decode([ChannelView].self, from: Data(try station.ask("channel", "list", "--json").utf8))
        return try #require(all.first { $0.channelId == id })
    }

    /// The one session of a device that matters now: the open one, or else the last.
    func session(_ mac: MACAddress) throws -> SessionView {
        let own = try station.sessions().filter { $0.clientMac == mac }
        return try #require(own.first { $0.endedAt == nil } ?? own.max { $0.startedAt < $1.startedAt })
    }

    /// Whether a few packets come to a client and go back.
    func isServed(_ client: Int, over family: Family = .v4) async throws -> Bool {
        try await lab.move(Traffic(.download, packets: 3, size: 100, idle: 0.3), client: client, over: family).ended == .complete
    }

    /// All that a channel was ever charged, against the wire: to the byte.
    func expect(_ id: ChannelID, paysFor carried: Carried, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let account = try channel(id)
        #expect(account.chargedQlc.units == carried.up + carried.down, sourceLocation: sourceLocation)
        #expect(account.chargedQlc <= account.paidQlc, sourceLocation: sourceLocation)
        let buyer = account.payer.description
        let sessions = try station.sessions().filter { $0.buyer == buyer }
        let counted = sessions.reduce(0) { $0 + $1.bytesUp + $1.bytesDown }
        #expect(counted == carried.up + carried.down, sourceLocation: sourceLocation)
    }
}

/// Starts a station in a lab, gives both to `body`, and removes all of it afterwards.
func withStation(
    _ plan: Plan, configuration: String = RunningStation.perByte, prepare: (LabStation) throws -> Void = { _ in },
    _ body: (RunningStation, LabProcess) async throws -> Void
) async throws {
    try await withTopology(plan) { lab in
        let station = try LabStation(lab, configuration: configuration)
        defer { station.close() }
        let running = RunningStation(lab: lab, station: station, wire: try WireCounter(lab))
        try lab.startInternet()
        try prepare(station)
        let daemon = try station.start()
        try await body(running, daemon)
    }
}
