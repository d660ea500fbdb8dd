import AsyncAlgorithms
public import Consensus
public import Ledger
public import Logging
public import Node
public import Primitives

/// The clocks of a node: one that times everything, and one that is told to others.
public struct ChainClock: Sendable {
    /// Since the board booted.
    public var boot: @Sendable () -> Instant
    /// Milliseconds since 1970; nil while the wall clock is not to be believed.
    public var wall: @Sendable () -> UInt64?

    public init(boot: @escaping @Sendable () -> Instant, wall: @escaping @Sendable () -> UInt64?) {
        (self.boot, self.wall) = (boot, wall)
    }
}

/// A running chain node: what ``ChainNode`` decides is done here, one action after the other.
///
/// ```
///  transport ─┐
///  timers ────┼─▶ inputs (each waits for its turn) ─▶ node.handle ─▶ actions ─▶ storage, transport, timers
///  wallets ───┘
/// ```
public actor ChainService {
    enum Input: Sendable {
        case event(ChainNode.Event)
        case submit(CheckedTransaction)
    }

    /// Of one answer to a peer that asks for blocks: room for what stands around them.
    private static let answerBytes = Blocks.bytesLimit - 64

    public nonisolated let genesis: Genesis
    private var node: ChainNode
    private let storage: any ChainStorage
    private let transport: any ChainTransport
    private let clock: ChainClock
    private let logger: Logger
    private let inputs = AsyncChannel<Input>()
    /// Who submitted a transaction and waits for the answer.
    private var waiting: [Bytes32: [AsyncStream<Mempool.Refusal?>.Continuation]] = [:]
    /// Final, and not with the storage yet: the state is past them already.
    private var arriving: [UInt64: CertifiedBlock] = [:]
    private var hasEnded = false
    private var followers: [AsyncStream<FinalBlock>.Continuation] = []

    /// A block that is final, and what became of its transactions.
    public struct FinalBlock: Sendable {
        public var certified: CertifiedBlock
        public var receipts: [Receipt]

        public init(certified: CertifiedBlock, receipts: [Receipt]) { (self.certified, self.receipts) = (certified, receipts) }
    }

    /// - Parameter identity: a delegate's key; nil follows.
    public init(
        genesis: Genesis, identity: PrivateKey?, timing: ConsensusTiming = ConsensusTiming(),
        settings: SyncSettings = SyncSettings(),
        storage: any ChainStorage, transport: any ChainTransport, clock: ChainClock, logger: Logger
    ) async throws {
        let stored = try await storage.load(genesis)
        for doubt in stored.doubts { logger.warning("the signing state may be a copy", metadata: ["reason": "\(doubt)"]) }
        node = ChainNode(
            identity: identity, timing: timing, state: stored.state, lastCommit: stored.lastCommit,
            lastHeader: stored.lastHeader, past: stored.past, bound: stored.bound, settings: settings)
        (self.genesis, self.storage, self.transport, self.clock, self.logger) = (genesis, storage, transport, clock, logger)
    }

    public var state: LedgerState { node.state }
    public var peerCount: Int { node.peerCount }
    public var claimedHeight: UInt64 { node.claimedHeight }
    /// Why this node signs nothing; nil while it does.
    public var silence: String? { node.silence }

    /// What this node knows now, for as long as `body` runs: nobody keeps the ledger, so that the next block need not copy it.
    public func read<Answer: Sendable>(_ body: @Sendable (ChainMoment) throws -> Answer) rethrows -> Answer {
        try body(
            ChainMoment(
                state: node.state, lastCommit: node.lastCommit, pool: node.pool, peerHeights: node.peerHeights,
                claimedHeight: node.claimedHeight, silence: node.silence))
    }

    /// The final block at `height`; nil when it is not there yet, or not kept any more.
    public func block(at height: UInt64) async throws -> CertifiedBlock? {
        if let block = arriving[height] { return block }
        return try await storage.blocks(BlockRange(from: height, count: 1), atMost: Blocks.bytesLimit).first
    }

    /// Final blocks that are kept, from the range's first on, as many as one message holds.
    public func blocks(_ range: BlockRange) async throws -> [CertifiedBlock] {
        try await storage.blocks(range, atMost: Blocks.bytesLimit)
    }

    /// Runs until it is cancelled; then what is final is on disk.
    public func run() async throws {
        do {
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask { await self.readTransport() }
                try await perform(node.start(clock: clock.wall()), in: &group)
                for await input in inputs {
                    switch input {
                    case .event(let event):
                        try await perform(node.handle(event, at: clock.boot(), clock: clock.wall()), in: &group)
                    case .submit(let transaction): try await take(transaction, in: &group)
                    }
                }
                group.cancelAll()
            }
        } catch is CancellationError {} catch {
            end()
            throw error
        }
        end()
        try await storage.close()
    }

    /// Nobody waits for a node that runs no more, whatever ended it.
    private func end() {
        hasEnded = true
        inputs.finish()
        for answer in waiting.values.joined() { answer.finish() }
        for follower in followers { follower.finish() }
    }

    /// Offers a transaction to the network; when this returns it waits for a block.
    /// - Throws: `Mempool.Refusal`, or `CancellationError` when the node has ended.
    public func submit(_ transaction: CheckedTransaction) async throws {
        guard !hasEnded else { throw CancellationError() }
        let (answers, answer) = AsyncStream.makeStream(of: Mempool.Refusal?.self)
        waiting[transaction.id, default: []].append(answer)
        await inputs.send(.submit(transaction))
        for await refusal in answers {
            if let refusal { throw refusal }
            return
        }
        throw CancellationError()
    }

    /// Blocks from now on, as they become final. A follower that lags loses the oldest.
    public func finalBlocks(lagging limit: Int = 64) -> AsyncStream<FinalBlock> {
        let (stream, continuation) = AsyncStream.makeStream(of: FinalBlock.self, bufferingPolicy: .bufferingNewest(limit))
        if hasEnded { continuation.finish() } else { followers.append(continuation) }
        return stream
    }

    private func readTransport() async {
        while let event = await transport.next() { await inputs.send(.event(event)) }
    }

    private func take(
        _ transaction: CheckedTransaction, in group: inout ThrowingDiscardingTaskGroup<any Error>
    ) async throws {
        let actions = node.handle(.submitted(transaction), at: clock.boot(), clock: clock.wall())
        var refusal: Mempool.Refusal?
        for case .refused(transaction.id, let why) in actions { refusal = why }
        for answer in waiting.removeValue(forKey: transaction.id) ?? [] { answer.yield(refusal) }
        try await perform(actions, in: &group)
    }

    private func perform(
        _ actions: [ChainNode.Action], in group: inout ThrowingDiscardingTaskGroup<any Error>
    ) async throws {
        for case .append(let certified, _, _) in actions { arriving[certified.height] = certified }
        for action in actions {
            switch action {
            case .persist(let signing, let bound): try await storage.persist(signing, bound: bound)
            case .append(let certified, let outcome, let root):
                try await storage.append(certified, outcome, root: root)
                arriving[certified.height] = nil
                tell(FinalBlock(certified: certified, receipts: outcome.receipts))
            case .send(let message, let peer): await transport.send(message, to: peer)
            case .sendBlocks(let range, let peer):
                let blocks = try await storage.blocks(range, atMost: Self.answerBytes)
                await transport.send(.blocks(Blocks(blocks)), to: peer)
            case .sendLightBlock(let question, let peer):
                let block = try await storage.lightBlock(from: question.height)
                await transport.send(.lightBlock(LightReply(question, block)), to: peer)
            case .sendSnapshot(let peer):
                await transport.send(.snapshot(SnapshotOffer(try await storage.snapshot())), to: peer)
            case .sendChunk(let name, let peer):
                let bytes = try await storage.chunk(name) ?? []
                await transport.send(.chunk(ChunkReply(name, bytes)), to: peer)
            case .beginSnapshot(let tree):
                guard try await storage.beginSnapshot(tree) else { break }
                group.addTask { while try await self.storage.continueSnapshot() { await Task.yield() } }
            case .keepChunk(let bytes, let index): try await storage.keepChunk(bytes, index: index)
            case .install(let snapshot):
                let state = try await storage.install(snapshot, on: genesis)
                logger.info("goes on from a snapshot", metadata: ["height": "\(state.head.height)"])
                try await perform(node.handle(.installed(state), at: clock.boot(), clock: clock.wall()), in: &group)
            case .schedule(let timer, let delay):
                group.addTask {
                    // Cancelled only when all ends.
                    guard (try? await Task.sleep(for: delay.duration)) != nil else { return }
                    await self.inputs.send(.event(.timer(timer)))
                }
            case .punish(let peer, let misdeed): await transport.punish(peer, misdeed)
            case .refused: break
            }
        }
    }

    private func tell(_ block: FinalBlock) {
        logger.debug("final", metadata: ["height": "\(block.certified.height)", "transactions": "\(block.receipts.count)"])
        followers.removeAll { if case .terminated = $0.yield(block) { true } else { false } }
    }
}
