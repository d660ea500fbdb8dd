import Charging
import Primitives

/// Signs offers, and remembers for a while which it signed.
actor OfferDesk {
    private let key: PrivateKey
    private let lifetime: Nanoseconds
    private var number: UInt64 = 0
    private var issued: [(offer: Signed<Offer>, digest: Bytes32, at: Instant)] = []

    /// One offer a tariff every tenth of its life is enough for any number of clients.
    private static let limit = 1_024

    init(key: PrivateKey, lifetime: Nanoseconds) {
        self.key = key
        self.lifetime = lifetime
    }

    func offer(_ tariff: Tariff, at now: Moment) -> (offer: Signed<Offer>, digest: Bytes32) {
        issued.removeAll { now.boot - $0.at >= lifetime }
        if let fresh = issued.last(where: { $0.offer.claim.tariff == tariff }),
            now.boot - fresh.at < Nanoseconds(lifetime.count / 10)
        {
            return (fresh.offer, fresh.digest)
        }
        number += 1
        let expires = WallTime(secondsSince1970: now.wall.secondsSince1970 + Int64(lifetime.wholeSeconds))
        let offer = Offer(station: key.publicKey, number: number, tariff: tariff, expiresAt: expires)
        let signed = Signed(offer, by: key)
        if issued.count >= Self.limit { issued.removeFirst() }
        issued.append((signed, offer.digest, now.boot))
        return (signed, offer.digest)
    }

    /// The tariff of an offer that is still good.
    func tariff(of digest: Bytes32, at now: Moment) -> Tariff? {
        issued.last { $0.digest == digest && now.boot - $0.at < lifetime }?.offer.claim.tariff
    }
}
