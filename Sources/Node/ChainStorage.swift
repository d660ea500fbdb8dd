public import Consensus
public import Ledger
public import Primitives

/// What a node finds on its disk when it starts.
public struct StoredChain: Sendable {
    public var state: LedgerState
    /// Of the state's head; nil at height 0.
    public var lastCommit: Commit?
    /// The head's, if it is kept.
    public var lastHeader: Header?
    public var past: Agreement.Past
    /// Why the disk may be a copy, in words.
    public var doubts: [String]
    /// The blocks that the signing state names.
    public var bound: [Block]

    public init(
        state: LedgerState, lastCommit: Commit?, lastHeader: Header? = nil, past: Agreement.Past, doubts: [String], bound: [Block]
    ) {
        (self.state, self.lastCommit, self.lastHeader) = (state, lastCommit, lastHeader)
        (self.past, self.doubts, self.bound) = (past, doubts, bound)
    }
}

/// Where a node keeps its chain. Every start is a recovery: `load` is the only way in.
public protocol ChainStorage: Sendable {
    /// The state after the last block that is there, or that of `genesis`.
    func load(_ genesis: Genesis) async throws -> StoredChain
    /// Returns when the signing state, its blocks, and every block appended before survive a power cut.
    func persist(_ signing: SigningState, bound: [Block]) async throws
    /// Takes a final block in, with what it changed and the root of the state after it. It need not survive a power cut yet.
    func append(_ certified: CertifiedBlock, _ outcome: BlockOutcome, root: Bytes32) async throws
    /// Blocks that are there, from the range's first on without a gap, in at most `bytes`.
    func blocks(_ range: BlockRange, atMost bytes: Int) async throws -> [CertifiedBlock]
    /// At `height` or the first above it that is kept; nil: the newest.
    func lightBlock(from height: UInt64?) async throws -> LightBlock?

    // MARK: snapshots

    /// The newest one behind which there is a block, so that others can verify it.
    func snapshot() async throws -> SnapshotManifest?
    /// nil if that snapshot is not kept, or not whole.
    func chunk(_ name: ChunkName) async throws -> [UInt8]?
    /// Begins to keep the state after the block appended last, which `tree` is of. False: there is nothing to do.
    func beginSnapshot(_ tree: StateTree) async throws -> Bool
    /// Writes a part of it. True: there is more to do. Others may go on in between.
    func continueSnapshot() async throws -> Bool
    /// Keeps a chunk of a snapshot that is on its way here; 0 begins anew.
    func keepChunk(_ bytes: [UInt8], index: Int) async throws
    /// Puts the chunks that were kept in the place of the state and of all blocks. A crash leaves one or the other.
    /// - Returns: the state as it is on disk now.
    func install(_ snapshot: CertifiedSnapshot, on genesis: Genesis) async throws -> LedgerState

    /// The last thing that is asked of it: all of it on disk.
    func close() async throws
}

/// How a node reaches its peers: authenticated, bounded, in order for each.
public protocol ChainTransport: Sendable {
    /// The next thing that peers did; nil when there will be no more. For one reader: while it waits, peers wait.
    func next() async -> ChainNode.Event?
    /// nil: to everybody.
    func send(_ message: ChainMessage, to peer: PublicKey?) async
    func punish(_ peer: PublicKey, _ misdeed: ChainNode.Misdeed) async
}
