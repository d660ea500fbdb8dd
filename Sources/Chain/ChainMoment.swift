public import Consensus
public import Ledger
public import Node
public import Primitives

/// What a node knows between two events.
public struct ChainMoment: Sendable {
    public var state: LedgerState
    /// Of the state's head; nil at height 0.
    public var lastCommit: Commit?
    public var pool: Mempool
    /// By peer, the height that it told last: a claim.
    public var peerHeights: [PublicKey: UInt64]
    /// The largest of them, or the own height.
    public var claimedHeight: UInt64
    /// Why the node signs nothing; nil while it does.
    public var silence: String?

    public init(
        state: LedgerState, lastCommit: Commit?, pool: Mempool = Mempool(), peerHeights: [PublicKey: UInt64] = [:],
        claimedHeight: UInt64, silence: String?
    ) {
        (self.state, self.lastCommit, self.pool) = (state, lastCommit, pool)
        (self.peerHeights, self.claimedHeight, self.silence) = (peerHeights, claimedHeight, silence)
    }
}
