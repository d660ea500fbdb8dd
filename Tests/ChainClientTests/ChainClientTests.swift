import ChainAPI
import ChainClient
import Consensus
import Ledger
import Node
import Primitives
import Testing
import ToyLedger

/// A wallet and an honest node, over a real socket.
@Suite struct ChainClientTests {
    @Test func theMethodsAreThoseOfTheAPI() {
        for call in ChainCall.allCases { #expect(ChainMethod(rawValue: call.rawValue) != nil, "\(call)") }
    }

    @Test(arguments: [
        ("http://127.0.0.1:2052", "http://127.0.0.1:2052"), ("http://station.example/", "http://station.example:2052"),
        ("10.0.0.1:99", "http://10.0.0.1:99"), ("[fd77::1]:80", "http://[fd77::1]:80"), ("/run/x.sock", "/run/x.sock"),
        ("unix:/run/x.sock", "/run/x.sock"), ("https://a", nil), ("http://", nil), ("a:0", nil), ("a:65536", nil), ("a b", nil),
        ("http://a/rpc", nil), ("[fd77::1", nil), ("", nil),
    ]) func addressesOfNodesAreReadOrRefused(text: String, expected: String?) {
        #expect((try? NodeAddress(text))?.description == expected)
    }

    @Test func aBalanceIsProvedFromGenesis() async throws {
        try await TestNode.run(try LedgerSource()) { node in
            try await node.source.offer(.transfer(Transfer(to: node.source.keys[5].publicKey, amount: QLC("2.5")!)), by: 4)
            var client = try await node.client()
            var known = try await client.account(node.source.keys[5].publicKey)
            for _ in 0..<200 where known.height < 1 || !known.isProved {
                known = try await client.account(node.source.keys[5].publicKey)
            }
            let expected = await node.source.state.account(node.source.keys[5].publicKey)
            #expect(known.value == expected && known.isProved)
            #expect(client.light?.newest.height ?? 0 >= 1, "the next proof starts there")
            let absent = try await client.account(PublicKey(raw: Bytes32(Array(repeating: 7, count: 32))!))
            #expect(absent.value == nil && absent.isProved, "that there is nothing is proved as well")
        }
    }

    @Test func withoutAGenesisFileNothingIsProved() async throws {
        let source = try LedgerSource()
        try await source.makeBlock()
        try await TestNode.run(source) { node in
            var client = try await node.client(proving: false)
            let known = try await client.account(node.source.keys[5].publicKey)
            #expect(known.value != nil && !known.isProved)
            guard case .unproved(let why) = known.standing else { return }
            #expect(why.contains("--genesis"))
        }
    }

    /// Eight epochs on, when half of the power is of others than genesis names.
    @Test func trustReachesThroughEpochs() async throws {
        let source = try LedgerSource(epochBlocks: 4)
        for person in 4..<8 {
            try await source.offer(.registerDelegate(RegisterDelegate(commission: 0)), by: person)
            try await source.makeBlock()
            let stake = Stake(with: source.keys[person].publicKey, amount: QLC("1000000")!)
            try await source.offer(.stake(stake), by: person)
            for _ in 0..<7 { try await source.makeBlock() }
        }
        for _ in 0..<6 { try await source.makeBlock() }
        #expect(await source.state.epoch.current.count == 8, "others decide too by now")
        try await TestNode.run(source) { node in
            var client = try await node.client()
            let known = try await client.account(node.source.keys[5].publicKey)
            #expect(known.isProved, "\(known.standing)")
        }
    }

    @Test func aPaymentIsSentOnceAndFinal() async throws {
        try await TestNode.run(try LedgerSource()) { node in
            let (key, to) = (node.source.keys[4], node.source.keys[7].publicKey)
            let client = try await node.client()
            let before = await node.source.state.account(to).balance
            let draft = try await client.draft(
                .transfer(Transfer(to: to, amount: QLC("0.1")!)), by: key.publicKey, feeLimit: QLC("0.1")!)
            let signed = CheckedTransaction(signing: draft, by: key)
            #expect(draft.fee == Fees.least(for: draft.payload, bytes: signed.bytes.count, node.source.genesis.parameters))
            try await client.submit(signed)
            let outcome = try await client.outcome(of: signed, waits: true)
            guard case .done = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(await node.source.state.account(to).balance == before + QLC("0.1")!)
        }
    }

    /// Its history begins anew with the program, and lags a little behind its ledger: the number is used, by what it cannot say.
    @Test func aNodeThatForgotSaysSo() async throws {
        let source = try LedgerSource()
        let paid = try await source.offer(.transfer(Transfer(to: source.keys[7].publicKey, amount: QLC("1")!)), by: 4)
        for _ in 0..<2 { try await source.makeBlock() }
        try await TestNode.run(source) { node in
            let client = try await node.client()
            #expect(try await client.outcome(of: paid, waits: true) == .unknown)
        }
    }

    @Test func aRefusedPaymentSaysWhy() async throws {
        try await TestNode.run(try LedgerSource()) { node in
            let client = try await node.client()
            let key = node.source.keys[4]
            let draft = try await client.draft(
                .closeChannel(CloseChannel(.zero)), by: key.publicKey, feeLimit: QLC("0.1")!)
            let signed = CheckedTransaction(signing: draft, by: key)
            try await client.submit(signed)
            guard case .refused(_, let reason) = try await client.outcome(of: signed, waits: true) else {
                Issue.record("it was not refused")
                return
            }
            #expect(reason == Refusal.noSuchChannel.description)
        }
    }

    @Test func historyTellsBothSides() async throws {
        let source = try LedgerSource()
        try await TestNode.run(source) { node in
            let client = try await node.client()
            #expect(try await client.history(of: node.source.keys[5].publicKey).transactions.isEmpty)
            try await node.source.offer(.transfer(Transfer(to: node.source.keys[5].publicKey, amount: QLC("1")!)), by: 4)
            try await node.source.offer(.transfer(Transfer(to: node.source.keys[6].publicKey, amount: QLC("2")!)), by: 5)
            try await node.source.offer(.transfer(Transfer(to: node.source.keys[6].publicKey, amount: QLC("3")!)), by: 7)
            var history = AccountHistory()
            for _ in 0..<100 where history.transactions.count < 2 {
                history = try await client.history(of: node.source.keys[5].publicKey)
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(Set(history.transactions.map(\.payload.amountQlc)) == ["1.00000000", "2.00000000"])
            #expect(history.transactions.allSatisfy { $0.status == "done" })
        }
    }
}
