public import Primitives

/// A block as it travels and as it is stored: what its header promises, and what makes its parent final.
public struct Block: Hashable, Sendable, Canonical {
    public static let transactionLimit = 10_000
    public static let transactionSizeLimit = 64 * 1024
    public static let evidenceLimit = 64

    public var header = Header()
    /// Makes the parent final; nil at height 1.
    public var lastCommit: Commit?
    /// In the ledger's own encoding.
    public var transactions: [[UInt8]] = []
    public var evidence: [DoubleVote] = []

    public init() {}

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&header)
        try coder.optional(&lastCommit)
        var wrapped = transactions.map(Transaction.init)
        try coder.array(&wrapped, limit: Self.transactionLimit)
        transactions = wrapped.map(\.bytes)
        try coder.array(&evidence, limit: Self.evidenceLimit)
    }

    /// Writes what follows from the body into the header.
    public mutating func seal() {
        header.lastCommit = lastCommit?.hash ?? .zero
        header.transactionRoot = MerkleTree.root(transactions)
        header.evidenceRoot = MerkleTree.root(evidence.map(\.canonicalBytes))
    }

    /// Whether the body is the one that the header promises.
    public var isSealed: Bool {
        var copy = self
        copy.seal()
        return copy.header == header
    }

    private struct Transaction: Canonical {
        var bytes: [UInt8] = []
        mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
            try coder.bytes(&bytes, limit: Block.transactionSizeLimit)
        }
    }
}
