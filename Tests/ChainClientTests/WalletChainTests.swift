import ChainAPI
import Charging
import Foundation
import KeyBackup
import Ledger
import Primitives
import StationAPI
import Testing
import ToyLedger

/// `qlink` and a node, from the outside.
@Suite struct WalletChainTests {
    struct Proof: Decodable {
        var proved: Bool
        var headerHeight: UInt64?
        var reason: String?
    }

    struct Balance: Decodable {
        var address: String
        var balanceQlc: QLC
        var sequence: UInt64
        var proof: Proof
    }

    struct Sent: Decodable {
        var transactionId: Bytes32
        var status: String
        var height: UInt64?
        var feeQlc: QLC
        var channelId: Bytes32?
        var proof: Proof
    }

    /// A chain that began an hour ago, by the clock that the program reads, and has its first block.
    private static func chain() async throws -> LedgerSource {
        let source = try LedgerSource(start: UInt64(Date().timeIntervalSince1970 - 3_600) * 1_000)
        try await source.makeBlock()
        return source
    }

    /// The wallet of person 4 of the chain, and the words that every command takes.
    private static func wallet(of node: TestNode) throws -> (Wallet, [String]) {
        let wallet = try Wallet()
        try wallet.hold(node.source.keys[4].seed)
        return (wallet, ["--node", node.url, "--genesis", try wallet.write(node.source.genesis)])
    }

    @Test func moneyIsSentAndProved() async throws {
        try await TestNode.run(try await Self.chain()) { node in
            let (wallet, common) = try Self.wallet(of: node)
            let before = await node.source.state.account(node.source.keys[4].publicKey).balance
            let sent = try await wallet.qlink(["wallet", "send", node.source.address(6), "12.5", "--json"] + common)
            let view = try sent.json(Sent.self)
            #expect(sent.status == 0 && view.status == "done" && view.proof.proved, "\(sent.out)\(sent.err)")
            let balance = try await wallet.qlink(["wallet", "balance", "--json"] + common).json(Balance.self)
            #expect(balance.balanceQlc == before - QLC("12.5")! - view.feeQlc && balance.sequence == 1 && balance.proof.proved)
            #expect(balance.address == node.source.address(4))
            let other = try await wallet.qlink(["wallet", "balance", node.source.address(6)] + common)
            #expect(other.out.contains(" QLC\n") && other.out.contains("\nproved as of") && other.widest <= 80, "\(other.out)")
            let words = try await wallet.qlink(["wallet", "send", node.source.address(6), "1"] + common)
            #expect(words.out.contains("final at height") && words.widest <= 80, "\(words.out)\(words.err)")
            let blind = try await wallet.qlink("wallet", "balance", "--node", node.url)
            #expect(blind.status == 0 && blind.out.contains("NOT PROVED") && blind.widest <= 80, "\(blind.out)")
            let history = try await wallet.qlink("history", "--chain", "--node", node.url)
            #expect(
                history.out.split(separator: "\n").filter { $0.contains("transfer") }.count == 2, "\(history.out)\(history.err)")
            #expect(history.widest <= 80)
        }
    }

    @Test(arguments: [
        (["wallet", "send", "ADDRESS", "700000000"], 2, "not an amount"),
        (["wallet", "send", "ADDRESS", "x"], 2, "not an amount"),
        (["wallet", "send", "qlc1x", "1"], 1, "address"), (["wallet", "send", "OWN", "1"], 1, "own address"),
        (["wallet", "send", "ADDRESS", "1", "--fee-limit", "0.00000001"], 1, "--fee-limit"),
        (["channel", "open", "ADDRESS", "1", "--days", "401"], 2, "400"), (["channel", "close", "nonsense"], 2, "64"),
        (["channel", "close", "ID"], 1, "no channel"), (["stake", "withdraw", "ADDRESS", "1"], 1, "REFUSED"),
        (["delegate", "register", "--commission", "101%"], 2, "commission"), (["find", "--near", "91,0"], 2, "place"),
        (["find", "--near", "nan,0"], 2, "place"), (["find", "--near", "1,1", "--radius", "101km"], 2, "distance"),
        (["wallet", "balance", "--checkpoint", "1"], 2, "HEIGHT:HASH"),
    ]) func whatCannotBeDoneIsSaid(words: [String], status: Int32, says: String) async throws {
        try await TestNode.run(try await Self.chain()) { node in
            let (wallet, common) = try Self.wallet(of: node)
            let names = ["ADDRESS": node.source.address(6), "OWN": node.source.address(4), "ID": "\(Bytes32.zero)"]
            let answer = try await wallet.qlink(words.map { names[$0] ?? $0 } + common)
            #expect(answer.status == status && (answer.err + answer.out).contains(says), "\(answer)")
            #expect(answer.widest <= 80, "\(answer)")
        }
    }

    @Test func exitCodesTellWhoIsToBlame() async throws {
        let wallet = try Wallet()
        try wallet.hold([UInt8](repeating: 4, count: 32))
        let nobody = try await wallet.qlink("wallet", "balance", "--node", "127.0.0.1:1")
        #expect(nobody.status == 3 && nobody.widest <= 80, "\(nobody)")
        let wrong = try await wallet.qlink("wallet", "balance", "--node", "https://x")
        #expect(wrong.status == 2, "\(wrong)")
        try await TestNode.run(try await Self.chain()) { node in
            var other = node.source.genesis
            other.name = "other"
            let answer = try await wallet.qlink("wallet", "balance", "--node", node.url, "--genesis", try wallet.write(other))
            #expect(answer.status == 1 && answer.err.contains("is of the chain"), "\(answer)")
        }
    }

    struct Channel: Decodable {
        var channelId: Bytes32
        var status: String
        var leftQlc: QLC?
        var proof: Proof
    }

    @Test func aChannelLivesFromOpeningToClose() async throws {
        try await TestNode.run(try await Self.chain()) { node in
            let (wallet, common) = try Self.wallet(of: node)
            #expect(try await wallet.qlink(["channel", "list", "--json"] + common).out == "[]\n")
            let opened = try await wallet.qlink(
                ["channel", "open", node.source.address(6), "5", "--dispute-window", "60", "--json"] + common)
            let id = try #require(try opened.json(Sent.self).channelId)
            #expect(try opened.json(Sent.self).status == "done", "\(opened.out)")
            let record = try #require(await node.source.state.channel(id))
            let seed = try Data(contentsOf: URL(fileURLWithPath: wallet.path + ".channels/\(id).key"))
            #expect(PrivateKey(seed: Array(seed))?.publicKey == record.terms.sessionKey, "who pays by it has its key")
            let topped = try await wallet.qlink(["channel", "top-up", "\(id)", "2", "--days", "60"] + common)
            #expect(topped.status == 0 && topped.widest <= 80, "\(topped)")
            let listed = try await wallet.qlink(["channel", "list", "--json"] + common).json([Channel].self)
            #expect(listed.count == 1 && listed[0].status == "open" && listed[0].leftQlc == QLC("7")! && listed[0].proof.proved)
            let closed = try await wallet.qlink(["channel", "close", "\(id)"] + common)
            #expect(closed.status == 0 && closed.out.contains("begin to close"), "\(closed)")
            let early = try await wallet.qlink(["channel", "close", "\(id)"] + common)
            #expect(early.status == 1 && early.err.contains("close again after it"), "\(early)")
            let screen = try await wallet.qlink(["channel", "list"] + common)
            #expect(screen.out.contains("closing, until") && screen.widest <= 80, "\(screen.out)")
            for _ in 0..<62 { try await node.source.makeBlock() }
            let before = await node.source.state.account(node.source.keys[4].publicKey).balance
            let ended = try await wallet.qlink(["channel", "close", "\(id)", "--json"] + common)
            let fee = try ended.json(Sent.self).feeQlc
            #expect(await node.source.state.account(node.source.keys[4].publicKey).balance == before + QLC("7")! - fee)
            #expect(try await wallet.qlink(["channel", "list", "--json"] + common).json([Channel].self).first?.status == "none")
        }
    }

    struct Stakes: Decodable {
        struct One: Decodable {
            var delegate: String
            var worthQlc: QLC
        }
        struct Back: Decodable { var amountQlc: QLC }
        var stakes: [One]
        var unbondings: [Back]
        var proof: Proof
    }

    @Test func stakeIsAddedAndWithdrawn() async throws {
        try await TestNode.run(try await Self.chain()) { node in
            let (wallet, common) = try Self.wallet(of: node)
            #expect(try await wallet.qlink(["stake", "status"] + common).out.hasPrefix("nothing is staked"))
            let registered = try await wallet.qlink(["delegate", "register", "--commission", "2.5%"] + common)
            #expect(registered.status == 0, "\(registered)")
            #expect(await node.source.state.delegate(node.source.keys[4].publicKey)?.commission == 250)
            for delegate in [0, 4] {
                let added = try await wallet.qlink(["stake", "add", node.source.address(delegate), "2000"] + common)
                #expect(added.status == 0 && added.widest <= 80, "\(added)")
            }
            let part = try await wallet.qlink(["stake", "withdraw", node.source.address(0), "500", "--json"] + common)
            #expect(try part.json(Sent.self).status == "done")
            let status = try await wallet.qlink(["stake", "status", "--json"] + common).json(Stakes.self)
            #expect(status.stakes.map(\.worthQlc) == [QLC("1500")!, QLC("2000")!] && status.proof.proved)
            #expect(status.unbondings.map(\.amountQlc) == [QLC("500")!])
            let all = try await wallet.qlink(["stake", "withdraw", node.source.address(0), "all"] + common)
            #expect(all.status == 0 && all.out.contains("take all"), "\(all)")
            let screen = try await wallet.qlink(["stake", "status"] + common)
            #expect(screen.widest <= 80 && screen.out.split(separator: "\n").filter { $0.contains("on its way back") }.count == 2)
        }
    }

    struct Station: Decodable {
        var assetId: Bytes32
        var ssid: String
        var distanceM: UInt64
        var proof: Proof
    }

    @Test func stationsNearbyAreFoundAndOpened() async throws {
        try await TestNode.run(try await Self.chain()) { node in
            let (wallet, common) = try Self.wallet(of: node)
            let here = try #require(Geohash.cell(latitude: 52.52, longitude: 13.405))
            let there = try #require(Geohash.cell(latitude: 52.53, longitude: 13.405))
            for (place, name) in [(there, "far\u{1b}[31m"), (here, "near")] {
                var facts = AssetFacts()
                (facts.geohash, facts.ssid, facts.endpoint) = (place, Array(name.utf8), "192.0.2.1:2050")
                facts.downlink = 50_000_000
                try await node.source.offer(.registerAsset(RegisterAsset(facts)), by: 6)
            }
            while await node.source.state.keys(of: .asset).count < 2 { try await Task.sleep(for: .milliseconds(10)) }
            let found = try await wallet.qlink(["find", "--near", "52.52,13.405", "--json"] + common).json([Station].self)
            #expect(found.map(\.ssid) == ["near", "far?[31m"] && found.allSatisfy(\.proof.proved))
            #expect(found.first?.distanceM == 0 && (1_100...1_125).contains(found.last?.distanceM ?? 0))
            let close = try await wallet.qlink(["find", "--near", "52.52,13.405", "--radius", "500m"] + common)
            #expect(close.out.contains("near") && !close.out.contains("far") && close.widest <= 80, "\(close)")
            let opened = try await wallet.qlink(
                ["channel", "open", "\(try #require(found.first).assetId)", "3", "--json"] + common)
            let channel = try #require(try opened.json(Sent.self).channelId)
            let terms = try #require(await node.source.state.channel(channel)).terms
            #expect(terms.payee == node.source.keys[6].publicKey && terms.asset == found.first?.assetId)
        }
    }

    /// What a node says reaches no terminal as it is, and a header once proved is remembered.
    @Test func aLiarIsNamedAndRemembered() async throws {
        let source = try await Self.chain()
        try await TestNode.run(
            source,
            lie: { request, answer in
                guard String(decoding: request, as: UTF8.self).contains("chain.proof") else { return .bytes(answer) }
                return .bytes(Array(#"[{"jsonrpc":"2.0","id":1,"error":{"code":4,"message":"\u001b[2Jgone"}}]"#.utf8))
            }
        ) { node in
            let (wallet, common) = try Self.wallet(of: node)
            let answer = try await wallet.qlink(["wallet", "balance"] + common)
            #expect(answer.status == 1 && answer.err.contains("gone") && !answer.err.contains("\u{1b}"), "\(answer)")
        }
        try await TestNode.run(try await Self.chain()) { node in
            let (wallet, common) = try Self.wallet(of: node)
            for _ in 0..<3 { try await node.source.makeBlock() }
            #expect(try await wallet.qlink(["wallet", "balance"] + common).status == 0)
            #expect(FileManager.default.fileExists(atPath: wallet.path + ".trusted"))
            #expect(try await wallet.qlink(["wallet", "balance"] + common).status == 0)
        }
    }

    private struct Histories: Decodable {
        struct Visit: Decodable {
            var sessionId: String
            var height: UInt64
            var proof: Proof
        }
        var visits: [Visit]?
        var visitsToHeight: UInt64?
    }

    /// Words or backup bring the key back that visits were sealed for; without the passphrase there are none, and that is said.
    @Test func visitsAreReadWithTheWalletsKeyAlone() async throws {
        let (source, asset) = try await VisitTests.chain(start: UInt64(Date().timeIntervalSince1970 - 3_600) * 1_000)
        let wallet = try Wallet()
        #expect(try await wallet.qlink("wallet", "create", "--passphrase-file", wallet.passphrase).status == 0)
        let key = try KeyBackup(text: String(contentsOfFile: wallet.path, encoding: .utf8))
            .key(passphrase: Array("four words make one".utf8))
        try await VisitTests.commit(source, asset, [VisitTests.usage(source, 5, for: OpeningKey(of: key))])
        try await source.makeBlock()
        try await TestNode.run(source) { node in
            let common = ["history", "--chain", "--node", node.url, "--genesis", try wallet.write(source.genesis)]
            let locked = try await wallet.qlink(common)
            #expect(locked.status == 0 && locked.out.contains("--passphrase-file") && locked.widest <= 80, "\(locked)")
            #expect(try await wallet.qlink(common + ["--json"]).json(Histories.self).visits == nil)
            let open = common + ["--passphrase-file", wallet.passphrase]
            let shown = try await wallet.qlink(open)
            #expect(shown.status == 0 && shown.out.contains("0.50000000") && shown.out.contains("proved"), "\(shown)")
            #expect(shown.widest <= 80, "\(shown)")
            let found = try await wallet.qlink(open + ["--json"]).json(Histories.self)
            #expect(found.visits?.map(\.sessionId) == ["\(SessionID(5))"] && found.visits?.first?.height == 2)
            #expect(found.visits?.first?.proof.proved == true && found.visitsToHeight ?? 0 >= 3)
        }
    }

    static let commands = [
        "", "wallet", "wallet create", "wallet address", "wallet balance", "wallet send", "wallet backup", "wallet restore",
        "channel", "channel open", "channel top-up", "channel close", "channel list", "stake status", "stake add",
        "stake withdraw", "delegate register", "find", "history",
    ]

    @Test(arguments: commands) func everyHelpFitsAScreen(_ words: String) async throws {
        let wallet = try Wallet()
        let answer = try await wallet.qlink(words.split(separator: " ").map(String.init) + ["--help"])
        #expect(answer.status == 0 && answer.out.contains("USAGE: qlink") && answer.widest <= 80, "\(answer.out)\(answer.err)")
    }
}
