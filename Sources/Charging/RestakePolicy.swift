public import Primitives

/// How much of what stake earned is staked again, and when.
///
/// ```
///  rewards ──▶ share of them ──▶ owed to the stake ──▶ staked, once it is `least` and the account can spare it
///                    └ the rest stays liquid             kept: the larger of `keep` and the reserve for fees, and what is promised
/// ```
///
/// The ledger pays rewards out with the next change of a stake, so restaking fetches them by itself. An account that cannot spare all of
/// it at once stakes what it can: that brings the rewards in, and the rest follows.
public struct RestakePolicy: Hashable, Sendable {
    /// Of what is fetched; 0: nothing is staked again.
    public var percent: UInt64 = 0
    /// Stays liquid in any case; nil: what the station keeps for the fees of settlements.
    public var keep: QLC?
    /// Below this nothing is staked again.
    public var least = QLC(units: QLC.unitsPerQLC)

    /// A fee is at most this part of what it puts to the stake, as with settlements: one percent.
    public static let feePart: UInt64 = 100
    /// Others may crowd the chain: up to so many times its least fee is paid, and is spared beside what is kept.
    public static let feePatience: UInt64 = 8
    /// Milliseconds of the ledger's time after an attempt that failed: each may cost a fee.
    public static let pause: UInt64 = 6 * 3_600_000

    /// What there is at one moment.
    public struct Means: Hashable, Sendable {
        public var balance: QLC
        /// To the owner's orders that are open, with their fees.
        public var promised: QLC
        /// For the fees of settlements.
        public var reserve: QLC
        /// Of the transaction.
        public var fee: QLC
        /// Comes in with the transaction.
        public var unclaimed: QLC
        /// To the stake, of what came in before.
        public var owed: QLC

        public init(balance: QLC, promised: QLC, reserve: QLC, fee: QLC, unclaimed: QLC, owed: QLC) {
            (self.balance, self.promised, self.reserve) = (balance, promised, reserve)
            (self.fee, self.unclaimed, self.owed) = (fee, unclaimed, owed)
        }
    }

    public init() {}

    public var isOn: Bool { percent > 0 }

    /// What is owed to the stake of `rewards`.
    public func share(of rewards: QLC) -> QLC {
        QLC(units: UInt64(clamping: UInt128(rewards.units) * UInt128(min(percent, 100)) / 100))
    }

    /// What to stake now; nil: nothing.
    public func amount(_ means: Means) -> QLC? {
        guard isOn else { return nil }
        let wanted = means.owed + share(of: means.unclaimed)
        let kept = max(means.reserve, keep ?? .zero) + means.promised + means.fee
        let amount = min(wanted, means.balance - kept)
        // What it fetches is worth the fee as well as what it stakes.
        guard wanted >= least, amount > .zero, max(amount, means.unclaimed).units / Self.feePart >= means.fee.units else {
            return nil
        }
        // Less than the least only to fetch what is more than it: then the rest can follow.
        return amount >= least || means.unclaimed >= least ? amount : nil
    }
}
