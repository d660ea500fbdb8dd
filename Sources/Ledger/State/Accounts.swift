public import Consensus
public import Primitives

/// A key's money, and how many transactions it has in blocks.
public struct Account: Hashable, Sendable, Canonical {
    public var balance = QLC.zero
    public var sequence: UInt64 = 0

    public init(balance: QLC = .zero) { self.balance = balance }
    public init() { self.init(balance: .zero) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&balance)
        try coder.integer(&sequence)
    }
}

/// QLC that belongs to nobody for now, or for ever.
public struct Funds: Hashable, Sendable, Canonical {
    /// Paid since the epoch began, and what did not divide before.
    public var fees = QLC.zero
    /// Earned by stakers who did not fetch it yet.
    public var rewards = QLC.zero
    /// Taken from cheats, out of use for ever.
    public var locked = QLC.zero

    public init() {}
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&fees)
        try coder.nested(&rewards)
        try coder.nested(&locked)
    }
}

/// A part of the first allocation that is paid out evenly over time, at each epoch's end.
public struct Vesting: Hashable, Sendable, Canonical {
    public var beneficiary: PublicKey
    public var total: QLC
    public var paid = QLC.zero
    public var start: BlockTime
    public var end: BlockTime

    public init(to beneficiary: PublicKey, total: QLC, start: BlockTime, end: BlockTime) {
        (self.beneficiary, self.total, self.start, self.end) = (beneficiary, total, start, end)
    }

    public init() { self.init(to: PublicKey(), total: .zero, start: 0, end: 0) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&beneficiary)
        try coder.nested(&total)
        try coder.nested(&paid)
        try coder.integer(&start)
        try coder.integer(&end)
    }

    public var left: QLC { total - paid }

    /// What is the beneficiary's at `time`, paid or not: in proportion, rounded down.
    public func vested(at time: BlockTime) -> QLC {
        guard time > start else { return .zero }
        guard time < end else { return total }
        return QLC(units: UInt64(UInt128(total.units) * UInt128(time - start) / UInt128(end - start)))
    }
}
