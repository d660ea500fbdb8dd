import Consensus
public import Ledger
import Primitives

/// What the station says of itself on the chain: one asset, and the tariffs that it offers.
public struct StationListing: Hashable, Sendable {
    /// More tariffs than an owner has, fewer than would cost much to publish.
    public static let tariffLimit = 16

    /// With the configuration's digest, and that of the tariff offered by default.
    public var facts: AssetFacts
    /// In canonical form. One is published once; the chain keeps it for ever.
    public var tariffs: [[UInt8]]

    public init(facts: AssetFacts, tariffs: [[UInt8]]) { (self.facts, self.tariffs) = (facts, tariffs) }

    /// The next step from what the ledger has to what this says; nil: there is none.
    ///
    /// Tariffs first, so that the asset names one that can be read. A station has one asset: if its owner retired it, it stays retired.
    func next(for station: PublicKey, on state: LedgerState) -> Payload? {
        for tariff in tariffs.prefix(Self.tariffLimit) where tariff.count <= PublishTariff.limit {
            let publication = PublishTariff(tariff)
            if state[.tariff(publication.digest)] == nil { return .publishTariff(publication) }
        }
        guard let (id, asset) = Self.asset(of: station, on: state) else { return .registerAsset(RegisterAsset(facts)) }
        guard !asset.isRetired, asset.facts(at: .max) != facts else { return nil }
        return .updateAsset(UpdateAsset(id, to: facts))
    }

    /// The station's asset: its first one.
    static func asset(of station: PublicKey, on state: LedgerState) -> (id: AssetID, asset: Asset)? {
        state.keys(of: .asset).compactMap { key in
            state.asset(key.id).flatMap { $0.owner == station ? (id: key.id, asset: $0) : nil }
        }.min { ($0.asset.registeredAt, $0.id) < ($1.asset.registeredAt, $1.id) }
    }
}
