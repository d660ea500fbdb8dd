public import Consensus
import Ledger
public import Primitives

/// A block and what makes it final.
public struct CertifiedBlock: Hashable, Sendable, Canonical {
    public var block: Block
    public var commit: Commit

    public init(_ block: Block, _ commit: Commit) { (self.block, self.commit) = (block, commit) }
    public init() { self.init(Block(), Commit()) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&block)
        try coder.nested(&commit)
    }

    public var height: UInt64 { block.header.height }
}

/// What nodes say to each other. The transport says who, and in how many bytes at most.
public enum ChainMessage: Hashable, Sendable {
    /// Where the sender is; answered by what it misses.
    case status(NodeStatus)
    case proposal(ProposedBlock)
    case vote(Ballot)
    case accusation(DoubleVote)
    /// Names of transactions that the sender has.
    case inventory(Names)
    case wants(Names)
    case transaction(TransactionBytes)
    case wantsBlocks(BlockRange)
    case blocks(Blocks)
    /// Answered by the light block at a height, or the first above it that is kept.
    case wantsLightBlock(LightQuestion)
    case lightBlock(LightReply)
    /// Answered by the newest snapshot that can be had here.
    case wantsSnapshot
    case snapshot(SnapshotOffer)
    case wantsChunk(ChunkName)
    case chunk(ChunkReply)

    /// The frame's type.
    public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        case status = 16
        case proposal, vote, accusation, inventory, wants, transaction, wantsBlocks, blocks
        case wantsLightBlock, lightBlock, wantsSnapshot, snapshot, wantsChunk, chunk

        /// The largest message of this kind, in bytes: more is refused before it is read.
        public var limit: Int {
            switch self {
            case .status, .vote, .accusation: 1_024
            case .inventory, .wants: 16 + 32 * Names.limit
            case .transaction: Block.transactionSizeLimit + 16
            case .wantsBlocks, .wantsLightBlock, .wantsSnapshot, .wantsChunk: 16
            case .lightBlock: LightReply.bytesLimit
            case .snapshot: 64 + 32 * SnapshotManifest.chunkLimit
            case .chunk: 32 + SnapshotChunk.bytesLimit
            case .proposal, .blocks: Blocks.bytesLimit
            }
        }
    }

    public var kind: Kind {
        switch self {
        case .status: .status
        case .proposal: .proposal
        case .vote: .vote
        case .accusation: .accusation
        case .inventory: .inventory
        case .wants: .wants
        case .transaction: .transaction
        case .wantsBlocks: .wantsBlocks
        case .blocks: .blocks
        case .wantsLightBlock: .wantsLightBlock
        case .lightBlock: .lightBlock
        case .wantsSnapshot: .wantsSnapshot
        case .snapshot: .snapshot
        case .wantsChunk: .wantsChunk
        case .chunk: .chunk
        }
    }

    public var bytes: [UInt8] {
        switch self {
        case .status(let body): body.canonicalBytes
        case .proposal(let body): body.canonicalBytes
        case .vote(let body): body.canonicalBytes
        case .accusation(let body): body.canonicalBytes
        case .inventory(let body), .wants(let body): body.canonicalBytes
        case .transaction(let body): body.canonicalBytes
        case .wantsBlocks(let body): body.canonicalBytes
        case .blocks(let body): body.canonicalBytes
        case .wantsLightBlock(let body): body.canonicalBytes
        case .lightBlock(let body): body.canonicalBytes
        case .wantsSnapshot: []
        case .snapshot(let body): body.canonicalBytes
        case .wantsChunk(let body): body.canonicalBytes
        case .chunk(let body): body.canonicalBytes
        }
    }

    /// Reads a frame's bytes.
    public init(_ kind: Kind, _ bytes: [UInt8]) throws(CanonicalError) {
        guard bytes.count <= kind.limit else { throw .tooLong(length: bytes.count, limit: kind.limit) }
        switch kind {
        case .status: self = .status(try NodeStatus(canonicalBytes: bytes))
        case .proposal: self = .proposal(try ProposedBlock(canonicalBytes: bytes))
        case .vote: self = .vote(try Ballot(canonicalBytes: bytes))
        case .accusation: self = .accusation(try DoubleVote(canonicalBytes: bytes))
        case .inventory: self = .inventory(try Names(canonicalBytes: bytes))
        case .wants: self = .wants(try Names(canonicalBytes: bytes))
        case .transaction: self = .transaction(try TransactionBytes(canonicalBytes: bytes))
        case .wantsBlocks: self = .wantsBlocks(try BlockRange(canonicalBytes: bytes))
        case .blocks: self = .blocks(try Blocks(canonicalBytes: bytes))
        case .wantsLightBlock: self = .wantsLightBlock(try LightQuestion(canonicalBytes: bytes))
        case .lightBlock: self = .lightBlock(try LightReply(canonicalBytes: bytes))
        case .wantsSnapshot:
            guard bytes.isEmpty else { throw .trailing(bytes.count) }
            self = .wantsSnapshot
        case .snapshot: self = .snapshot(try SnapshotOffer(canonicalBytes: bytes))
        case .wantsChunk: self = .wantsChunk(try ChunkName(canonicalBytes: bytes))
        case .chunk: self = .chunk(try ChunkReply(canonicalBytes: bytes))
        }
    }
}

/// The height a node has applied, and what it has of the next one's rounds.
public struct NodeStatus: Hashable, Sendable, Canonical {
    public var height: UInt64
    public var rounds: RoundSummary
    /// An answer is not answered.
    public var isAnswer: Bool

    public init(height: UInt64, rounds: RoundSummary, isAnswer: Bool) {
        (self.height, self.rounds, self.isAnswer) = (height, rounds, isAnswer)
    }

    public init() { self.init(height: 0, rounds: RoundSummary(), isAnswer: false) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&height)
        try coder.nested(&rounds)
        try coder.bool(&isAnswer)
    }
}

public struct ProposedBlock: Hashable, Sendable, Canonical {
    public var proposal: Signed<Proposal>
    public var block: Block

    public init(_ proposal: Signed<Proposal>, _ block: Block) { (self.proposal, self.block) = (proposal, block) }
    public init() { self.init(Signed(), Block()) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&proposal)
        try coder.nested(&block)
    }
}

/// Transactions by name, in no order.
public struct Names: Hashable, Sendable, Canonical {
    public static let limit = 256

    public var ids: [Bytes32]

    public init(_ ids: [Bytes32]) { self.ids = ids }
    public init() { self.init([]) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.array(&ids, limit: Self.limit)
    }
}

public struct TransactionBytes: Hashable, Sendable, Canonical {
    public var bytes: [UInt8]

    public init(_ bytes: [UInt8]) { self.bytes = bytes }
    public init() { self.init([]) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.bytes(&bytes, limit: Block.transactionSizeLimit)
    }
}

public struct BlockRange: Hashable, Sendable, Canonical {
    public var from: UInt64
    public var count: UInt16

    public init(from: UInt64, count: UInt16) { (self.from, self.count) = (from, count) }
    public init() { self.init(from: 0, count: 0) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&from)
        try coder.integer(&count)
    }
}

/// Consecutive final blocks.
public struct Blocks: Hashable, Sendable, Canonical {
    public static let limit = 128
    /// A proposal or one block always fits: 896 KiB of transactions, and what stands around them.
    public static let bytesLimit = 1 << 20

    public var blocks: [CertifiedBlock]

    public init(_ blocks: [CertifiedBlock]) { self.blocks = blocks }
    public init() { self.init([]) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.array(&blocks, limit: Self.limit)
    }
}
