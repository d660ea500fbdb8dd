import Charging
public import Consensus
public import Ledger
public import Node
import Primitives

/// What newcomers are given, and how a newcomer takes it in.
///
/// ```
///  install: flush ─▶ blocks.left (a mark, durable) ─▶ empty the log ─▶ state, facts and proofs in one transaction ─▶ mark away
///  a crash: before the mark: as it was · with the mark: the log is emptied at the start, and the database has the old state or the new
/// ```
extension ChainStore {
    // MARK: light blocks

    public func lightBlock(from height: UInt64?) throws -> LightBlock? {
        guard let height else {
            if let newest = log.heights?.upperBound { return try logged(newest) }
            return try database.flushedHeight.flatMap { try kept(from: $0) }
        }
        if let heights = log.heights, height >= heights.lowerBound { return try logged(height) }
        if let old = try kept(from: height) { return old }
        return try log.heights.flatMap { try logged($0.lowerBound) }
    }

    private func logged(_ height: UInt64) throws -> LightBlock? {
        guard let record = try log.record(at: height) else { return nil }
        let certified = try CertifiedBlock(canonicalBytes: record)
        return try lightBlock(certified.block.header, certified.commit)
    }

    private func kept(from height: UInt64) throws -> LightBlock? {
        guard let end = try database.epochs(from: height, limit: 1).first else { return nil }
        return try lightBlock(Header(canonicalBytes: end.header), Commit(canonicalBytes: end.commit))
    }

    /// nil if it is not known who could sign then: somebody else knows.
    private func lightBlock(_ header: Header, _ commit: Commit) throws -> LightBlock? {
        guard let bytes = try delegates[header.delegateSet] ?? database.delegates(header.delegateSet) else { return nil }
        return LightBlock(header: header, commit: commit, delegates: try DelegateSet(canonicalBytes: bytes))
    }

    // MARK: giving

    public func snapshot() -> SnapshotManifest? {
        files.manifests.last { $0.height < log.heights?.upperBound ?? 0 }
    }

    public func chunk(_ name: ChunkName) throws -> [UInt8]? { try files.chunk(Int(name.index), at: name.height) }

    public func beginSnapshot(_ tree: StateTree) throws -> Bool {
        guard keepsSnapshots, tree.root == root else { return false }
        try flush()
        writer = nil  // closes what it read before its draft is begun anew
        writer = try SnapshotWriter(of: database, height: head.height, tree, into: files.draft("\(head.height)"))
        return true
    }

    public func continueSnapshot() throws -> Bool {
        guard let writer else { return false }
        do throws(StorageError) {
            guard let (draft, manifest) = try writer.advance() else { return true }
            try files.keep(draft, as: manifest)
        } catch {
            // Without room the chain goes on, and others give snapshots.
            guard error.kind == .full else { throw error }
        }
        self.writer = nil
        return false
    }

    // MARK: taking

    public func keepChunk(_ bytes: [UInt8], index: Int) throws {
        if index == 0 {
            incoming = nil
            incoming = try files.draft("incoming")
        }
        guard let incoming, incoming.ends.count == index else {
            throw damaged("chunk \(index) of a snapshot does not follow; this is a fault of the software")
        }
        try incoming.add(bytes)
    }

    public func install(_ snapshot: CertifiedSnapshot, on genesis: Genesis) throws -> LedgerState {
        guard let draft = incoming, draft.ends.count == snapshot.manifest.chunks.count else {
            throw damaged("a snapshot that was not fetched is to be installed; this is a fault of the software")
        }
        writer = nil  // what it reads would keep the database from being synchronised
        try flush()
        try beginLeaving()
        try database.replaceState(with: flush(of: snapshot), entries(of: draft))
        try endLeaving()
        (changes, ends, delegates) = ([:], [], [:])
        incoming = nil
        if keepsSnapshots { try files.keep(draft, as: snapshot.manifest) }
        let state = try flushedState(genesis)
        (head, root) = (state.head, state.root)
        return state
    }

    private func flush(of snapshot: CertifiedSnapshot) -> Flush {
        let head = snapshot.ledgerHead
        var flush = Flush(height: head.height, time: head.time)
        flush.meta = facts(head, snapshot.head.header, snapshot.head.commit, root: snapshot.manifest.root)
        for proof in snapshot.proofs + [snapshot.head] {
            flush.epochs.append(
                EpochEnd(height: proof.height, header: proof.header.canonicalBytes, commit: proof.commit.canonicalBytes))
            flush.delegates[proof.header.delegateSet] = proof.delegates.canonicalBytes
        }
        return flush
    }

    /// One after the other, out of one chunk at a time.
    private func entries(of draft: SnapshotDraft) -> () throws(StorageError) -> (EntryKey, [UInt8])? {
        var next = 0
        var waiting: ArraySlice<SnapshotChunk.Entry> = []
        return { () throws(StorageError) in
            if waiting.isEmpty, next < draft.ends.count {
                let bytes = try draft.chunk(next)
                guard let chunk = try? SnapshotChunk(canonicalBytes: bytes) else {
                    throw StorageError(
                        .corrupt, "chunk \(next) of a snapshot is not what was written; restart, it is fetched again")
                }
                waiting = chunk.entries[...]
                next += 1
            }
            return waiting.popFirst().map { (EntryKey(kind: $0.key.kind.rawValue, id: $0.id), $0.entry.canonicalBytes) }
        }
    }
}
