import Consensus
public import Ledger
public import Primitives

/// Visit records on the chain that one wallet can read, and no other.
///
/// ```
///  chain.visits, page by page ─▶ signature, chain, name ─▶ opens with the own key? ─▶ asset's owner, commitment in the ledger ─▶ shown
/// ```
///
/// What is shown stands in a transaction signed by the owner of the asset that it was sealed beside. That there are no others cannot be
/// proved: a node can keep some back, and keeps blocks so long only.
public struct VisitHistory: Sendable {
    public struct Visit: Sendable {
        public var record: VisitRecord
        public var height: UInt64
        public var transaction: Bytes32
        /// That the ledger took the commitment.
        public var standing: Standing
    }

    /// Oldest first.
    public internal(set) var visits: [Visit] = []
    /// The blocks that were looked through.
    public internal(set) var fromHeight: UInt64 = 0
    public internal(set) var toHeight: UInt64 = 0
}

struct VisitsAnswer: Decodable {
    struct Commitment: Decodable {
        var height: UInt64
        var index: UInt64
        var id: Bytes32
        var asset: AssetID
        var transaction: String
    }

    struct Place: Decodable {
        var height: UInt64
        var index: UInt64
    }

    var fromHeight: UInt64
    var toHeight: UInt64
    var headHeight: UInt64
    var commitments: [Commitment]
    var next: Place?
}

extension ChainClient {
    /// Blocks that are looked through at most, the newest: of a node that keeps more nobody waits for all.
    private static let blocksLimit: UInt64 = 1_000_000
    /// Commitments of a page, and pages: those of so many blocks, and as many again of blocks that are full.
    private static let pageLimit: UInt64 = 32
    private static let pagesLimit = 16_384

    private struct Candidate {
        var record: VisitRecord
        var height: UInt64
        var transaction: Bytes32
        var commitment: UsageCommitments.Commitment
    }

    /// Asks for all sealed visits that the node has, so that it does not learn which are wanted, and opens those that can be.
    /// - Throws: `lie` if what it hands out is not what was signed; what asking throws.
    public mutating func visits(
        for key: OpeningKey, waits: Bool = true
    ) async throws(ChainClientError) -> VisitHistory {
        let head = try await status().height
        var history = VisitHistory()
        guard head > 0 else { return history }
        var place = VisitsAnswer.Place(height: max(1, head.saturatingSubtract(Self.blocksLimit)), index: 0)
        var candidates: [Candidate] = []
        for page in 0..<Self.pagesLimit {
            let answer: VisitsAnswer = try await connection.call(
                .visits, ["height": .count(place.height), "index": .count(place.index), "limit": .count(Self.pageLimit)])
            if page == 0 { history.fromHeight = answer.fromHeight }
            history.toHeight = answer.toHeight
            guard answer.commitments.count <= Self.pageLimit else { throw unasked }
            for commitment in answer.commitments { candidates += try open(commitment, since: place, with: key) }
            guard let next = answer.next, next.height <= head else { break }
            guard (next.height, next.index) > (place.height, place.index) else {
                throw .notAnAnswer(node: node, why: "its visits do not get on")
            }
            place = next
        }
        history.visits = try await confirmed(candidates, waits: waits)
        return history
    }

    private var unasked: ChainClientError { .notAnAnswer(node: node, why: "it gives visits that were not asked for") }

    /// Those of a commitment that this key opens; the node is believed in nothing but the height, which is compared later.
    private func open(
        _ answer: VisitsAnswer.Commitment, since place: VisitsAnswer.Place, with key: OpeningKey
    ) throws(ChainClientError) -> [Candidate] {
        guard (answer.height, answer.index) >= (place.height, place.index) else { throw unasked }
        guard let bytes = Hex.decode(answer.transaction), let checked = try? CheckedTransaction(bytes, on: chainID),
            case .commitUsage(let usage) = checked.transaction.payload
        else { throw .lie(node: node, why: "it gives a commitment that nobody signed") }
        guard checked.id == answer.id, usage.asset == answer.asset else {
            throw .lie(node: node, why: "it gives a commitment of another asset or another name than was signed")
        }
        var commitment = UsageCommitments.Commitment()
        (commitment.height, commitment.usageRoot, commitment.records) = (answer.height, usage.usageRoot, usage.records)
        commitment.visitRoot = usage.visitRoot
        return usage.visits.compactMap { sealed in
            guard let record = sealed.opened(by: key, of: usage.asset), record.station == checked.transaction.sender else {
                return nil
            }
            return Candidate(record: record, height: answer.height, transaction: checked.id, commitment: commitment)
        }
    }

    /// Those whose station owns the asset, and whose commitment the ledger took. Blocks hold refused transactions too, and a node can make
    /// up an asset: the ledger's state tells both.
    private mutating func confirmed(
        _ candidates: [Candidate], waits: Bool
    ) async throws(ChainClientError) -> [VisitHistory.Visit] {
        let assets = Set(candidates.map(\.record.asset)).sorted()
        let known = try await entries(assets.flatMap { [.asset($0), .usage(of: $0)] }, waits: waits)
        var found: [VisitHistory.Visit] = []
        var seen: Set<[UInt8]> = []
        for candidate in candidates {
            guard let place = assets.firstIndex(of: candidate.record.asset), known.indices.contains(2 * place + 1),
                case .asset(let asset)? = known[2 * place].value, asset.owner == candidate.record.station,
                case .usage(let usage)? = known[2 * place + 1].value,
                let standing = standing(of: candidate, in: usage, known[2 * place + 1].standing),
                seen.insert(candidate.record.canonicalBytes).inserted
            else { continue }
            found.append(
                .init(
                    record: candidate.record, height: candidate.height, transaction: candidate.transaction, standing: standing))
        }
        return found
    }

    /// nil: the ledger has no such commitment.
    private func standing(of candidate: Candidate, in usage: UsageCommitments, _ known: Standing) -> Standing? {
        if usage.latest.contains(candidate.commitment) { return known }
        guard let oldest = usage.latest.first, usage.count > UInt64(usage.latest.count), candidate.height <= oldest.height else {
            return nil
        }
        return .unproved("the ledger lists the last \(usage.latest.count) commitments of a station, and this one is older")
    }
}
