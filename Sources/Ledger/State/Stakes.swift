public import Consensus
public import Primitives

/// Who stands for election, and the stake behind it.
public struct DelegateRecord: Hashable, Sendable, Canonical {
    public enum Status: UInt8, Hashable, Sendable {
        case standing = 0
        /// Missed too many blocks; a new registration ends it.
        case jailed
        /// Signed two things: out for ever.
        case expelled
    }

    public var key: PublicKey
    public var status = Status.standing
    public var commission: UInt16
    /// Units that all shares together are worth. A slash lowers it and no share.
    public var stake = QLC.zero
    public var shares: UInt64 = 0
    /// Fees that one share has earned since it began, times 2⁴⁰.
    public var rewardIndex: UInt64 = 0

    public init(_ key: PublicKey, commission: UInt16) { (self.key, self.commission) = (key, commission) }
    public init() { self.init(PublicKey(), commission: 0) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&key)
        try coder.choice(&status)
        try coder.integer(&commission)
        try coder.nested(&stake)
        try coder.integer(&shares)
        try coder.integer(&rewardIndex)
    }

    /// Shares for `amount`, rounded down: nobody gains by staking.
    func shares(for amount: QLC) -> UInt64 {
        guard shares > 0, stake > .zero else { return amount.units }
        return UInt64(clamping: UInt128(amount.units) * UInt128(shares) / UInt128(stake.units))
    }

    /// What `count` shares are worth, rounded down.
    public func worth(of count: UInt64) -> QLC {
        guard shares > 0 else { return .zero }
        return QLC(units: UInt64(UInt128(stake.units) * UInt128(count) / UInt128(shares)))
    }

    /// Lets every share earn its part of `amount`.
    /// - Returns: what did not divide, or could not be kept.
    mutating func earn(_ amount: QLC) -> QLC {
        guard shares > 0 else { return amount }
        let more = UInt128(amount.units) * Self.indexUnit / UInt128(shares)
        let (index, overflow) = rewardIndex.addingReportingOverflow(UInt64(clamping: more))
        guard more < UInt128(UInt64.max), !overflow else { return amount }
        rewardIndex = index
        // Rounded up: what stakers fetch is rounded down over several epochs at once, which may be one unit more than each alone.
        let owed = (UInt128(shares) * more + Self.indexUnit - 1) / Self.indexUnit
        return amount - QLC(units: UInt64(owed))
    }

    /// What `count` shares earned since the index stood at `start`, rounded down.
    public func earned(by count: UInt64, since start: UInt64) -> QLC {
        QLC(units: UInt64(clamping: UInt128(count) * UInt128(rewardIndex - min(start, rewardIndex)) / Self.indexUnit))
    }

    private static let indexUnit: UInt128 = 1 << 40
}

/// One staker's part in a delegate.
public struct Delegation: Hashable, Sendable, Canonical {
    public var staker: PublicKey
    public var delegate: PublicKey
    public var shares: UInt64 = 0
    /// The delegate's reward index when the fees were last paid out.
    public var paidIndex: UInt64 = 0

    public init(of staker: PublicKey, with delegate: PublicKey) { (self.staker, self.delegate) = (staker, delegate) }
    public init() { self.init(of: PublicKey(), with: PublicKey()) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&staker)
        try coder.nested(&delegate)
        try coder.integer(&shares)
        try coder.integer(&paidIndex)
    }
}

/// Stake on its way back. It can still be punished.
public struct Unbonding: Hashable, Sendable, Canonical {
    /// A staker can have so many under way: they are gone through when a delegate is punished.
    public static let perStaker: UInt64 = 64

    public var staker: PublicKey
    public var delegate: PublicKey
    public var amount: QLC
    public var releasedAt: BlockTime

    public init(of staker: PublicKey, from delegate: PublicKey, amount: QLC, releasedAt: BlockTime) {
        (self.staker, self.delegate, self.amount, self.releasedAt) = (staker, delegate, amount, releasedAt)
    }

    public init() { self.init(of: PublicKey(), from: PublicKey(), amount: .zero, releasedAt: 0) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&staker)
        try coder.nested(&delegate)
        try coder.nested(&amount)
        try coder.integer(&releasedAt)
    }
}

/// The delegates of an epoch, of the two after it, and of the one before, whose commit the first block carries.
public struct Epoch: Hashable, Sendable, Canonical {
    public var number: UInt64 = 0
    public var startHeight: UInt64 = 1
    public var startTime: BlockTime = 0
    public var previous = DelegateSet()
    public var current = DelegateSet()
    public var next = DelegateSet()

    public init() {}
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&number)
        try coder.integer(&startHeight)
        try coder.integer(&startTime)
        try coder.nested(&previous)
        try coder.nested(&current)
        try coder.nested(&next)
    }

    /// Who decides on the block at `height`, as far as this epoch knows.
    public func set(at height: UInt64) -> DelegateSet { height < startHeight ? previous : current }

    /// Whether a block of that height and time is this epoch's last.
    func ends(at height: UInt64, time: BlockTime, _ parameters: Parameters) -> Bool {
        height + 1 >= startHeight + parameters[.epochBlocks] || time >= startTime + parameters[.epochTime]
    }
}

/// How many commits of this epoch each of its delegates is missing from, in the set's order.
public struct Attendance: Hashable, Sendable, Canonical {
    public var missed: [UInt32] = []

    public init() {}
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        var count = UInt8(missed.count)
        try coder.integer(&count)
        guard count <= DelegateSet.limit else { throw .tooLong(length: Int(count), limit: DelegateSet.limit) }
        if missed.count != Int(count) { missed = Array(repeating: 0, count: Int(count)) }
        for index in missed.indices { try coder.integer(&missed[index]) }
    }
}

/// A change of a parameter, and the delegates that said yes. Two thirds of the power carry it at the epoch's end.
public struct ParameterProposal: Hashable, Sendable, Canonical {
    public var vote: ParameterVote
    /// Strictly increasing.
    public var supporters: [PublicKey] = []
    /// Forgotten then.
    public var expiresAt: BlockTime

    public init(_ vote: ParameterVote, expiresAt: BlockTime) { (self.vote, self.expiresAt) = (vote, expiresAt) }
    public init() { self.init(ParameterVote(), expiresAt: 0) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&vote)
        try coder.array(&supporters, limit: DelegateSet.limit)
        guard zip(supporters, supporters.dropFirst()).allSatisfy({ $0 < $1 }) else { throw .invalid("supporters increase") }
        try coder.integer(&expiresAt)
    }
}
