import Chain
public import Charging
import Consensus
public import Ledger
public import Primitives

/// What the station has staked, as its owner looks at it.
public struct StationStake: Hashable, Sendable {
    public struct Holding: Hashable, Sendable {
        public var delegate: PublicKey
        public var status: DelegateRecord.Status
        /// Signs blocks now.
        public var isElected: Bool
        /// Of the fees, in 1/10,000.
        public var commission: UInt16
        /// At what it is worth now.
        public var staked: QLC
        /// Earned and not paid out.
        public var rewards: QLC
        var shares: UInt64
        var paidIndex: UInt64
    }

    public struct Returning: Hashable, Sendable {
        public var delegate: PublicKey
        public var amount: QLC
        /// In milliseconds; paid out with the end of the epoch after it.
        public var releasedAt: UInt64
    }

    /// By delegate.
    public var holdings: [Holding] = []
    /// What is free first.
    public var returning: [Returning] = []
    public var choice = StakeChoice.unsaid
    /// To the stake, of rewards that were paid out.
    public var owed = QLC.zero
    /// The least for staking once.
    public var fee = QLC.zero

    /// With whom the next stake goes; nil: somebody has to be chosen first.
    public var target: PublicKey? {
        switch choice {
        case .nobody: nil
        case .delegate(let key): key
        case .unsaid: holdings.count == 1 ? holdings[0].delegate : nil
        }
    }

    init(of key: PublicKey, on state: LedgerState) {
        let elected = state.epoch.current
        for name in state.keys(of: .delegate) {
            guard case .delegate(let record)? = state[name],
                case .delegation(let delegation)? = state[.delegation(of: key, with: record.key)]
            else { continue }
            holdings.append(
                Holding(
                    delegate: record.key, status: record.status, isElected: elected.index(of: record.key) != nil,
                    commission: record.commission, staked: record.worth(of: delegation.shares),
                    rewards: record.earned(by: delegation.shares, since: delegation.paidIndex), shares: delegation.shares,
                    paidIndex: delegation.paidIndex))
        }
        holdings.sort { $0.delegate < $1.delegate }
        for place in 0..<Unbonding.perStaker {
            guard case .unbonding(let entry)? = state[.unbonding(of: key, place)] else { continue }
            returning.append(Returning(delegate: entry.delegate, amount: entry.amount, releasedAt: entry.releasedAt))
        }
        returning.sort { ($0.releasedAt, $0.delegate, $0.amount) < ($1.releasedAt, $1.delegate, $1.amount) }
    }

    /// As the book of rewards notes it.
    var noted: [StakeHolding] {
        holdings.map { StakeHolding(delegate: $0.delegate, shares: $0.shares, unclaimed: $0.rewards, paidIndex: $0.paidIndex) }
    }
}

extension StakeHolding {
    /// What was paid out since it stood like this. Its shares changed with the payment, not before.
    /// - Parameter after: nil: it is gone, with all that it earned.
    func payment(until after: StakeHolding?, _ record: DelegateRecord?) -> QLC {
        guard var record else { return unclaimed }
        if let after { record.rewardIndex = after.paidIndex }
        return max(unclaimed, record.earned(by: shares, since: paidIndex))
    }
}
