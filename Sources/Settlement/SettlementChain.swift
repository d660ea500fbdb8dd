public import Chain
public import Ledger
public import Node
public import Primitives

/// A chain node, as far as the station's money needs it.
///
/// ```
///  ledger ──▶ ChainChannelBook ──▶ channels opened, topped up, closed ──▶ the charging engine
///    ▲                                                                        │ vouchers, durable
///    └── blocks ◀── node ◀── Settler: what the policy says, one at a time ◀───┘
/// ```
///
/// Everything here is found in the ledger's state and in what the station holds; blocks only say when to look. So a block that was
/// missed, a restart, or a day asleep changes nothing but the moment.
public protocol SettlementChain: Sendable {
    var chainID: Bytes32 { get async }
    /// What is known now, for as long as `body` runs. A ledger that is kept longer would have to be copied for the next block.
    func read<Answer: Sendable>(_ body: @Sendable (ChainMoment) throws -> Answer) async rethrows -> Answer
    /// Returns when the transaction waits for a block.
    /// - Throws: `Mempool.Refusal`; anything else when the node has ended.
    func submit(_ transaction: CheckedTransaction) async throws
    /// The final block at `height`; nil when it is not kept.
    func block(at height: UInt64) async throws -> CertifiedBlock?
    /// Blocks from now on. A follower that lags by more than `limit` loses the oldest.
    func finalBlocks(lagging limit: Int) async -> AsyncStream<ChainService.FinalBlock>
}

extension ChainService: SettlementChain {
    public var chainID: Bytes32 { genesis.chainID }
}
