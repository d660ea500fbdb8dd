import Charging
import Foundation
import Lab
import Ledger
import Primitives
import StationAPI
import StationClient
import Testing

/// `basestation stake`, `unstake`, `delegate` and `earnings`, on the real daemon's chain.
@Suite struct OwnersStakeTests {
    private func ask(_ daemon: SimulatedDaemon, _ words: String) async throws -> CommandTests.Answer {
        let socket = ["BASESTATION_SOCKET": daemon.folder.path + "/control.sock"]
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        try CommandTests.run("basestation", words.split(separator: " ").map(String.init), socket)
                    })
            }
        }
    }

    private func json<View: Decodable>(_ answer: CommandTests.Answer, as type: View.Type = View.self) throws -> View {
        try #require(answer.status == 0, "\(answer)")
        return try JSON.decode(type, from: Data(answer.out.utf8))
    }

    private func start() async throws -> SimulatedDaemon {
        let daemon = try await StationChainTests.delegate(
            rpc: try freePort(), genesis: StationChainTests.genesis(),
            more: "[stake]\nrestake = 50\nkeep = \"20\"\nleast = \"3\"")
        try await StationChainTests.wait("the node to be with the chain") {
            try await !daemon.control.get("/v1/stake", as: StakeView.self).syncing
        }
        return daemon
    }

    private static let own = StationChainTests.address(StationChainTests.key.publicKey)

    @Test func theOwnerStakesAndTakesBackOnce() async throws {
        let daemon = try await start()
        let first: StakeView = try json(try await ask(daemon, "stake --json"))
        #expect(first.delegate == Self.own && first.stakes.map(\.stakedQlc) == [QLC("1000000")!])
        #expect(first.restaking?.percent == 50 && first.restaking?.keepQlc == QLC("20")!)
        let staked = try await ask(daemon, "stake 100 --yes --json")
        let order: OrderView = try json(staked)
        #expect(order.kind == "stake" && order.state == "done" && order.delegate == Self.own, "\(order)")
        #expect(order.amountQlc == QLC("100")! && order.height != nil)
        let again: OrderView = try json(try await ask(daemon, "stake 100 --yes --json --id \(order.orderId)"))
        #expect(again == order)
        let other = try await ask(daemon, "unstake 100 --yes --id \(order.orderId)")
        #expect(other.status == 1 && other.err.contains("another one"), "\(other)")

        let back = try await ask(daemon, "unstake 50 --yes")
        #expect(back.status == 0 && back.out.contains("✓ final in block") && back.widest <= 80, "\(back)")
        let status = try await ask(daemon, "stake status")
        #expect(status.out.contains("1000050.00000000 QLC staked") && status.out.contains("50 QLC, free at"), "\(status)")
        #expect(status.out.contains("signs blocks") && status.out.contains("50 % of rewards") && status.widest <= 80)
        let view: StakeView = try json(try await ask(daemon, "stake status --json"))
        #expect(view.returning.map(\.amountQlc) == [QLC("50")!])
        #expect(view.returning[0].releasedAt.secondsSince1970 > Int64(Date().timeIntervalSince1970) + 13 * 86_400)

        let none = try await ask(daemon, "delegate none")
        #expect(none.status == 0 && none.out.contains("nobody") && none.out.contains("stays") && none.widest <= 80, "\(none)")
        let refused = try await ask(daemon, "stake 1 --yes")
        #expect(refused.status == 1 && refused.err.contains("nobody is chosen"), "\(refused)")
        let chosen: StakeView = try json(try await ask(daemon, "delegate \(Self.own) --json"))
        #expect(chosen.delegate == Self.own)
        let all = try await ask(daemon, "stake all --yes")
        #expect(all.status == 0, "\(all)")
        let money = try #require(try await daemon.control.get("/v1/wallet", as: WalletView.self).chain)
        #expect(money.balanceQlc > .zero && money.balanceQlc <= money.reserveQlc)
    }

    @Test func whatIsNotMeantMovesNothing() async throws {
        let daemon = try await start()
        let stranger = StationChainTests.address(PrivateKey(seed: [UInt8](repeating: 7, count: 32))!.publicKey)
        let before = try await daemon.control.get("/v1/stake", as: StakeView.self)
        for (words, status, why) in [
            ("stake 1", 2, "--yes"), ("stake 1e3 --yes", 2, "not an amount"), ("stake 0 --yes", 2, "above zero"),
            ("stake 1 --yes --id 7", 2, "64"), ("unstake some --yes", 2, "not an amount"), ("unstake 1", 2, "--yes"),
            ("stake 100000 --yes", 1, "fees of settlements"), ("unstake 1000001 --yes", 1, "staked there"),
            ("delegate \(stranger)", 1, "does not stand for election"), ("delegate qlc1", 1, "delegate"),
            ("unstake 1 --yes --from \(stranger)", 1, "nothing is staked with"), ("earnings --since yesterday", 2, "not a time"),
        ] as [(String, Int32, String)] {
            let answer = try await ask(daemon, words)
            let said = answer.err.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(answer.status == status && said.contains(why), "\(words): \(answer)")
            #expect(answer.widest <= 80 || status == 1, "\(words): \(answer)")
        }
        let path = "/v1/stake/orders/" + String(repeating: "ab", count: 32)
        for (path, body, status) in [
            (path, #"{"kind":"stake"}"#, 400), (path, #"{"kind":"stake","amount_qlc":"1","amonut":"2"}"#, 400),
            (path, #"{"kind":"burn","amount_qlc":"1"}"#, 400), (path, #"{"kind":"unstake","keep_qlc":"1"}"#, 400),
            (path, #"{"kind":"stake","amount_qlc":"0"}"#, 422), (path, #"{"kind":"unstake","from":"x"}"#, 400),
            ("/v1/stake/orders/7", #"{"kind":"unstake"}"#, 400), ("/v1/stake/delegate", "{}", 400),
        ] as [(String, String, Int)] {
            let answer = try #require(daemon.owner.ask("PUT", path, body: body))
            #expect(answer.status == status && answer.problem != nil, "\(body): \(answer.body)")
        }
        #expect(daemon.owner.ask("GET", "/v1/earnings?since=yesterday")?.status == 400)
        let after = try await daemon.control.get("/v1/stake", as: StakeView.self)
        #expect(after.stakes == before.stakes && after.promisedQlc == .zero && after.delegate == before.delegate)
    }

    @Test func whatClientsPaidIsEarned() async throws {
        let daemon = try await SimulatedDaemon()
        let zero: EarningsView = try json(try await ask(daemon, "earnings --json"))
        #expect(zero.clients == .init(todayQlc: .zero, sevenDaysQlc: .zero, totalQlc: .zero, sinceQlc: nil))
        #expect(zero.stake == nil && zero.mining == nil)
        let buyer = try await TestBuyer(1, at: daemon)
        let offer = try daemon.ask(1, "GET", "/v1/offer?tariff=per-byte")
        let view = try JSON.decode(OfferView.self, from: Data(offer.body.utf8))
        let session = try daemon.ask(1, "POST", "/v1/sessions", buyer.acceptance(view), as: BuyerSessionView.self)
        let path = "/v1/sessions/\(session.sessionId)"
        _ = try daemon.ask(1, "POST", path + "/vouchers", buyer.voucher("0.3", 1), as: BuyerSessionView.self)
        #expect(try await ask(daemon, "sim traffic --client 1 --rate-down 2MB --rate-up 1MB").status == 0)
        try await StationChainTests.wait("the client to have used something") {
            try daemon.ask(1, "GET", path).body.contains("\"charge_qlc\":\"0.00000000\"") == false
        }
        _ = try daemon.ask(1, "DELETE", path)
        let since = "2026-01-01"
        let sessions = try await daemon.control.get("/v1/sessions", as: [SessionView].self)
        let charge = try #require(sessions.first { $0.sessionId == session.sessionId }).chargeQlc
        let earned: EarningsView = try json(try await ask(daemon, "earnings --json --since \(since)"))
        #expect(charge > .zero && earned.clients.todayQlc == charge, "\(earned)")
        #expect(earned.clients.sinceQlc == charge && earned.clients.totalQlc == charge)
        #expect(earned.since == WallTime(since))
        let screen = try await ask(daemon, "earnings --since \(since)")
        #expect(screen.out.contains("clients") && screen.out.contains("0.0") && screen.widest <= 80, "\(screen)")
        for words in ["stake", "unstake all --yes", "delegate none"] {
            let answer = try await ask(daemon, words)
            #expect(answer.status == 1 && answer.err.contains("[chain]"), "\(words): \(answer)")
        }
    }
}
