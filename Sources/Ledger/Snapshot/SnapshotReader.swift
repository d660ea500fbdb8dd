public import Primitives

/// Why a snapshot is not the state that it is said to be.
public enum SnapshotError: Error, Equatable, Sendable {
    /// Its bytes are not those that the manifest names.
    case otherBytes(chunk: Int)
    case unreadable(chunk: Int, CanonicalError)
    case proof(chunk: Int, LedgerProofError)
    /// The state ends before the manifest does, or after it.
    case otherLength(chunks: Int, bytes: UInt64)

    /// Whether the manifest itself is false: everybody who offers it lies. Other bytes are the fault of who sent them alone.
    public var isOfManifest: Bool { if case .otherBytes = self { false } else { true } }
}

extension SnapshotError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .otherBytes(let chunk): "chunk \(chunk) is not the one that the snapshot names; ask another peer"
        case .unreadable(let chunk, let why): "chunk \(chunk) of the snapshot cannot be read: \(why); ask for another snapshot"
        case .proof(let chunk, let why): "chunk \(chunk) of the snapshot is false: \(why); ask for another snapshot"
        case .otherLength(let chunks, let bytes):
            "the snapshot does not end with its \(chunks) chunks of \(bytes) bytes as the state does; ask for another one"
        }
    }
}

/// Checks a snapshot chunk by chunk against the root of a certified header, without keeping any: at most 256 hashes.
public struct SnapshotReader: Sendable {
    public let manifest: SnapshotManifest
    /// The chunk that comes next.
    public private(set) var next = 0
    private var bytes: UInt64 = 0
    private var rebuilder = StateRebuilder()

    /// - Parameter manifest: its root is in a certified header.
    public init(_ manifest: SnapshotManifest) { self.manifest = manifest }

    /// All of the state was taken, and nothing else.
    public var isComplete: Bool { next == manifest.chunks.count && bytes == manifest.bytes && rebuilder.root == manifest.root }

    /// Takes the next chunk. After an error it is what it was.
    public mutating func take(_ chunk: [UInt8]) throws(SnapshotError) {
        guard next < manifest.chunks.count, SnapshotManifest.hash(of: chunk) == manifest.chunks[next] else {
            throw .otherBytes(chunk: next)
        }
        var read: SnapshotChunk
        guard chunk.count <= SnapshotChunk.bytesLimit else {
            throw .unreadable(chunk: next, .tooLong(length: chunk.count, limit: SnapshotChunk.bytesLimit))
        }
        do throws(CanonicalError) { read = try SnapshotChunk(canonicalBytes: chunk) } catch {
            throw .unreadable(chunk: next, error)
        }
        guard !read.entries.isEmpty else { throw .unreadable(chunk: next, .invalid("it is empty")) }
        var further = rebuilder
        do throws(LedgerProofError) {
            for entry in read.entries { try further.append(path: entry.key.path, value: entry.entry.hash) }
            try further.check(read.proof, under: manifest.root)
        } catch { throw .proof(chunk: next, error) }
        let isEnd = further.root == manifest.root
        let total = bytes + UInt64(chunk.count)
        guard isEnd == (next + 1 == manifest.chunks.count), total <= manifest.bytes, !isEnd || total == manifest.bytes else {
            throw .otherLength(chunks: manifest.chunks.count, bytes: manifest.bytes)
        }
        (rebuilder, bytes, next) = (further, total, next + 1)
    }
}
