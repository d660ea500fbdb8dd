public import Chain
public import Ledger
public import Node

/// Where the API finds the chain: a running node, or a ledger in memory.
public protocol ChainSource: Sendable {
    var genesis: Genesis { get }
    /// What is known now, for as long as `body` runs. A ledger that is kept longer would have to be copied for the next block.
    func read<Answer: Sendable>(_ body: @Sendable (ChainMoment) throws -> Answer) async rethrows -> Answer
    /// The final block at `height`; nil when it is not there yet, or not kept any more.
    func block(at height: UInt64) async throws -> CertifiedBlock?
    /// Returns when the transaction waits for a block.
    /// - Throws: `Mempool.Refusal`; anything else when the node has ended.
    func submit(_ transaction: CheckedTransaction) async throws
    /// Blocks from now on. A follower that lags by more than `limit` loses the oldest.
    func finalBlocks(lagging limit: Int) async -> AsyncStream<ChainService.FinalBlock>
}

extension ChainService: ChainSource {}
