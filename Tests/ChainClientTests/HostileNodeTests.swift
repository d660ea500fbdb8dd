import BoundedJSON
import ChainAPI
import ChainClient
import Consensus
import Ledger
import Node
import Primitives
import Testing
import ToyLedger

/// A node that lies, or is broken: it is found out, or at the least nothing that it says counts as proved.
@Suite struct HostileNodeTests {
    static func chain(blocks: Int = 2) async throws -> LedgerSource {
        let source = try LedgerSource()
        try await source.offer(.transfer(Transfer(to: source.keys[5].publicKey, amount: QLC("2.5")!)), by: 4)
        for _ in 0..<blocks { try await source.makeBlock() }
        return source
    }

    /// What becomes of a balance that such a node is asked for.
    private func balance(
        from source: LedgerSource, _ lie: @escaping @Sendable ([UInt8], [UInt8]) async -> TestNode.Answer
    ) async throws -> Result<Known<Account>, ChainClientError> {
        let results = Results()
        try await TestNode.run(source, lie: lie) { node in
            do {
                var client = try await node.client()
                await results.note(.success(try await client.account(node.source.keys[5].publicKey)))
            } catch let error as ChainClientError { await results.note(.failure(error)) }
        }
        return try #require(await results.last)
    }

    private actor Results {
        var last: Result<Known<Account>, ChainClientError>?
        func note(_ result: Result<Known<Account>, ChainClientError>) { last = result }
    }

    @Test func anHonestNodeIsBelieved() async throws {
        let known = try await balance(from: Self.chain()) { .bytes($1) }.get()
        #expect(known.isProved, "the lies below are found because of what is false in them")
    }

    enum Lie: CaseIterable {
        case entry, proof, root, otherState, hidden, invented, otherHeader, header, otherKey
    }

    @Test(arguments: Lie.allCases) func aLieIsFoundOut(_ lie: Lie) async throws {
        let source = try await Self.chain()
        let rpc = ChainRPC(source, history: ChainHistory())
        let richer = StateEntry.account(Account(balance: QLC("1000000")!)).canonicalBytes
        let (rich, key) = (try await Self.richerState(), StateKey.account(source.keys[5].publicKey))
        let other = source.address(4)
        let own = source.address(5)
        let result = try await balance(from: source) { request, answer in
            if isCall(request, of: .lightBlock), lie == .header {
                // Of the height, but with another state: the signatures are not for it.
                return .bytes(Self.withForgedState(answer))
            }
            guard isCall(request, of: .proof) else { return .bytes(answer) }
            switch lie {
            case .entry: return .bytes(changed(answer, "entry", to: .text(Hex.encode(richer))))
            case .proof: return .bytes(changed(answer, "proof", to: .text(Hex.encode(StateProof().canonicalBytes))))
            case .root: return .bytes(changed(answer, "state_root", to: .text(Bytes32.zero.description)))
            case .otherState:
                // A state that is sound in itself, and that no delegate signed.
                let forged = changed(answer, "entry", to: .text(Hex.encode(rich[key]?.canonicalBytes ?? [])))
                let proof = Hex.encode(rich.tree.proof(of: key.path).canonicalBytes)
                return .bytes(changed(changed(forged, "proof", to: .text(proof)), "state_root", to: .text("\(rich.root)")))
            case .hidden:
                return .bytes(changed(changed(answer, "entry", to: nil), "is_present", to: .bool(false)))
            case .invented: return .bytes(changed(answer, "height", to: .integer(7)))
            case .otherHeader: return .bytes(changed(changed(answer, "header_height", to: .integer(1)), "light_block", to: nil))
            case .header: return .bytes(changed(answer, "light_block", to: nil))
            case .otherKey:
                let swapped = String(decoding: request, as: UTF8.self).split(separator: own).joined(separator: other)
                return .bytes(await rpc.answer(to: Array(swapped.utf8)) ?? [])
            }
        }
        guard case .failure(.lie(_, let why)) = result else {
            Issue.record("\(lie) was believed: \(result)")
            return
        }
        #expect(!why.isEmpty)
    }

    private static func richerState() async throws -> LedgerState {
        let source = try LedgerSource()
        try await source.offer(.transfer(Transfer(to: source.keys[5].publicKey, amount: QLC("1000000")!)), by: 4)
        try await source.makeBlock()
        return await source.state
    }

    private static func withForgedState(_ answer: [UInt8]) -> [UInt8] {
        guard case .text(let hex)? = (try? JSONValue(bytes: answer))?["result"]?["light_block"],
            var block = try? LightBlock(canonicalBytes: Hex.decode(hex) ?? [])
        else { return answer }
        block.header.stateRoot = Bytes32(Array(repeating: 9, count: 32))!
        return changed(answer, "light_block", to: .text(Hex.encode(block.canonicalBytes)))
    }

    /// A whole chain of one's own, with delegates of one's own, under the name of the true one.
    @Test(arguments: [true, false]) func aChainOfStrangersConvincesNobody(isNamedTrue: Bool) async throws {
        let (truth, forged) = (try LedgerSource(), try await Self.chain())
        let genesis = try Self.otherGenesis(of: truth)
        try await TestNode.run(
            forged,
            lie: { request, answer in
                guard isNamedTrue, isCall(request, of: .status) else { return .bytes(answer) }
                return .bytes(changed(answer, "chain_id", to: .text(genesis.chainID.description)))
            }
        ) { node in
            let error = await #expect(throws: ChainClientError.self) {
                var client = try await node.client(genesis: genesis)
                _ = try await client.account(node.source.keys[5].publicKey)
            }
            switch error {
            case .lie where isNamedTrue, .otherChain where !isNamedTrue: break
            default: Issue.record("\(String(describing: error))")
            }
        }
    }

    private static func otherGenesis(of source: LedgerSource) throws -> Genesis {
        var genesis = source.genesis
        genesis.name = "true-net"
        return genesis
    }

    @Test func strangersMayNotSignForTheDelegates() async throws {
        let source = try await Self.chain()
        let genesis = source.genesis
        let result = try await balance(from: source) { request, answer in
            guard isCall(request, of: .lightBlock) || isCall(request, of: .proof) else { return .bytes(answer) }
            return .bytes(Self.signedByStrangers(answer, genesis))
        }
        guard case .failure(.lie) = result else {
            Issue.record("\(result)")
            return
        }
    }

    /// The same header but for its delegates, who are made up and have signed it.
    private static func signedByStrangers(_ answer: [UInt8], _ genesis: Genesis) -> [UInt8] {
        let batch: JSONValue? = try? JSONValue(bytes: answer)
        let first = if case .list(let all)? = batch { all.first } else { batch }
        guard case .text(let hex)? = first?["result"]?["light_block"],
            var block = try? LightBlock(canonicalBytes: Hex.decode(hex) ?? [])
        else { return answer }
        let keys = (0..<4).map { _ in PrivateKey() }
        guard let set = try? DelegateSet(keys.map { Delegate(key: $0.publicKey, power: 1) }) else { return answer }
        (block.header.delegateSet, block.header.nextDelegateSet, block.delegates) = (set.hash, set.hash, set)
        let vote = Vote(
            chainID: genesis.chainID, height: block.height, round: 0, step: .precommit, block: block.header.id)
        let owners = Dictionary(uniqueKeysWithValues: keys.map { ($0.publicKey, $0) })
        block.commit = Commit(of: vote, from: set.delegates.map { Verified(signing: vote, by: owners[$0.key]!) }, in: set)
        return changed(answer, "light_block", to: .text(Hex.encode(block.canonicalBytes)))
    }

    @Test(arguments: [(8, true), (9, false), (10, false)]) func trustEndsWithItsPeriod(days: UInt64, isProved: Bool) async throws
    {
        let source = try await Self.chain()
        try await TestNode.run(source) { node in
            let clock = SetClock(time: LedgerSource.start + days * 86_400_000)
            do {
                var client = try await node.client(at: clock)
                #expect(try await client.account(node.source.keys[5].publicKey).isProved == isProved)
            } catch {
                guard case ChainClientError.unproved(let why) = error else { throw error }
                #expect(!isProved && why.contains("--checkpoint"), "\(why)")
            }
        }
    }

    @Test func aCheckpointRenewsTrust() async throws {
        let source = try LedgerSource(epochBlocks: 4)
        for _ in 0..<22 { try await source.makeBlock() }
        let block = try #require(await source.block(at: 19)).block.header
        try await TestNode.run(source) { node in
            let connection = ChainConnection(try NodeAddress(node.url), timeoutSeconds: 60)
            let clock = await source.clock
            var client = try await ChainClient(
                connection, genesis: source.genesis, checkpoint: Checkpoint(height: 19, header: block.id), clock: clock)
            #expect(client.light?.newest.height == 19)
            #expect(try await client.account(node.source.keys[5].publicKey).isProved)
            await #expect(throws: ChainClientError.self, "a hash that nobody vouched for") {
                _ = try await ChainClient(
                    connection, genesis: source.genesis, checkpoint: Checkpoint(height: 19, header: .zero), clock: clock)
            }
        }
    }

    /// What was proved once is not taken back.
    @Test func aNodeThatGoesBackProvesNothing() async throws {
        let (source, old) = (try await Self.chain(blocks: 6), try await Self.chain(blocks: 3))
        let kept = Kept()
        try await TestNode.run(source) { node in
            var client = try await node.client()
            _ = try await client.account(node.source.keys[5].publicKey)
            await kept.keep(client.light?.newest)
        }
        let newest = await kept.block
        #expect(newest?.height ?? 0 >= 5)
        try await TestNode.run(old) { node in
            var client = try await ChainClient(
                ChainConnection(NodeAddress(node.url)), genesis: old.genesis, kept: newest, clock: await source.clock)
            let known = try await client.account(node.source.keys[5].publicKey)
            guard case .unproved(let why) = known.standing else {
                Issue.record("it was believed")
                return
            }
            #expect(why.contains("behind"))
        }
    }

    private actor Kept {
        var block: LightBlock?
        func keep(_ block: LightBlock?) { self.block = block }
    }

    // MARK: Broken answers

    @Test func anAnswerWithoutEndIsBroken() async throws {
        let result = try await balance(from: Self.chain()) { request, answer in
            isCall(request, of: .proof) ? .endless : .bytes(answer)
        }
        guard case .failure(.unreachable(let words, _)) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(words.contains("larger than \(ChainConnection.answerLimit)"))
    }

    @Test(arguments: [
        #"{"jsonrpc":"2.0","id":2,"result":{}}"#, #"{"jsonrpc":"1.0","id":1,"result":{}}"#, #"{"jsonrpc":"2.0","id":1}"#,
        "", "hello", "[]", "null", #"{"jsonrpc":"2.0","id":"1","result":{}}"#, String(repeating: "[", count: 20_000),
        String(repeating: #"{"result":"#, count: 20_000),
    ]) func whatIsNoAnswerIsNone(answer: String) async throws {
        try await TestNode.run(try await Self.chain(), lie: { _, _ in .bytes(Array(answer.utf8)) }) { node in
            let error = await #expect(throws: ChainClientError.self) { _ = try await node.client() }
            guard case .notAnAnswer = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test func anAnswerToAnotherCallIsNone() async throws {
        let result = try await balance(from: Self.chain()) { request, answer in
            guard isCall(request, of: .proof), case .list(let all)? = try? JSONValue(bytes: answer) else { return .bytes(answer) }
            return .bytes(JSONValue.list(all + all).bytes)
        }
        guard case .failure(.notAnAnswer) = result else {
            Issue.record("\(result)")
            return
        }
    }

    @Test func nobodyThereIsSaid() async throws {
        let error = await #expect(throws: ChainClientError.self) {
            _ = try await ChainClient(
                ChainConnection(NodeAddress("127.0.0.1:1"), timeoutSeconds: 2), genesis: nil, clock: SetClock(time: 0))
        }
        guard case .unreachable(let words, false) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(words.contains("--node"))
    }
}
