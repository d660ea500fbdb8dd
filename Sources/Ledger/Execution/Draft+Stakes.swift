import Consensus
import Primitives

/// Stake, its part in the fees, and its punishment.
extension Draft {
    mutating func run(_ registration: RegisterDelegate, by sender: PublicKey) throws(Refusal) {
        var record = delegate(sender) ?? DelegateRecord(sender, commission: 0)
        guard record.status != .expelled else { throw .delegateExpelled }
        (record.status, record.commission) = (.standing, registration.commission)
        self[.delegate(sender)] = .delegate(record)
    }

    mutating func run(_ stake: Stake, by sender: PublicKey) throws(Refusal) {
        guard var record = delegate(stake.delegate) else { throw .noSuchDelegate }
        guard record.status != .expelled else { throw .delegateExpelled }
        let shares = record.shares(for: stake.amount)
        guard stake.amount > .zero, shares > 0 else { throw .amountIsZero }
        // Whoever comes first makes the shares' worth: a share never starts as a splinter.
        guard record.shares > 0 || stake.amount.units >= parameters[.minimumStake] else { throw .stakeTooLow }
        try debit(sender, stake.amount)
        var delegation = paidOut(sender, record)
        delegation.shares += shares
        record.stake += stake.amount
        record.shares += shares
        self[.delegate(record.key)] = .delegate(record)
        self[.delegation(of: sender, with: record.key)] = .delegation(delegation)
    }

    mutating func run(_ unstake: Unstake, by sender: PublicKey) throws(Refusal) {
        guard var record = delegate(unstake.delegate) else { throw .noSuchDelegate }
        let key = StateKey.delegation(of: sender, with: record.key)
        guard unstake.amount > .zero else { throw .amountIsZero }
        guard case .delegation? = self[key] else { throw .stakeTooLow }
        var delegation = paidOut(sender, record)
        let whole = record.worth(of: delegation.shares)
        let isAll = unstake.amount == QLC(units: .max) || unstake.amount == whole
        guard isAll || unstake.amount < whole else { throw .stakeTooLow }
        let shares = isAll ? delegation.shares : record.sharesRoundedUp(for: unstake.amount)
        let worth = record.worth(of: shares)
        delegation.shares -= shares
        record.shares -= shares
        record.stake = record.stake - worth
        self[key] = delegation.shares == 0 ? nil : .delegation(delegation)
        self[.delegate(record.key)] = .delegate(record)
        let unbonding = Unbonding(
            of: sender, from: record.key, amount: worth, releasedAt: time.saturatingAdd(parameters[.unbondingTime]))
        let slots = (0..<Unbonding.perStaker).lazy.map { StateKey.unbonding(of: sender, $0) }
        guard let free = slots.first(where: { self[$0] == nil }) else { throw .tooManyUnbondings }
        self[free] = .unbonding(unbonding)
    }

    /// The staker's delegation, new or known, after its part in the fees was paid to it.
    private mutating func paidOut(_ staker: PublicKey, _ record: DelegateRecord) -> Delegation {
        var delegation = Delegation(of: staker, with: record.key)
        if case .delegation(let known)? = self[.delegation(of: staker, with: record.key)] { delegation = known }
        let earned = record.earned(by: delegation.shares, since: delegation.paidIndex)
        funds.rewards = funds.rewards - earned
        credit(staker, earned)
        delegation.paidIndex = record.rewardIndex
        return delegation
    }

    /// Slashes a delegate's stake, and what is on its way back from it, and expels it.
    mutating func punish(_ proof: DoubleVote, reportedBy reporter: PublicKey) throws(Refusal) {
        guard var record = delegate(proof.voter) else { throw .noSuchDelegate }
        guard record.status != .expelled else { throw .evidenceKnown }
        var taken = part(of: record.stake)
        record.status = .expelled
        record.stake = record.stake - taken
        self[.delegate(record.key)] = .delegate(record)
        for key in keys(of: .unbonding) {
            guard case .unbonding(var unbonding)? = self[key], unbonding.delegate == record.key else { continue }
            let slash = part(of: unbonding.amount)
            unbonding.amount = unbonding.amount - slash
            taken += slash
            self[key] = .unbonding(unbonding)
        }
        let reward = taken.part(parameters[.reporterPermyriad])
        credit(reporter, reward)
        funds.locked += taken - reward
    }

    private func part(of amount: QLC) -> QLC { amount.part(parameters[.doubleVotePermyriad]) }
}

extension DelegateRecord {
    /// The fewest shares that are worth `amount`: who takes out pays for the rounding.
    fileprivate func sharesRoundedUp(for amount: QLC) -> UInt64 {
        let product = UInt128(amount.units) * UInt128(shares)
        return UInt64(clamping: (product + UInt128(stake.units) - 1) / UInt128(stake.units))
    }
}

extension QLC {
    /// `permyriad`/10,000 of it, rounded down.
    func part(_ permyriad: UInt64) -> QLC {
        QLC(units: UInt64(clamping: UInt128(units) * UInt128(permyriad) / 10_000))
    }
}

/// A key and a number, to be hashed into a name.
struct Mention: Canonical {
    var key: PublicKey
    var number: UInt64

    init(_ key: PublicKey, _ number: UInt64) { (self.key, self.number) = (key, number) }
    init() { self.init(PublicKey(), 0) }
    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&key)
        try coder.integer(&number)
    }
}
