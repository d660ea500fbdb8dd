import Foundation
import Lab
import MoneroLab
import Primitives
import StationAPI
import StationClient
import Testing

/// `basestation pool`: one station runs a pool, another mines there, and is paid in QLC on the chain.
@Suite(.serialized, .timeLimit(.minutes(5))) struct OwnersPoolTests {
    private static let member = PrivateKey(seed: Array(repeating: 77, count: 32))!.publicKey

    private func ask(_ daemon: SimulatedDaemon, _ words: String) throws -> CommandTests.Answer {
        try CommandTests.run(
            "basestation", words.split(separator: " ").map(String.init),
            ["BASESTATION_SOCKET": daemon.folder.path + "/control.sock"])
    }

    private func until<View: Decodable & Sendable>(
        _ daemon: SimulatedDaemon, _ path: String, _ what: String, within seconds: Int = 120, _ isSo: (View) -> Bool
    ) async throws -> View {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var view: View = try await daemon.control.get(path)
        while !isSo(view), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(100))
            view = try await daemon.control.get(path)
        }
        try #require(isSo(view), "waited for: \(what); \(view)")
        return view
    }

    private func startPool(_ monero: MoneroLab, at port: Int) async throws -> SimulatedDaemon {
        try await StationChainTests.delegate(
            rpc: try freePort(), genesis: StationChainTests.genesis(),
            more: """
                [pool]
                listen = "127.0.0.1:\(port)"
                node = "\(monero.address)"
                wallet = "\(MoneroLab.wallet)"
                qlc_per_xmr = "0.01"
                least_payout = "0.1"
                confirmations = 1
                least_difficulty = 2
                """)
    }

    private func startMember(at port: Int) async throws -> SimulatedDaemon {
        try await SimulatedDaemon(
            tariffs: """
                [mining]
                pools = ["tcp://127.0.0.1:\(port)"]
                login = "\(StationChainTests.address(Self.member))+2"
                mode = "light"
                threads = 1
                huge_pages = false
                quiet = "2s"
                \(SimulatedDaemon.tariffs)
                """)
    }

    /// The whole way of idle hours: hashes, a block of Monero, a signed statement, QLC on the chain, and what both owners see of it.
    @Test func aMemberIsPaidOnTheChain() async throws {
        let (monero, port) = (try await MoneroLab(difficulty: 250), try freePort())
        let pool = try await startPool(monero, at: port)
        _ = try await until(pool, "/v1/pool", "the pool to have jobs") { (view: PoolView) in view.height > 0 && view.listen != nil
        }
        let station = try await startMember(at: port)
        let paying = try await until(pool, "/v1/pool", "the first payout") { (view: PoolView) in
            view.members.contains { $0.paidQlc > .zero }
        }
        let member = try #require(paying.members.first)
        #expect(paying.members.count == 1 && member.address == StationChainTests.address(Self.member) && member.shares > 0)

        let view = try await until(station, "/v1/mining", "the pool's word") { (view: MiningView) in
            (view.pool?.paidQlc ?? .zero) > .zero && (view.pool?.statementsChecked ?? 0) > 0
        }
        #expect(view.connected == "127.0.0.1:\(port)")
        let shown = try ask(station, "mining")
        #expect(shown.out.contains("signed by the pool") && shown.out.contains("in order") && shown.widest <= 80, "\(shown)")
        let earnings = try ask(station, "earnings")
        #expect(earnings.out.contains("paid by the pool"), "\(earnings)")

        let own = try ask(pool, "pool")
        #expect(own.status == 0 && own.out.contains("● open to miners") && own.widest <= 80, "\(own)")
        let statement = try ask(pool, "pool statement 1")
        #expect(statement.status == 0 && statement.out.contains("Statement 1") && statement.widest <= 80, "\(statement)")
        let first: PoolStatementView = try await pool.control.get("/v1/pool/statements/1")
        #expect(first.lines.reduce(QLC.zero) { $0 + $1.amountQlc } + first.feeQlc == first.grossQlc)
        let metrics = try await pool.control.text("/metrics")
        #expect(metrics.contains("basestation_pool_shares_total{verdict=\"accepted\"}"))
        #expect(try ask(pool, "pool statement 999").err.contains("no statement 999"))

        // Nothing is lost over a restart, and nothing is paid twice.
        try await pool.restart()
        let again = try await until(pool, "/v1/pool", "the member to come back") { (view: PoolView) in
            view.members.contains { $0.connections > 0 && $0.shares > member.shares }
        }
        #expect(again.members.count == 1 && again.statements >= paying.statements)
        #expect(try ask(station, "mining pause").status == 0)
        let settled = try await until(pool, "/v1/pool", "the last payouts") { (view: PoolView) in
            view.openPayouts.isEmpty && view.owedQlc < QLC("0.1")! && view.openBlocks.count <= 1
        }
        #expect(try balance(pool) == settled.members.first?.paidQlc)
    }

    private func balance(_ daemon: SimulatedDaemon) throws -> QLC {
        let fields = try StationChainTests.fields(
            daemon.owner, "chain.account", ["address": StationChainTests.address(Self.member)])
        return try #require((fields["balance_qlc"] as? String).flatMap { QLC($0) })
    }

    @Test func withoutAPoolItSaysSo() async throws {
        let daemon = try await SimulatedDaemon()
        let answer = try ask(daemon, "pool")
        #expect(answer.status == 1 && answer.err.contains("runs no pool") && answer.widest <= 80, "\(answer)")
    }
}
