public import Consensus
public import Ledger
public import Primitives

/// A question for a light block.
public struct LightQuestion: Hashable, Sendable, Canonical {
    /// nil: the newest.
    public var height: UInt64?

    public init(_ height: UInt64?) { self.height = height }
    public init() { self.init(nil) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        var isNamed = height != nil
        try coder.bool(&isNamed)
        var named = height ?? 0
        if isNamed { try coder.integer(&named) }
        height = isNamed ? named : nil
    }
}

/// Its answer; without a block: there is none from that height on.
public struct LightReply: Hashable, Sendable, Canonical {
    /// A header, 64 signatures and 64 delegates are under 8 KiB.
    public static let bytesLimit = 8 << 10

    public var question: LightQuestion
    public var block: LightBlock?

    public init(_ question: LightQuestion, _ block: LightBlock?) { (self.question, self.block) = (question, block) }
    public init() { self.init(LightQuestion(), nil) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&question)
        try coder.optional(&block)
    }
}

/// The newest snapshot that a node has; nil: it keeps none.
public struct SnapshotOffer: Hashable, Sendable, Canonical {
    public var manifest: SnapshotManifest?

    public init(_ manifest: SnapshotManifest?) { self.manifest = manifest }
    public init() { self.init(nil) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.optional(&manifest) }
}

/// A chunk of the snapshot of a height.
public struct ChunkName: Hashable, Sendable, Canonical {
    public var height: UInt64
    public var index: UInt32

    public init(height: UInt64, index: UInt32) { (self.height, self.index) = (height, index) }
    public init() { self.init(height: 0, index: 0) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&height)
        try coder.integer(&index)
    }
}

/// Its bytes; none: it is not kept any more.
public struct ChunkReply: Hashable, Sendable, Canonical {
    public var name: ChunkName
    public var bytes: [UInt8]

    public init(_ name: ChunkName, _ bytes: [UInt8]) { (self.name, self.bytes) = (name, bytes) }
    public init() { self.init(ChunkName(), []) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&name)
        try coder.bytes(&bytes, limit: SnapshotChunk.bytesLimit)
    }
}
