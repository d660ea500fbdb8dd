import BoundedJSON
import Chain
import ChainAPI
import Consensus
import Ledger
import Node
import Primitives
import SimulatedHAL
import Testing
import ToyLedger

@Suite struct ChainRPCTests {
    @Test func statusTellsTheHeadAndWhatWaits() async throws {
        let chain = try await SmallChain()
        let (status, state) = (try await chain.result("chain.status"), await chain.source.state)
        #expect(status["chain_id"] == .id(chain.source.genesis.chainID) && status["name"] == .text("devnet"))
        #expect(status["height"] == .integer(3) && status["block_id"] == .id(state.head.block))
        #expect(status["state_root"] == .id(state.root) && status["finalized_at"] == .text("2027-01-15T08:00:03.000Z"))
        #expect(status["waiting_transactions"] == .integer(1) && status["syncing"] == .bool(false))
    }

    @Test func moneyIsTextToTheLastUnit() async throws {
        let chain = try await SmallChain()
        let account = try await chain.result("chain.account", ["address": chain.address(7)])
        let balance = await chain.source.state.account(chain.source.keys[7].publicKey).balance
        #expect(account["balance_qlc"] == .text(balance.description) && account["sequence"] == .integer(1))
        let unknown = Address(PublicKey(raw: chain.content), on: .test).description
        let empty = try await chain.result("chain.account", ["address": .text(unknown)])
        #expect(empty["balance_qlc"] == .text("0.00000000"), "an account that nobody used is empty, not an error")
    }

    @Test(arguments: [("mainnet", "qlc1"), ("devnet", "tqlc1")]) func addressesAreThoseOfTheNetwork(
        name: String, prefix: String
    ) async throws {
        let chain = try await SmallChain(name: name)
        let account = try await chain.result("chain.account", ["address": chain.address(4)])
        #expect(account["address"]?.text?.hasPrefix(prefix) == true)
        let other = Address(chain.source.keys[4].publicKey, on: name == "mainnet" ? .test : .main).description
        #expect(try await chain.fault("chain.account", ["address": .text(other)]) == .invalidParams)
    }

    @Test func aSubmittedTransactionWaitsAndIsDone() async throws {
        let chain = try await SmallChain()
        let before = try await chain.result("chain.next_sequence", ["address": chain.address(5)])
        let payment = await chain.source.sign(
            .transfer(Transfer(to: chain.source.keys[7].publicKey, amount: QLC("0.1")!)), by: 5)
        let params: [String: JSONValue] = ["transaction": .hex(payment.bytes)]
        let first = try await chain.result("chain.submit", params)
        #expect(first["id"] == .id(payment.id) && first["is_new"] == .bool(true))
        let again = try await chain.result("chain.submit", params)
        #expect(again["is_new"] == .bool(false), "who did not hear the answer may ask again")

        let after = try await chain.result("chain.next_sequence", ["address": chain.address(5)])
        #expect(before["next_sequence"] == before["sequence"] && after["sequence"] == before["sequence"])
        #expect(after["next_sequence"] != before["next_sequence"])
        #expect(try await chain.result("chain.transaction", ["id": .id(payment.id)])["status"] == .text("waiting"))
        try await chain.makeBlock()
        let done = try await chain.result("chain.transaction", ["id": .id(payment.id)])
        #expect(done["status"] == .text("done") && done["height"] == .integer(4))
        #expect(done["payload"]?["amount_qlc"] == .text("0.10000000") && done["payload"]?["to"] == chain.address(7))
        #expect(done["valid_until"] == .text("2027-01-16T08:00:00.000Z"))
    }

    /// The pool has let it go, and its receipt was not told yet.
    @Test func aTransactionIsNeverLostOnItsWay() async throws {
        let chain = try await SmallChain()
        let block = try await chain.source.makeBlock()
        async let found = chain.result("chain.transaction", ["id": .id(chain.waiting)])
        for _ in 0..<1_000 { await Task.yield() }
        await chain.history.note(block)
        #expect(try await found["status"] == .text("done"))
        let late = try await chain.source.makeBlock()
        async let missing = chain.fault("chain.transaction", ["id": .id(chain.content)])
        for _ in 0..<1_000 { await Task.yield() }
        await chain.history.note(late)
        #expect(try await missing == .notFound)
    }

    @Test func aRefusedTransactionSaysWhy() async throws {
        let chain = try await SmallChain()
        let refused = try await chain.result("chain.transaction", ["id": .id(chain.refused)])
        #expect(refused["status"] == .text("refused") && refused["refusal"] == .integer(1))
        #expect(refused["reason"] == .text(Refusal.balanceTooLow.description))
    }

    @Test(arguments: [
        ("expired", Fault.Kind.inadmissible), ("fee", .inadmissible), ("sequence", .inadmissible), ("chain", .inadmissible),
        ("signature", .inadmissible), ("bytes", .inadmissible), ("taken", .refused), ("ended", .unavailable),
    ]) func whatCannotBeTakenIsNamed(what: String, kind: Fault.Kind) async throws {
        let chain = try await SmallChain()
        let payload = Payload.transfer(Transfer(to: chain.source.keys[0].publicKey, amount: QLC("1")!))
        let waitingFee = await chain.source.read { $0.pool[chain.waiting]!.transaction.fee }
        let checked = await chain.source.sign(payload, by: 6) { transaction in
            switch what {
            case "expired": transaction.validUntil = LedgerSource.start
            case "fee": transaction.fee = .zero
            case "sequence": transaction.sequence += 1
            case "chain": transaction.chainID = .zero
            case "taken": (transaction.sequence, transaction.fee) = (transaction.sequence - 1, waitingFee)
            default: break
            }
        }
        if what == "ended" { await chain.source.end() }
        var bytes = checked.bytes
        if what == "signature" { bytes[bytes.count - 40] ^= 1 }
        if what == "bytes" { bytes.removeLast() }
        #expect(try await chain.fault("chain.submit", ["transaction": .hex(bytes)]) == kind)
    }

    @Test func feesAreThoseOfTheLedger() async throws {
        let chain = try await SmallChain()
        let checked = await chain.source.sign(.openChannel(chain.opening(to: chain.source.keys[4].publicKey)), by: 5)
        let fee = try await chain.result(
            "chain.fee", ["kind": .text("open_channel"), "bytes": .integer(Int128(checked.bytes.count))])
        #expect(fee["fee_qlc"] == .text(checked.transaction.fee.description))
    }

    @Test func whatWasRegisteredIsFound() async throws {
        let chain = try await SmallChain()
        let channel = try await chain.result("chain.channel", ["id": .id(chain.channel)])
        #expect(channel["deposit_qlc"] == .text("10.00000000") && channel["status"] == .text("open"))
        #expect(channel["payer"] == chain.address(5) && channel["payee"] == chain.address(4))
        let asset = try await chain.result("chain.asset", ["id": .id(chain.asset)])
        #expect(asset["owner"] == chain.address(4) && asset["facts"]?["bssid"] == .text("02:00:00:00:00:01"))
        let tariff = try await chain.result("chain.tariff", ["id": .id(chain.tariff)])
        #expect(tariff["tariff"]?["name"] == .text("By day"))
        let content = try await chain.result("chain.content", ["id": .id(chain.content)])
        #expect(content["size_bytes"] == .integer(20_000_000) && content["owner"] == chain.address(5))
        let usage = try await chain.result("chain.usage", ["id": .id(chain.asset)])
        #expect(usage["count"] == .integer(1) && usage["latest"]?.list.first?["records"] == .integer(3))
        let delegation = try await chain.result(
            "chain.delegation", ["staker": chain.address(5), "delegate": chain.address(0)])
        #expect(delegation["worth_qlc"] == .text("5000.00000000"))
        let delegates = try await chain.result("chain.delegates", ["limit": .integer(1)])
        #expect(delegates["count"] == .integer(4) && delegates["delegates"]?.list.first?["address"] == chain.address(0))
        #expect(delegates["delegates"]?.list.count == 1)
    }

    @Test func assetsAreFoundByTheirPlaceNearestFirst() async throws {
        let chain = try await SmallChain()
        for (geohash, owner) in [("u0nd9j", 4), ("u33dc0", 5)] {
            try await chain.source.offer(.registerAsset(RegisterAsset(SmallChain.facts(geohash))), by: owner)
        }
        try await chain.makeBlock()
        func near(_ radius: Int128) async throws -> [JSONValue?] {
            let found = try await chain.result("chain.assets_near", ["geohash": .text("u0nd9k"), "radius_m": .integer(radius)])
            return (found["assets"]?.list ?? []).map { $0["facts"]?["geohash"] }
        }
        #expect(try await near(100) == [.text("u0nd9k")])
        #expect(Set(try await near(2_000)) == [.text("u0nd9k"), .text("u0nd9h"), .text("u0nd9j")])
        #expect(try await near(2_000).first == .text("u0nd9k"))
    }

    // MARK: What a light client believes

    @Test(arguments: [true, false]) func anEntryIsProvedByTheNextHeader(isThere: Bool) async throws {
        let chain = try await SmallChain()
        let key = StateKey.channel(isThere ? chain.channel : chain.content)
        try await chain.source.offer(.transfer(Transfer(to: chain.source.keys[0].publicKey, amount: QLC("1")!)), by: 4)
        try await chain.makeBlock()
        let found = try await chain.result("chain.proof", ["kind": .text("channel"), "id": .id(key.id)])
        #expect(found["header_height"] == .integer(5) && found["light_block"] == nil, "block 4 changed balances")
        try await chain.makeBlock()
        let light = try await Self.lightBlock(of: chain.result("chain.light_block", ["height": .integer(5)]), on: chain)
        let value = try Self.provedValue(found, key, under: light)
        let entry = try found["entry"]?.unhexed.map { try StateEntry(canonicalBytes: $0) }
        #expect(value == entry?.hash && (value != nil) == isThere && found["is_present"] == .bool(isThere))
    }

    /// A block without transactions leaves the state alone, so that its own header names it.
    @Test func theHeadProvesItselfWhenItChangedNothing() async throws {
        let chain = try await SmallChain()
        let found = try await chain.result("chain.proof", ["kind": .text("account"), "id": chain.address(5)])
        #expect(found["header_height"] == .integer(3))
        let light = try await Self.lightBlock(of: found, on: chain)
        #expect(try Self.provedValue(found, .account(chain.source.keys[5].publicKey), under: light) != nil)
    }

    private static func provedValue(_ found: JSONValue, _ key: StateKey, under light: LightBlock) throws -> Bytes32? {
        let proof = try StateProof(canonicalBytes: try #require(found["proof"]?.unhexed))
        #expect(found["path"] == .id(key.path) && found["state_root"] == .id(light.header.stateRoot))
        return try proof.value(at: key.path, under: light.header.stateRoot)
    }

    private static func lightBlock(of answer: JSONValue, on chain: SmallChain) async throws -> LightBlock {
        let light = try LightBlock(canonicalBytes: try #require(answer["light_block"]?.unhexed))
        try light.check(chainID: chain.source.genesis.chainID)
        return light
    }

    @Test func delegatesOfAnEarlierEpochAreNotMadeUp() async throws {
        let source = try LedgerSource(epochBlocks: 2)
        let rpc = ChainRPC(source, history: ChainHistory())
        // A fifth delegate, elected after epoch 0 for epoch 2: the sets differ.
        try await source.offer(.registerDelegate(RegisterDelegate(commission: 0)), by: 5)
        try await source.offer(.stake(Stake(with: source.keys[5].publicKey, amount: QLC("900000")!)), by: 5)
        for _ in 1...8 { try await source.makeBlock() }
        for (height, isKnown) in [(1, false), (8, true)] as [(Int, Bool)] {
            let request = #"{"jsonrpc":"2.0","id":1,"method":"chain.validators","params":{"height":\#(height)}}"#
            let answer = try JSONValue(bytes: try #require(await rpc.answer(to: Array(request.utf8))))
            #expect((answer["error"]?["code"] == .integer(2)) == !isKnown, "height \(height)")
        }
    }

    @Test func blocksThatAreNotThereSayWhy() async throws {
        let chain = try await SmallChain()
        #expect(try await chain.fault("chain.block", ["height": .integer(4)]) == .notFound)
        await chain.source.forgetBlocks(before: 2)
        #expect(try await chain.fault("chain.block", ["height": .integer(1)]) == .notKept)
        #expect(try await chain.fault("chain.light_block", ["height": .integer(1)]) == .notKept)
        #expect(try await chain.result("chain.block", ["height": .integer(2)])["transactions"]?.list.count == 5)
    }

    // MARK: What comes from anywhere

    /// Never a trap, and always an answer by the book.
    @Test(arguments: 1...4 as ClosedRange<UInt64>) func anythingIsAnswered(seed: UInt64) async throws {
        let chain = try await SmallChain()
        var random = SplitMix64(seed: seed)
        let values: [JSONValue] = [
            .null, .bool(true), .integer(-1), .integer(0), .integer(1), .integer(Int128(UInt64.max)), .integer(Int128(Int64.max)),
            .text(""), .text("transfer"), .text("channel"), .id(chain.channel), chain.address(4), .text("u0nd9k"), .list([]),
            .object([:]), .text(String(repeating: "f", count: 5_000)), .text("\u{0}\u{1F600}\n"),
        ]
        for _ in 0..<150 {
            let method = random.pick(ChainMethod.allCases)
            var params: [String: JSONValue] = [:]
            for name in method.params where random.chance(9, in: 10) { params[name] = random.pick(values) }
            _ = try await chain.answer(method.rawValue, params)
        }
        let example = try await Self.example(on: chain)
        for _ in 0..<300 {
            var bytes = random.chance(1, in: 3) ? random.bytes(random.number(0...200)) : example
            for _ in 0..<random.number(0...4) where !bytes.isEmpty {
                bytes[random.number(0...bytes.count - 1)] = random.pick(Array("{}[]\",:0e-\\u\u{7f}".utf8) + random.bytes(1))
            }
            guard let answer = await chain.rpc.answer(to: bytes) else { continue }
            #expect(throws: Never.self) { try JSONValue(bytes: answer) }
        }
    }

    private static func example(on chain: SmallChain) async throws -> [UInt8] {
        JSONValue.list([
            .object([
                "jsonrpc": .text("2.0"), "id": .integer(1), "method": .text("chain.proof"),
                "params": .object(["kind": .text("channel"), "id": .id(chain.channel)]),
            ]),
            .object(["jsonrpc": .text("2.0"), "id": .text("x"), "method": .text("chain.status")]),
        ]).bytes
    }

    @Test(arguments: [
        "1e999", "-1e999", "1.5", "99999999999999999999999999", "-0", "1E400000000", "0.0000001", "-9223372036854775809",
    ]) func numbersThatNobodyCanHoldAreRefused(number: String) async throws {
        let chain = try await SmallChain()
        let request = #"{"jsonrpc":"2.0","id":1,"method":"chain.block","params":{"height":\#(number)}}"#
        let answer = try JSONValue(bytes: try #require(await chain.rpc.answer(to: Array(request.utf8))))
        #expect(answer["error"]?["code"] == .integer(-32_602) || answer["error"]?["code"] == .integer(-32_700))
    }
}
