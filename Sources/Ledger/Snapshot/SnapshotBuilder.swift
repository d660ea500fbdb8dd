import Primitives

/// Cuts a state's entries into chunks, one after the other: the same state gives everybody the same chunks.
///
/// Holds one chunk and the state's tree, which shares its memory with the ledger's as long as that does not change.
public struct SnapshotBuilder: Sendable {
    public let height: UInt64
    private let tree: StateTree
    private var rebuilder = StateRebuilder()
    private var entries: [SnapshotChunk.Entry] = []
    private var size = Self.lengthBytes
    private var last = Bytes32.zero
    private var manifest: SnapshotManifest
    private static let lengthBytes = 4

    /// - Parameters:
    ///   - height: of the block after which the state is this.
    ///   - tree: of that state.
    public init(height: UInt64, _ tree: StateTree) {
        (self.height, self.tree) = (height, tree)
        manifest = SnapshotManifest(height: height, root: tree.root, bytes: 0, chunks: [])
    }

    /// Takes the next entry by path.
    /// - Returns: a chunk's bytes when it is full.
    /// - Throws: if it does not come behind the one before.
    public mutating func add(_ key: StateKey, _ entry: StateEntry) throws(LedgerProofError) -> [UInt8]? {
        let added = SnapshotChunk.Entry(key, entry)
        let bytes = added.canonicalBytes.count
        let hasRoom =
            size + bytes <= SnapshotChunk.bytesLimit - SnapshotChunk.proofBytes && entries.count < SnapshotChunk.entryLimit
        let full = hasRoom || entries.isEmpty ? nil : close()
        last = key.path
        try rebuilder.append(path: last, value: entry.hash)
        entries.append(added)
        size += bytes
        return full
    }

    /// The last chunk and what names them all.
    /// - Throws: if the entries were not the state's: then nothing is to be offered to anybody.
    public mutating func finish() throws(LedgerProofError) -> (chunk: [UInt8], manifest: SnapshotManifest) {
        guard rebuilder.root == tree.root else { throw .leavesDiffer(upTo: last) }
        let chunk = close()
        return (chunk, manifest)
    }

    private mutating func close() -> [UInt8] {
        let bytes = SnapshotChunk(entries, proof: tree.proof(of: last)).canonicalBytes
        (entries, size) = ([], Self.lengthBytes)
        manifest.chunks.append(SnapshotManifest.hash(of: bytes))
        manifest.bytes += UInt64(bytes.count)
        return bytes
    }
}
