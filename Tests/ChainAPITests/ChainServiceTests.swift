import BoundedJSON
import Chain
import ChainAPI
import Consensus
import Ledger
import Logging
import Node
import Primitives
import Testing
import ToyLedger

@Suite struct ChainServiceAPITests {
    /// A disk that holds nothing: the chain starts from genesis.
    struct EmptyStorage: ChainStorage {
        func load(_ genesis: Genesis) throws -> StoredChain {
            StoredChain(
                state: try genesis.state(), lastCommit: nil, past: .init(signing: nil, isWhole: true), doubts: [], bound: [])
        }
        func persist(_ signing: SigningState, bound: [Block]) {}
        func append(_ certified: CertifiedBlock, _ outcome: BlockOutcome, root: Bytes32) {}
        func blocks(_ range: BlockRange, atMost bytes: Int) -> [CertifiedBlock] { [] }
        func lightBlock(from height: UInt64?) -> LightBlock? { nil }
        func snapshot() -> SnapshotManifest? { nil }
        func chunk(_ name: ChunkName) -> [UInt8]? { nil }
        func beginSnapshot(_ tree: StateTree) -> Bool { false }
        func continueSnapshot() -> Bool { false }
        func keepChunk(_ bytes: [UInt8], index: Int) {}
        func install(_ snapshot: CertifiedSnapshot, on genesis: Genesis) throws -> LedgerState { try genesis.state() }
        func close() {}
    }

    /// A disk that takes nothing more.
    struct FullStorage: ChainStorage {
        struct Full: Error {}

        func load(_ genesis: Genesis) throws -> StoredChain { try EmptyStorage().load(genesis) }
        func persist(_ signing: SigningState, bound: [Block]) throws { throw Full() }
        func append(_ certified: CertifiedBlock, _ outcome: BlockOutcome, root: Bytes32) throws { throw Full() }
        func blocks(_ range: BlockRange, atMost bytes: Int) -> [CertifiedBlock] { [] }
        func lightBlock(from height: UInt64?) -> LightBlock? { nil }
        func snapshot() -> SnapshotManifest? { nil }
        func chunk(_ name: ChunkName) -> [UInt8]? { nil }
        func beginSnapshot(_ tree: StateTree) -> Bool { false }
        func continueSnapshot() -> Bool { false }
        func keepChunk(_ bytes: [UInt8], index: Int) throws { throw Full() }
        func install(_ snapshot: CertifiedSnapshot, on genesis: Genesis) throws -> LedgerState { throw Full() }
        func close() {}
    }

    /// Nobody is there.
    struct NoPeers: ChainTransport {
        func next() async -> ChainNode.Event? {
            let (stream, end) = AsyncStream.makeStream(of: Never.self)
            for await _ in stream {}
            end.finish()
            return nil
        }
        func send(_ message: ChainMessage, to peer: PublicKey?) {}
        func punish(_ peer: PublicKey, _ misdeed: ChainNode.Misdeed) {}
    }

    private static func service(
        on ledger: LedgerSource, identity: PrivateKey?, storage: any ChainStorage
    ) async throws -> ChainService {
        var timing = ConsensusTiming()
        timing.blockInterval = .milliseconds(10)
        return try await ChainService(
            genesis: ledger.genesis, identity: identity, timing: timing, storage: storage, transport: NoPeers(),
            clock: ChainClock(boot: { Instant(nanoseconds: 0) }, wall: { LedgerSource.start + 10_000 }),
            logger: Logger(label: "test"))
    }

    @Test func whoFollowsIsToldWhenTheNodeFails() async throws {
        let ledger = try LedgerSource()
        let proposer = await ledger.state.rotation.proposer
        let service = try await Self.service(
            on: ledger, identity: ledger.keys.first { $0.publicKey == proposer }, storage: FullStorage())
        let blocks = await service.finalBlocks()
        async let running: Void = service.run()
        let payment = await ledger.sign(.transfer(Transfer(to: ledger.keys[5].publicKey, amount: QLC("1")!)), by: 4)
        // Its disk may fail before the answer.
        try? await service.submit(payment)
        for await _ in blocks { Issue.record("a block that is on no disk was told") }
        do {
            try await running
            Issue.record("the node did not say why it ended")
        } catch is FullStorage.Full {}
    }

    @Test func aRunningNodeIsASource() async throws {
        let ledger = try LedgerSource()
        let service = try await Self.service(on: ledger, identity: nil, storage: EmptyStorage())
        let rpc = ChainRPC(service, history: ChainHistory())
        func result(_ method: String, _ params: [String: JSONValue]) async throws -> JSONValue? {
            let call = JSONValue.object([
                "jsonrpc": .text("2.0"), "id": .integer(1), "method": .text(method), "params": .object(params),
            ])
            return try JSONValue(bytes: try #require(await rpc.answer(to: call.bytes)))["result"]
        }
        try await withThrowingTaskGroup { group in
            group.addTask { try await service.run() }
            let payment = await ledger.sign(.transfer(Transfer(to: ledger.keys[5].publicKey, amount: QLC("1")!)), by: 4)
            #expect(try await result("chain.submit", ["transaction": .hex(payment.bytes)])?["id"] == .id(payment.id))
            #expect(try await result("chain.transaction", ["id": .id(payment.id)])?["status"] == .text("waiting"))
            let address = JSONValue.text(Address(ledger.keys[4].publicKey, on: .test).description)
            #expect(try await result("chain.next_sequence", ["address": address])?["next_sequence"] == .integer(1))
            #expect(try await result("chain.status", [:])?["height"] == .integer(0))
            #expect(try await result("chain.block", ["height": .integer(1)]) == nil)
            group.cancelAll()
            try await group.waitForAll()
        }
        let again = await ledger.sign(.transfer(Transfer(to: ledger.keys[5].publicKey, amount: QLC("2")!)), by: 4)
        #expect(try await result("chain.submit", ["transaction": .hex(again.bytes)]) == nil, "the node has ended")
    }
}
