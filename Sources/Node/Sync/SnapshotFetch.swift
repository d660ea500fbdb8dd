import Consensus
import Ledger
import Primitives

/// A certified snapshot on its way here, one chunk at a time from whoever has it; a peer that stalls is asked after the others.
struct SnapshotFetch: Sendable {
    enum Step {
        case wait
        case ask(PublicKey, ChunkName)
        case complete
        /// Nobody is left who has it.
        case deserted
    }

    enum Verdict {
        case taken(index: Int)
        /// Not what was asked for last, or nothing.
        case passedOver
        /// Only this peer's bytes are false.
        case falseChunk
        /// All who offered it lied.
        case falseSnapshot
    }

    /// A peer is asked no more after so many questions without an answer.
    static let failureLimit = 3

    let snapshot: CertifiedSnapshot
    private(set) var reader: SnapshotReader
    /// All who have offered it.
    let vouchers: [PublicKey]
    /// Those of them who may still be asked, with their failures.
    private var holders: [PublicKey: Int]
    private var asked: (peer: PublicKey, until: Instant)?

    init(_ snapshot: CertifiedSnapshot, holders: [PublicKey]) {
        (self.snapshot, vouchers, reader) = (snapshot, holders, SnapshotReader(snapshot.manifest))
        self.holders = Dictionary(uniqueKeysWithValues: holders.map { ($0, 0) })
    }

    mutating func drop(_ peer: PublicKey) {
        holders[peer] = nil
        if asked?.peer == peer { asked = nil }
    }

    mutating func giveUp(at now: Instant) {
        guard let question = asked, now > question.until else { return }
        asked = nil
        let failures = holders[question.peer, default: 0] + 1
        holders[question.peer] = failures < Self.failureLimit ? failures : nil
    }

    mutating func proceed(at now: Instant) -> Step {
        if reader.isComplete { return .complete }
        guard asked == nil else { return .wait }
        guard let best = holders.min(by: { ($0.value, $0.key) < ($1.value, $1.key) })?.key else { return .deserted }
        asked = (best, now + SnapshotSync.chunkWithin)
        return .ask(best, ChunkName(height: snapshot.head.height, index: UInt32(reader.next)))
    }

    /// An answer, late or not: whoever brings the chunk that is wanted is welcome.
    mutating func take(_ reply: ChunkReply, from peer: PublicKey) -> Verdict {
        guard vouchers.contains(peer), reply.name == ChunkName(height: snapshot.head.height, index: UInt32(reader.next)) else {
            return .passedOver
        }
        if asked?.peer == peer { asked = nil }
        guard !reply.bytes.isEmpty else {
            holders[peer] = nil  // it has newer ones by now
            return .passedOver
        }
        do throws(SnapshotError) {
            let index = reader.next
            try reader.take(reply.bytes)
            asked = nil
            if holders[peer] != nil { holders[peer] = 0 }
            return .taken(index: index)
        } catch {
            holders[peer] = nil
            return error.isOfManifest ? .falseSnapshot : .falseChunk
        }
    }
}
