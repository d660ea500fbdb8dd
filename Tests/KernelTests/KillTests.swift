import Foundation
import Lab
import Primitives
import StationAPI
import Testing

/// The daemon dies at random moments under traffic; the kernel keeps the contract and the next daemon goes on.
@Suite(.serialized, .enabled(if: Namespace.isAvailable, "needs root and network namespaces"))
struct KillTests {
    static let tariffs = """
        [charging]
        sample_interval = "100ms"
        [[tariff]]
        id = "per-byte"
        price_per_mb = "0.01"
        credit_window_min = "0.002"
        """

    /// `QLINK_KILLS=200` is `make soak`; `QLINK_SEED` replays the moments.
    @Test(.timeLimit(.minutes(20))) func noByteIsLostOrChargedTwiceWhenTheDaemonIsKilled() async throws {
        let environment = ProcessInfo.processInfo.environment
        let kills = environment["QLINK_KILLS"].flatMap(Int.init) ?? 20
        var moment = environment["QLINK_SEED"].flatMap(UInt64.init) ?? 20_261_123
        print("killing \(kills) times, seed \(moment)")
        try await withTopology(Plan(clients: [.dual, .ipv6])) { lab in
            let station = try LabStation(lab, configuration: Self.tariffs)
            defer { station.close() }
            let wire = try WireCounter(lab)
            try lab.startInternet()
            var daemon = try station.start()
            var wallets: [LabProcess] = []
            for client in 0..<2 {
                let buyer = try station.makeWallet(client)
                let channel = try JSON.decode(
                    ChannelView.self,
                    from: Data(try station.ask("channel", "open", "--buyer", buyer, "--deposit", "10", "--json").utf8))
                wallets.append(
                    try station.connect(client, channel: channel.channelId.description, tariff: "per-byte", limit: "10"))
            }
            try waitUntil("both have paid", timeout: .seconds(20)) {
                for wallet in wallets where !wallet.isRunning {
                    throw LabError.unreadable(what: "a wallet's end", text: wallet.stdout + wallet.stderr + daemon.stderr)
                }
                return try station.sessions().count { $0.paidQlc > .zero } == 2
            }
            let traffic = try (0..<2).map { client in
                try lab.start(
                    Traffic(.download, seconds: Double(kills) * 2.5 + 20, size: 1_000, rate: 60_000, idle: 15), client: client)
            }
            for _ in 1...kills {
                moment = moment &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                try await Task.sleep(for: .milliseconds(Int(moment >> 33) % 700))
                daemon.signal(SIGKILL)
                _ = try await daemon.wait(timeout: .seconds(5))
                daemon = try station.start()
            }
            for process in traffic { process.signal(SIGTERM) }
            for process in traffic { _ = try await process.wait(timeout: .seconds(20)) }
            for wallet in wallets {
                wallet.signal(SIGINT)
                let end = try await wallet.wait(timeout: .seconds(20))
                #expect(end.status == 0, "\(end.stderr)")
            }
            let sessions = try station.sessions()
            for (index, client) in lab.clients.enumerated() {
                let carried = try wire.carriedAtLast(client: index)
                let own = try #require(sessions.first { $0.clientMac == client.mac })
                #expect(sessions.count { $0.clientMac == client.mac } == 1)
                #expect(own.endReason == "left")
                #expect(own.bytesUp + own.bytesDown == carried.up + carried.down)
                // 0.01 QLC a MB is one unit a byte
                #expect(own.chargeQlc.units == carried.up + carried.down)
                #expect(own.chargeQlc <= own.paidQlc)
                #expect(carried.down > 100_000)
            }
        }
    }
}

extension LabStation {
    func sessions() throws -> [SessionView] {
        try JSON.decode([SessionView].self, from: Data(try ask("sessions", "--json").utf8))
    }
}
