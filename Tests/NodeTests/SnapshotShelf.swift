import Consensus
import Ledger
@testable import Node
import Primitives

/// What a node's disk has for newcomers, and what it takes in as one.
struct SnapshotShelf {
    struct Snapshot {
        var manifest: SnapshotManifest
        var chunks: [[UInt8]]
    }

    /// Whether it makes any.
    var isKept = true
    /// Blocks below are gone.
    var keptFrom: UInt64 = 1
    var made: [Snapshot] = []
    /// The last blocks of epochs, for ever.
    var ends: [CertifiedBlock] = []
    /// On its way here.
    var incoming: [[UInt8]] = []
    /// What was installed in the place of blocks.
    var base: (state: LedgerState, head: LightBlock)?
    var proofs: [LightBlock] = []

    /// Of a whole state at once.
    static func snapshot(of state: LedgerState) throws -> Snapshot {
        var builder = SnapshotBuilder(height: state.head.height, state.tree)
        var chunks: [[UInt8]] = []
        let paths = state.all.map { (path: $0.key.path, key: $0.key, entry: $0.value) }.sorted { $0.path < $1.path }
        for (_, key, entry) in paths { if let chunk = try builder.add(key, entry) { chunks.append(chunk) } }
        let (last, manifest) = try builder.finish()
        return Snapshot(manifest: manifest, chunks: chunks + [last])
    }
}

extension NetworkOfNodes.Disk {
    /// Blocks from that height on, if that one is kept.
    func kept(_ height: UInt64) -> ArraySlice<CertifiedBlock> {
        guard let first = log.first?.height, height >= max(first, snapshots.keptFrom) else { return [] }
        return log.dropFirst(Int(height - first))
    }

    func lightBlock(_ height: UInt64?, _ sets: [Bytes32: DelegateSet]) -> LightBlock? {
        func proof(_ block: CertifiedBlock) -> LightBlock? {
            let header = block.block.header
            return sets[header.delegateSet].map { LightBlock(header: header, commit: block.commit, delegates: $0) }
        }
        guard let height else { return log.last.flatMap(proof) ?? snapshots.base?.head }
        if let block = kept(height).first { return proof(block) }
        let old = (snapshots.ends.compactMap(proof) + snapshots.proofs).filter { $0.height >= height }.min {
            $0.height < $1.height
        }
        return old ?? (log.first { $0.height >= max(height, snapshots.keptFrom) }).flatMap(proof)
    }
}

extension NetworkOfNodes {
    /// What a node does for newcomers, and as one.
    mutating func share(_ action: ChainNode.Action, of index: Int) {
        switch action {
        case .sendLightBlock(let question, let peer):
            deliver(.lightBlock(LightReply(question, disks[index].lightBlock(question.height, sets))), to: peer, from: index)
        case .sendSnapshot(let peer):
            let newest = disks[index].snapshots.made.last { $0.manifest.height < disks[index].log.last?.height ?? 0 }
            deliver(.snapshot(SnapshotOffer(newest?.manifest)), to: peer, from: index)
        case .sendChunk(let name, let peer):
            let snapshot = disks[index].snapshots.made.first { $0.manifest.height == name.height }
            let chunk = snapshot.flatMap { $0.chunks.indices.contains(Int(name.index)) ? $0.chunks[Int(name.index)] : nil }
            deliver(.chunk(ChunkReply(name, chunk ?? [])), to: peer, from: index)
        case .beginSnapshot(let tree):
            guard disks[index].snapshots.isKept, let state = nodes[index]?.state, state.root == tree.root,
                let snapshot = try? SnapshotShelf.snapshot(of: state)
            else { return }
            disks[index].snapshots.made = disks[index].snapshots.made.suffix(1) + [snapshot]
        case .keepChunk(let bytes, let place):
            if place == 0 { disks[index].snapshots.incoming = [] }
            precondition(disks[index].snapshots.incoming.count == place, "a chunk does not follow")
            disks[index].snapshots.incoming.append(bytes)
        case .install(let snapshot): install(snapshot, at: index)
        default: break
        }
    }

    private mutating func install(_ snapshot: CertifiedSnapshot, at index: Int) {
        var entries: [(key: StateKey, entry: StateEntry)] = []
        for bytes in disks[index].snapshots.incoming {
            guard let chunk = try? SnapshotChunk(canonicalBytes: bytes) else { preconditionFailure("a kept chunk is unreadable") }
            entries += chunk.entries.map { ($0.key, $0.entry) }
        }
        guard let state = try? LedgerState(chainID: genesis.chainID, head: snapshot.ledgerHead, entries: entries) else {
            preconditionFailure("what is certified is no state")
        }
        disks[index].log = []
        disks[index].snapshots.base = (state, snapshot.head)
        disks[index].snapshots.proofs = snapshot.proofs
        handle(.installed(state), at: index)
    }
}
