public import Primitives

/// Who stands for election, and the stake behind it.
public struct Candidate: Hashable, Sendable {
    public var key: PublicKey
    public var stake: QLC

    public init(key: PublicKey, stake: QLC) { (self.key, self.stake) = (key, stake) }
}

/// The election of an epoch's delegates from a snapshot of stake (chain.md, "Election").
public enum Election {
    /// The `seats` candidates with most stake; of two alike, the one with the lower key. Candidates without stake are passed over.
    ///
    /// No delegate weighs more than a quarter of the whole as long as there are four; with fewer all weigh the same.
    /// - Throws: `delegateSetInvalid` if nobody can be elected, or a key stands twice.
    public static func elect(_ candidates: [Candidate], seats: Int) throws(ConsensusError) -> DelegateSet {
        let ranked = candidates.filter { $0.stake > .zero }
            .sorted { ($1.stake, $0.key) < ($0.stake, $1.key) }
            .prefix(min(seats, DelegateSet.limit))
        let cap = cap(stakes: ranked.map(\.stake.units))
        let powers = ranked.map { min($0.stake.units, cap) }
        let total = powers.reduce(UInt64(0)) { $0.saturatingAdd($1) }
        let scale = max(1, (total - min(total, 1)) / DelegateSet.powerLimit + 1)
        return try DelegateSet(
            zip(ranked, powers).map { candidate, power in Delegate(key: candidate.key, power: max(1, power / scale)) })
    }

    /// The highest weight c with c ≤ Σ min(stake, c) / 4, for stakes that fall. When the k largest are cut to c, the others' sum R gives
    /// c = R / (4 − k); the first k at which nobody else exceeds c is the one.
    private static func cap(stakes: [UInt64]) -> UInt64 {
        guard stakes.count > 4, let smallest = stakes.last else { return stakes.last ?? 0 }
        var rest = stakes.reduce(UInt128(0)) { $0 + UInt128($1) }
        for cut in 0..<4 {
            let cap = rest / UInt128(4 - cut)
            if UInt128(stakes[cut]) <= cap { return UInt64(clamping: cap) }
            rest -= UInt128(stakes[cut])
        }
        return smallest
    }
}
