import Charging
import Ledger
import Primitives

/// Writes the state of one block into a snapshot, a chunk at a time, while later blocks are flushed beside it.
///
/// What it reads is SQLite's own snapshot of the database, in the order of the tree's paths: it holds one chunk, and the tree, whose memory
/// it shares with the ledger's but for what blocks change meanwhile.
final class SnapshotWriter {
    /// Rows read at a time: more would wait in memory for the next chunk.
    private static let rowLimit = 512

    private let frozen: ChainDatabase
    private let draft: SnapshotDraft
    private var builder: SnapshotBuilder
    private var rows: ArraySlice<(key: EntryKey, value: [UInt8])> = []
    private var last: Bytes32?

    /// - Parameter database: holds the state of `height`, which `tree` is of.
    init(of database: ChainDatabase, height: UInt64, _ tree: StateTree, into draft: SnapshotDraft) throws(StorageError) {
        (frozen, self.draft) = (try database.frozen(), draft)
        builder = SnapshotBuilder(height: height, tree)
    }

    /// Writes the next chunk.
    /// - Returns: what names them all, when it was the last.
    func advance() throws(StorageError) -> (SnapshotDraft, SnapshotManifest)? {
        do {
            while true {
                if rows.isEmpty { rows = try frozen.entries(after: last, limit: Self.rowLimit)[...] }
                guard let row = rows.popFirst() else { break }
                guard let kind = StateKey.Kind(rawValue: row.key.kind) else { throw damaged("an entry has no kind") }
                let key = StateKey(kind, row.key.id)
                last = key.path
                if let chunk = try builder.add(key, StateEntry(canonicalBytes: row.value)) { return try put(chunk) }
            }
            let (chunk, manifest) = try builder.finish()
            try draft.add(chunk)
            return (draft, manifest)
        } catch let error as StorageError { throw error } catch { throw damaged("\(error)") }
    }

    private func put(_ chunk: [UInt8]) throws -> (SnapshotDraft, SnapshotManifest)? {
        try draft.add(chunk)
        return nil
    }

    private func damaged(_ why: String) -> StorageError {
        StorageError(.corrupt, "chain.db does not hold the state of block \(builder.height): \(why); remove it, it is made again")
    }
}
