public import Primitives

/// What a snapshot consists of: a state's leaves by path, in chunks. A claim of whoever offers it, until a certified header has its root.
public struct SnapshotManifest: Hashable, Sendable, Canonical {
    /// 4 GiB of chunks, and half a megabyte of hashes in one message.
    public static let chunkLimit = 16_384

    /// The block after which the state is this.
    public var height: UInt64
    public var root: Bytes32
    /// Of all chunks together.
    public var bytes: UInt64
    /// The hash of each, in order.
    public var chunks: [Bytes32]

    public init(height: UInt64, root: Bytes32, bytes: UInt64, chunks: [Bytes32]) {
        (self.height, self.root, self.bytes, self.chunks) = (height, root, bytes, chunks)
    }

    public init() { self.init(height: 0, root: .zero, bytes: 0, chunks: []) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&height)
        try coder.nested(&root)
        try coder.integer(&bytes)
        try coder.array(&chunks, limit: Self.chunkLimit)
        guard !chunks.isEmpty || !coder.isReading else { throw .invalid("a snapshot has no chunk") }
        guard bytes <= UInt64(chunks.count * SnapshotChunk.bytesLimit) else {
            throw .invalid("\(chunks.count) chunks do not hold \(bytes) bytes")
        }
    }

    /// Names it.
    public var hash: Bytes32 { TaggedHash.digest(tag: "qlink/snapshot", canonicalBytes) }

    /// What stands in `chunks` for a chunk's bytes.
    public static func hash(of chunk: [UInt8]) -> Bytes32 { chunkTag.digest(chunk) }
    private static let chunkTag = TaggedHash.Tag("qlink/snapshot-chunk")
}

/// Entries of a state that follow one another by their paths, and the proof of the last: with it every entry up to there is known to be
/// right, and none to be missing (`StateRebuilder.check`). So a lie costs its hearer one chunk, never a whole snapshot.
public struct SnapshotChunk: Hashable, Sendable, Canonical {
    /// Of its encoding.
    public static let bytesLimit = 256 << 10
    /// As many of the shortest entries as fit.
    public static let entryLimit = bytesLimit / 34
    /// Kept for the last entry's proof: 256 siblings, and what stands around them.
    static let proofBytes = 9 << 10

    public struct Entry: Hashable, Sendable, Canonical {
        /// The rest of the key is the entry's kind.
        public var id: Bytes32
        public var entry: StateEntry

        public init(_ key: StateKey, _ entry: StateEntry) { (id, self.entry) = (key.id, entry) }
        public init() { self.init(StateKey(), StateEntry()) }
        public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
            try coder.nested(&id)
            try coder.nested(&entry)
        }

        public var key: StateKey { StateKey(entry.kind, id) }
    }

    public var entries: [Entry]
    public var proof: StateProof

    public init(_ entries: [Entry], proof: StateProof) { (self.entries, self.proof) = (entries, proof) }
    public init() { self.init([], proof: StateProof()) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.array(&entries, limit: Self.entryLimit)
        try coder.nested(&proof)
    }
}
