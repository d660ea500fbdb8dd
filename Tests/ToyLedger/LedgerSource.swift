public import Chain
public import ChainAPI
public import Consensus
public import Ledger
public import Node
public import Primitives
import SimulatedHAL

/// A chain in memory with the real ledger and the real pool: blocks are built, executed, signed by its delegates and applied.
public actor LedgerSource: ChainSource {
    public static let start: BlockTime = 1_800_000_000_000

    public nonisolated let genesis: Genesis
    /// Four delegates, then four people.
    public nonisolated let keys: [PrivateKey]
    public private(set) var state: LedgerState
    public private(set) var pool = Mempool()
    private var certified: [CertifiedBlock] = []
    private var followers: [AsyncStream<ChainService.FinalBlock>.Continuation] = []
    /// As after pruning.
    private var oldestKept: UInt64 = 1
    private var hasEnded = false

    public init(name: String = "devnet", epochBlocks: UInt64 = 1_200, start: BlockTime = LedgerSource.start) throws {
        var random = SplitMix64(seed: 6)
        keys = (0..<8).map { _ in PrivateKey(seed: random.bytes(32))! }
        var parameters = Parameters()
        try parameters.set(.epochBlocks, to: epochBlocks)
        let stake = QLC(units: 1_000_000 * QLC.unitsPerQLC)
        let each = (QLC.supply.units - 4 * stake.units) / 8
        genesis = Genesis(
            name: name, time: start, parameters: parameters,
            allocations: keys.map { Genesis.Allocation($0.publicKey, QLC(units: each)) },
            delegates: keys.prefix(4).map { Genesis.FirstDelegate($0.publicKey, stake: stake) })
        state = try genesis.state()
    }

    // MARK: ChainSource

    public func read<Answer: Sendable>(_ body: @Sendable (ChainMoment) throws -> Answer) rethrows -> Answer {
        try body(
            ChainMoment(
                state: state, lastCommit: certified.last?.commit, pool: pool, peerHeights: [keys[1].publicKey: 2],
                claimedHeight: state.head.height, silence: "no identity"))
    }

    public func block(at height: UInt64) -> CertifiedBlock? {
        height < oldestKept ? nil : certified.first { $0.height == height }
    }

    public func submit(_ transaction: CheckedTransaction) throws {
        guard !hasEnded else { throw CancellationError() }
        try pool.add(transaction, on: state)
    }

    public func finalBlocks(lagging limit: Int) -> AsyncStream<ChainService.FinalBlock> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ChainService.FinalBlock.self, bufferingPolicy: .bufferingNewest(limit))
        followers.append(continuation)
        return stream
    }

    // MARK: What a test does

    public func end() {
        hasEnded = true
        for follower in followers { follower.finish() }
    }

    public var isOver: Bool { hasEnded }

    public func forgetBlocks(before height: UInt64) { oldestKept = height }

    /// The least fee, and the sequence behind what waits already.
    public func sign(_ payload: Payload, by person: Int, amiss change: (inout Transaction) -> Void = { _ in })
        -> CheckedTransaction
    {
        let sender = keys[person].publicKey
        var transaction = Transaction(
            chainID: state.chainID, sender: sender, sequence: pool.nextSequence(of: sender, on: state), fee: .zero,
            validUntil: genesis.time + 86_400_000, payload: payload)
        let size = transaction.canonicalBytes.count + Signature.size
        transaction.fee = Fees.least(for: payload, bytes: size, state.parameters)
        change(&transaction)
        return CheckedTransaction(signing: transaction, by: keys[person])
    }

    @discardableResult public func offer(_ payload: Payload, by person: Int) throws -> CheckedTransaction {
        let checked = sign(payload, by: person)
        try submit(checked)
        return checked
    }

    /// A block of what waits.
    @discardableResult public func makeBlock() throws -> ChainService.FinalBlock {
        let (block, outcome) = try state.build(
            from: pool.ordered, lastCommit: certified.last?.commit, proposer: state.rotation.proposer,
            at: state.head.time + 1_000)
        let set = state.epoch.current
        state.apply(outcome)
        pool.advance(to: state)
        let vote = Vote(
            chainID: state.chainID, height: block.header.height, round: 0, step: .precommit, block: block.header.id)
        let owners = Dictionary(uniqueKeysWithValues: keys.map { ($0.publicKey, $0) })
        let commit = Commit(of: vote, from: set.delegates.map { Verified(signing: vote, by: owners[$0.key]!) }, in: set)
        certified.append(CertifiedBlock(block, commit))
        let final = ChainService.FinalBlock(certified: certified[certified.count - 1], receipts: outcome.receipts)
        for follower in followers { follower.yield(final) }
        return final
    }
}
