public import Ledger
public import Primitives

/// Lists, which no proof covers as a whole: a node can leave something out, and what it gives is proved one by one.
extension ChainClient {
    public struct Nearby: Sendable {
        public var id: AssetID
        public var facts: AssetFacts
        public var owner: PublicKey
        public var metres: UInt64
        public var standing: Standing
    }

    /// Stations around a place, nearest first.
    /// - Parameter radius: metres, at most 100,000.
    public mutating func stations(
        around geohash: String, within radius: UInt64, atMost limit: UInt64, waits: Bool = true
    ) async throws(ChainClientError) -> [Nearby] {
        guard let here = Geohash(geohash) else { throw .unwise("\"\(geohash)\" is no place") }
        let answer: AssetsAnswer = try await connection.call(
            .assetsNear, ["geohash": .text(geohash), "radius_m": .count(radius), "limit": .count(limit)])
        guard answer.assets.count <= limit else {
            throw .notAnAnswer(node: node, why: "it gives more stations than were asked for")
        }
        var found: [Nearby] = []
        for (asset, known) in zip(answer.assets, try await entries(answer.assets.map { .asset($0.id) }, waits: waits)) {
            guard case .asset(let record)? = known.value else { throw .lie(node: node, why: "there is no station \(asset.id)") }
            let facts = record.facts(at: known.height)
            guard !record.isRetired, let metres = Geohash(facts.geohash)?.metres(to: here), metres <= Double(radius) + 1 else {
                throw .lie(node: node, why: "the station \(asset.id) is not there")
            }
            found.append(
                Nearby(id: asset.id, facts: facts, owner: record.owner, metres: UInt64(metres), standing: known.standing))
        }
        return found.sorted { ($0.metres, $0.id) < ($1.metres, $1.id) }
    }

    /// One account's stake with one delegate.
    public struct Staked: Sendable {
        public var delegate: DelegateRecord
        public var worth: QLC
        public var reward: QLC
        public var standing: Standing
    }

    /// The stake of `staker` with the delegates that stand first, and with `others`.
    public mutating func stakes(
        of staker: PublicKey, with others: [PublicKey] = [], waits: Bool = true
    ) async throws(ChainClientError) -> [Staked] {
        let answer: DelegatesAnswer = try await connection.call(.delegates, ["limit": .count(100)])
        var delegates = others
        for text in answer.delegates.prefix(100).map(\.address) {
            guard let key = try? Address(text, on: network).key else {
                throw .notAnAnswer(node: node, why: "\"\(text.prefix(20))\" is no delegate's address")
            }
            if !delegates.contains(key) { delegates.append(key) }
        }
        let stakes = try await entries(delegates.map { .delegation(of: staker, with: $0) }, waits: waits)
        let own = zip(delegates, stakes).compactMap { key, known -> (PublicKey, Delegation)? in
            if case .delegation(let delegation)? = known.value { (key, delegation) } else { nil }
        }
        var found: [Staked] = []
        for ((_, delegation), known) in zip(own, try await entries(own.map { .delegate($0.0) }, waits: waits)) {
            guard case .delegate(let record)? = known.value else { continue }
            found.append(
                Staked(
                    delegate: record, worth: record.worth(of: delegation.shares),
                    reward: record.earned(by: delegation.shares, since: delegation.paidIndex), standing: known.standing))
        }
        return found
    }

    /// Stake of `staker` on its way back, soonest first.
    public mutating func unbondings(of staker: PublicKey, waits: Bool = true) async throws(ChainClientError) -> [Known<Unbonding>]
    {
        try await entries((0..<64).map { .unbonding(of: staker, $0) }, waits: waits)
            .map { known in known.map { if case .unbonding(let unbonding) = $0 { unbonding } else { nil } } }
            .filter { $0.value != nil }
            .sorted { ($0.value?.releasedAt ?? 0) < ($1.value?.releasedAt ?? 0) }
    }
}
