import Consensus
import Ledger
@testable import Node
import Primitives

/// A peer that lies in one way, and is honest otherwise.
struct Forgery: Sendable {
    private let lie: SnapshotSyncTests.Lie
    private let manifest: SnapshotManifest
    private let chunks: [[UInt8]]
    /// Of an earlier height.
    private let stale: LightBlock?
    /// With delegates that the liar has made up.
    private let other: LightBlock

    init(_ lie: SnapshotSyncTests.Lie, of honest: SnapshotShelf.Snapshot, in network: NetworkOfNodes) throws {
        self.lie = lie
        var chunks = honest.chunks
        var manifest = honest.manifest
        var chunk = try SnapshotChunk(canonicalBytes: chunks[0])
        switch lie {
        case .changedLeaf:
            guard case .account(var account) = chunk.entries.first(where: { $0.entry.kind == .account })?.entry else { break }
            account.balance += QLC(units: 1)
            let place = chunk.entries.firstIndex { $0.entry.kind == .account }!
            chunk.entries[place].entry = .account(account)
        case .missingLeaf: chunk.entries.remove(at: 1)
        case .addedLeaf:
            let mine = StateKey.account(PrivateKey().publicKey)
            chunk.entries.append(SnapshotChunk.Entry(mine, .account(Account(balance: QLC(units: 1)))))
            chunk.entries.sort { $0.key.path < $1.key.path }
        case .otherHeight: manifest.height = 38
        case .futureHeight: manifest.height = 400
        case .otherRoot: manifest.root = TaggedHash.digest(tag: "test", [1])
        case .moreChunks: manifest.chunks.append(manifest.chunks[0])
        case .endlessBytes: manifest.bytes += 1
        case .shortChunk: chunks[0].removeLast()
        default: break
        }
        if [.changedLeaf, .missingLeaf, .addedLeaf].contains(lie) { chunks[0] = chunk.canonicalBytes }
        if [.changedLeaf, .missingLeaf, .addedLeaf, .shortChunk].contains(lie) {
            manifest.chunks[0] = SnapshotManifest.hash(of: chunks[0])
            manifest.bytes = UInt64(chunks[0].count)
        }
        (self.chunks, self.manifest) = (chunks, manifest)
        stale = network.disks[0].lightBlock(32, network.sets)
        let key = PrivateKey()
        var header = network.disks[0].log[39].block.header
        let set = try DelegateSet([Delegate(key: key.publicKey, power: 1)])
        header.delegateSet = set.hash
        let vote = Vote(chainID: header.chainID, height: 40, round: 0, step: .precommit, block: header.id)
        other = LightBlock(
            header: header, commit: Commit(of: vote, from: [Verified(signing: vote, by: key)], in: set), delegates: set)
    }

    /// nil: it says nothing.
    func alter(_ message: ChainMessage) -> ChainMessage? {
        switch message {
        case .snapshot(let offer):
            if lie == .silentAtOffers { return nil }
            return .snapshot(SnapshotOffer(offer.manifest == nil ? nil : manifest))
        case .lightBlock(let reply): return alter(reply).map { .lightBlock($0) }
        case .chunk(let reply):
            switch lie {
            case .silentAtChunks: return nil
            case .noChunks: return .chunk(ChunkReply(reply.name, []))
            case .otherChunk: return .chunk(ChunkReply(reply.name, [1, 2, 3]))
            default: return .chunk(ChunkReply(reply.name, chunks[min(Int(reply.name.index), chunks.count - 1)]))
            }
        default: return message
        }
    }

    private func alter(_ reply: LightReply) -> LightReply? {
        guard reply.block != nil else { return reply }
        switch lie {
        case .silentAtHeaders: return nil
        case .falseHeader:
            var altered = reply
            altered.block?.header.stateRoot = .zero
            return altered
        case .otherHeader: return reply.question.height == 40 ? LightReply(reply.question, other) : reply
        case .staleHeader: return LightReply(reply.question, reply.question.height == nil ? stale : nil)
        default: return reply
        }
    }
}
