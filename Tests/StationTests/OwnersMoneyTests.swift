import Foundation
import Lab
import Ledger
import Primitives
import StationAPI
import StationClient
import Testing

/// `basestation wallet` and the owner's close of a channel, on the real daemon's chain.
@Suite struct OwnersMoneyTests {
    private static let payee = PrivateKey(seed: [UInt8](repeating: 7, count: 32))!.publicKey

    private func ask(_ daemon: SimulatedDaemon, _ words: [String]) async throws -> CommandTests.Answer {
        let socket = ["BASESTATION_SOCKET": daemon.folder.path + "/control.sock"]
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try CommandTests.run("basestation", words, socket) })
            }
        }
    }

    private func json<View: Decodable>(_ answer: CommandTests.Answer, as type: View.Type = View.self) throws -> View {
        try JSON.decode(type, from: Data(answer.out.utf8))
    }

    private func account(_ daemon: SimulatedDaemon) async throws -> WalletView.Account {
        try #require(try await daemon.control.get("/v1/wallet", as: WalletView.self).chain)
    }

    private func balance(of key: PublicKey, at daemon: SimulatedDaemon) throws -> QLC {
        let fields = try StationChainTests.fields(daemon.owner, "chain.account", ["address": StationChainTests.address(key)])
        return try #require((fields["balance_qlc"] as? String).flatMap { QLC($0) })
    }

    /// The node signs nothing for its owner before it knows where the chain is.
    private func start(_ rpc: Int, _ genesis: Genesis) async throws -> SimulatedDaemon {
        let daemon = try await StationChainTests.delegate(rpc: rpc, genesis: genesis)
        try await StationChainTests.wait("the node to be with the chain") { try await !account(daemon).syncing }
        return daemon
    }

    @Test func theOwnerTakesTheMoneyOutOnce() async throws {
        let daemon = try await start(try freePort(), StationChainTests.genesis())
        let to = StationChainTests.address(Self.payee)
        let first = try await ask(daemon, ["wallet", "withdraw", to, "12.5", "--yes", "--json"])
        #expect(first.status == 0, "\(first)")
        let order: OrderView = try json(first)
        #expect(order.state == "done" && order.amountQlc == QLC("12.5")! && order.to == to && order.height != nil, "\(order)")
        #expect(try balance(of: Self.payee, at: daemon) == QLC("12.5")!)

        // Asked for again, by its id: the same order, and not another one under that id.
        let again = try await ask(daemon, ["wallet", "withdraw", to, "12.5", "--yes", "--json", "--id", "\(order.orderId)"])
        #expect(try json(again, as: OrderView.self) == order)
        let path = "/v1/wallet/orders/\(order.orderId)"
        let body = #"{"to":"\#(to)","amount_qlc":"12.5"}"#
        #expect(daemon.owner.ask("PUT", path, body: body)?.status == 202)
        #expect(daemon.owner.ask("PUT", path, body: body.replacingOccurrences(of: "12.5", with: "13"))?.status == 409)
        let other = try await ask(daemon, ["wallet", "withdraw", to, "13", "--yes", "--id", "\(order.orderId)"])
        #expect(other.status == 1 && other.err.contains("another one"), "\(other)")
        #expect(try balance(of: Self.payee, at: daemon) == QLC("12.5")!)

        let before = try await account(daemon)
        #expect(before.stakedQlc == QLC("1000000")! && before.promisedQlc == .zero && before.reserveQlc > .zero)
        let screen = try await ask(daemon, ["wallet", "balance"])
        #expect(screen.out.contains("\(before.balanceQlc) QLC") && screen.out.contains("1000000 QLC with"), "\(screen)")
        #expect(screen.out.contains(before.address) && screen.out.contains("as of") && screen.widest <= 80)
        #expect(try await ask(daemon, ["wallet", "address"]).out == before.address + "\n")

        let all = try await ask(daemon, ["wallet", "withdraw", to, "all", "--yes"])
        #expect(all.status == 0 && all.out.contains("✓ final in block") && all.widest <= 80, "\(all)")
        let left = try await account(daemon).balanceQlc
        #expect(left > .zero && left <= before.reserveQlc, "the reserve, but for what the station registered of itself")
        let nothing = try await ask(daemon, ["wallet", "withdraw", to, "all", "--yes"])
        #expect(nothing.status == 1 && nothing.err.contains("nothing is left"), "\(nothing)")
        let rest = try await ask(daemon, ["wallet", "withdraw", to, "all", "--yes", "--keep", "0"])
        #expect(rest.status == 0, "\(rest)")
        #expect(try await account(daemon).balanceQlc < left)
    }

    @Test func aTerminalIsAskedWhetherItIsMeant() async throws {
        let daemon = try await start(try freePort(), StationChainTests.genesis())
        let words = ["wallet", "withdraw", StationChainTests.address(Self.payee), "12.5"]
        let socket = ["BASESTATION_SOCKET": daemon.folder.path + "/control.sock"]
        for (answer, status, outcome) in [("no\n", 1, "nothing was ordered"), ("yes\n", 0, "✓ final")]
            as [(String, Int32, String)]
        {
            let said = try PseudoTerminal().run(
                Products.url("basestation"), words, socket, answers: [("[yes/no]? ", answer)])
            #expect(said.status == status && said.shown.contains(outcome), "\(said)")
            #expect(said.shown.contains("12.5 QLC") && said.shown.contains("stay for fees"), "\(said)")
        }
        #expect(try balance(of: Self.payee, at: daemon) == QLC("12.5")!)
    }

    @Test func whatIsNotMeantIsNotPaid() async throws {
        let daemon = try await start(try freePort(), StationChainTests.genesis())
        let to = StationChainTests.address(Self.payee)
        let own = try await account(daemon).address
        let main = Address(Self.payee, on: .main).description
        for (words, status, why) in [
            (["wallet", "withdraw", to, "1"], 2, "--yes"),
            (["wallet", "withdraw", to, "1e3", "--yes"], 2, "not an amount"),
            (["wallet", "withdraw", to, "0", "--yes"], 2, "above zero"),
            (["wallet", "withdraw", to, "1", "--yes", "--id", "7"], 2, "64"),
            (["wallet", "withdraw", String(to.dropLast()) + "q", "1", "--yes"], 1, "mistyped"),
            (["wallet", "withdraw", main, "1", "--yes"], 1, "another network"),
            (["wallet", "withdraw", own, "1", "--yes"], 1, "own address"),
            (["wallet", "withdraw", to, "1000", "--yes"], 1, "fees of settlements"),
            (["wallet", "settle", String(repeating: "0", count: 64)], 1, "holds nothing"),
            (["wallet", "settle", "7"], 2, "64"), (["channel", "close", "7"], 2, "64"),
            (["channel", "close", String(repeating: "0", count: 64)], 1, "channel"),
        ] as [([String], Int32, String)] {
            let answer = try await ask(daemon, words)
            #expect(answer.status == status && answer.err.contains(why), "\(words): \(answer)")
        }
        // What cannot be read is not guessed at.
        let path = "/v1/wallet/orders/" + String(repeating: "ab", count: 32)
        for (method, path, body, status) in [
            ("PUT", path, #"{"to":"\#(to)","amount_qlc":"1","keep_qcl":"900"}"#, 400),
            ("PUT", path, #"{"to":"\#(to)","amount_qlc":1}"#, 400), ("PUT", path, #"{"amount_qlc":"1"}"#, 400),
            ("PUT", path, #"{"to":"\#(String(repeating: "q", count: 60_000))","amount_qlc":"1"}"#, 400),
            ("PUT", path, #"{"to":"\#(String(repeating: "q", count: 70_000))","amount_qlc":"1"}"#, 400),
            ("PUT", path, #"{"to":"\#(to)","amount_qlc":"1","keep_qlc":"999.9"}"#, 422),
            ("PUT", "/v1/wallet/orders/7", #"{"to":"\#(to)","amount_qlc":"1"}"#, 400), ("GET", path, nil, 404),
            ("POST", "/v1/wallet/settlement", #"{"chanel_id":"7"}"#, 400), ("POST", "/v1/wallet/settlement", "[]", 400),
        ] as [(String, String, String?, Int)] {
            let answer = try #require(daemon.owner.ask(method, path, body: body))
            #expect(answer.status == status && answer.problem != nil, "\(method) \(body ?? ""): \(answer.body)")
        }
        #expect(try await account(daemon).promisedQlc == .zero)
        let settled = try await ask(daemon, ["wallet", "settle"])
        #expect(settled.status == 0 && settled.out.contains("no channel holds more"), "\(settled)")
    }

    /// What a buyer paid is fetched when the owner says so, and the channel is closed with the last voucher.
    @Test func theOwnerSettlesAndClosesAChannel() async throws {
        let (genesis, rpc) = (StationChainTests.genesis(), try freePort())
        let daemon = try await start(rpc, genesis)
        let buyer = try await ChainBuyer(of: daemon, genesis, rpc: rpc, deposit: "30")
        try buyer.connect()
        _ = try buyer.qlink(["pay", "2"])
        let held = try await account(daemon)
        #expect(held.unsettledQlc >= QLC("2")! && held.unsettledQlc < QLC("10")!)
        let settled = try await ask(daemon, ["wallet", "settle", "\(buyer.channel)"])
        #expect(settled.status == 0 && settled.out.contains("✓") && settled.widest <= 80, "\(settled)")
        #expect(try await account(daemon).unsettledQlc == .zero)

        _ = try buyer.qlink(["pay", "3"])
        let closed = try await ask(daemon, ["channel", "close", "\(buyer.channel)", "--json"])
        #expect(closed.status == 0, "\(closed)")
        let order: OrderView = try json(closed)
        #expect(order.state == "done" && order.kind == "close" && order.channelId == buyer.channel, "\(order)")
        let gone = daemon.owner.ask(
            "POST", "/v1/chain/rpc", body: try StationChainTests.call("chain.channel", ["id": "\(buyer.channel)"]))
        #expect(gone?.body.contains("has no channel") == true, "\(gone?.body ?? "")")
        // The buyer got the rest of the deposit, but for fees; the station has all that was paid.
        let view = try #require(
            try await daemon.control.get("/v1/channels", as: [ChannelView].self).first { $0.channelId == buyer.channel })
        #expect(view.closed && view.paidQlc >= QLC("5")!)
        let rest = try balance(of: buyer.key, at: daemon)
        #expect(rest <= QLC("50")! - view.paidQlc && rest > QLC("49.9")! - view.paidQlc)
        #expect(try await account(daemon).unsettledQlc == .zero)
        let sessions = try await daemon.control.get("/v1/sessions?active=true", as: [SessionView].self)
        #expect(sessions.isEmpty)
        let again = try await ask(daemon, ["channel", "close", "\(buyer.channel)"])
        #expect(again.status == 1 && again.err.contains("closed"), "\(again)")
    }

    @Test func withoutAChainTheLocalFiguresAreShown() async throws {
        let daemon = try await SimulatedDaemon()
        let buyer = try await TestBuyer(1, at: daemon)
        let balance = try await ask(daemon, ["wallet", "balance"])
        #expect(balance.status == 0 && balance.out.contains("no chain node") && balance.widest <= 80, "\(balance)")
        let view: WalletView = try json(try await ask(daemon, ["wallet", "balance", "--json"]))
        #expect(view.chain == nil && view.earnedQlc == .zero)
        for words in [["wallet", "withdraw", "qlc1", "1", "--yes"], ["wallet", "settle"]] {
            let answer = try await ask(daemon, words)
            #expect(answer.status == 1 && answer.err.contains("[chain]"), "\(words): \(answer)")
        }
        let closed = try await ask(daemon, ["channel", "close", "\(buyer.channel.channelId)"])
        #expect(closed.status == 0 && closed.out.isEmpty, "\(closed)")
        #expect(try await daemon.control.get("/v1/channels", as: [ChannelView].self).first?.closed == true)
    }
}
