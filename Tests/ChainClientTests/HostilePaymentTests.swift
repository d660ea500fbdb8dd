import BoundedJSON
import ChainAPI
import ChainClient
import Consensus
import Ledger
import Node
import Primitives
import Testing
import ToyLedger

/// What a node that lies, or was not heard, can make a wallet do: nothing that costs money.
@Suite struct HostilePaymentTests {
    @Test(arguments: ["fee", "time", "sequence", "submit", "done"]) func moneyIsNotSpentOnALie(_ what: String) async throws {
        let source = try await HostileNodeTests.chain()
        try await TestNode.run(
            source,
            lie: { request, answer in
                switch what {
                case "fee" where isCall(request, of: .parameters):
                    .bytes(changed(answer, "parameters", to: .object(["fee_base": .integer(100_000_000)])))
                case "time" where isCall(request, of: .status):
                    .bytes(changed(answer, "finalized_at", to: .text("2037-01-15T08:00:03.000Z")))
                case "sequence" where isCall(request, of: .nextSequence):
                    .bytes(changed(answer, "next_sequence", to: .integer(1_000)))
                case "submit" where isCall(request, of: .submit):
                    .bytes(changed(answer, "id", to: .text(Bytes32.zero.description)))
                case "done" where isCall(request, of: .transaction):
                    .bytes(changed(answer, "id", to: .text(Bytes32.zero.description)))
                default: .bytes(answer)
                }
            }
        ) { node in
            let client = try await node.client()
            let key = node.source.keys[4]
            let error = await #expect(throws: ChainClientError.self) {
                let draft = try await client.draft(
                    .transfer(Transfer(to: node.source.keys[6].publicKey, amount: QLC("1")!)), by: key.publicKey,
                    feeLimit: QLC("0.1")!)
                let signed = CheckedTransaction(signing: draft, by: key)
                try await client.submit(signed)
                _ = try await client.outcome(of: signed, waits: true)
            }
            switch (what, error) {
            case ("fee", .unwise), ("time", .unwise), ("sequence", .notAnAnswer), ("submit", .lie), ("done", .lie): break
            default: Issue.record("\(what): \(String(describing: error))")
            }
        }
    }

    /// It took the payment, a block has it, and the wallet heard nothing: sent again it is not an error, and pays once.
    @Test func anUnheardAnswerPaysOnce() async throws {
        let source = try await HostileNodeTests.chain()
        let first = Once()
        try await TestNode.run(
            source,
            lie: { request, answer in
                guard isCall(request, of: .submit), await first.isNow() else { return .bytes(answer) }
                while await source.pool.count > 0 { await Task.yield() }
                return .endless
            }
        ) { node in
            let (client, key) = (try await node.client(), node.source.keys[4])
            let to = node.source.keys[6].publicKey
            let before = await source.state.account(to).balance
            let draft = try await client.draft(
                .transfer(Transfer(to: to, amount: QLC("1")!)), by: key.publicKey, feeLimit: QLC("0.1")!)
            let signed = CheckedTransaction(signing: draft, by: key)
            try await client.submit(signed)
            guard case .done = try await client.outcome(of: signed, waits: true) else {
                Issue.record("it is not done")
                return
            }
            #expect(await source.state.account(to).balance == before + QLC("1")!)
        }
    }

    private actor Once {
        private var isOver = false
        func isNow() -> Bool {
            defer { isOver = true }
            return !isOver
        }
    }

    @Test(arguments: ["invented", "far"]) func aStationIsWhereItIs(_ what: String) async throws {
        let source = try LedgerSource()
        var facts = AssetFacts()
        facts.geohash = "u33dc0cpke"
        try await source.offer(.registerAsset(RegisterAsset(facts)), by: 4)
        try await source.makeBlock()
        try await source.makeBlock()
        let id = RegisterAsset(facts).identity(of: source.keys[4].publicKey, 0)
        let place = what == "far" ? "u0nd9k" : "u33dc0"
        let invented = what == "far" ? id : Bytes32.zero
        try await TestNode.run(
            source,
            lie: { request, answer in
                guard isCall(request, of: .assetsNear) else { return .bytes(answer) }
                return .bytes(changed(answer, "assets", to: .list([.object(["id": .text(invented.description)])])))
            }
        ) { node in
            var client = try await node.client()
            let error = await #expect(throws: ChainClientError.self) {
                _ = try await client.stations(around: place, within: 2_000, atMost: 10)
            }
            guard case .lie = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }
}
