public import Primitives

/// QLC from the sender to another account, which need not exist yet.
public struct Transfer: Hashable, Sendable, Canonical {
    public var to: PublicKey
    public var amount: QLC

    public init(to: PublicKey, amount: QLC) { (self.to, self.amount) = (to, amount) }
    public init() { self.init(to: PublicKey(), amount: .zero) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&to)
        try coder.nested(&amount)
    }
}

/// QLC that votes for a delegate, shares in its fees, and in its punishment.
public struct Stake: Hashable, Sendable, Canonical {
    public var delegate: PublicKey
    public var amount: QLC

    public init(with delegate: PublicKey, amount: QLC) { (self.delegate, self.amount) = (delegate, amount) }
    public init() { self.init(with: PublicKey(), amount: .zero) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&delegate)
        try coder.nested(&amount)
    }
}

/// Takes stake back. It votes no more at once, can still be punished, and is free after the unbonding period.
public struct Unstake: Hashable, Sendable, Canonical {
    public var delegate: PublicKey
    /// The largest amount: everything.
    public var amount: QLC

    public init(from delegate: PublicKey, amount: QLC) { (self.delegate, self.amount) = (delegate, amount) }
    public init() { self.init(from: PublicKey(), amount: .zero) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&delegate)
        try coder.nested(&amount)
    }
}

/// The sender stands for election, or comes back from being jailed; its own key signs blocks.
public struct RegisterDelegate: Hashable, Sendable, Canonical {
    /// Of the fees, in 1/10,000: the delegate's own before its stakers share the rest.
    public var commission: UInt16

    public init(commission: UInt16) { self.commission = commission }
    public init() { self.init(commission: 0) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&commission)
        guard commission <= 10_000 else { throw .invalid("a commission is at most 10,000 of 10,000, not \(commission)") }
    }
}

/// A delegate's yes to a change of one parameter. The same change named again adds to the same vote.
public struct ParameterVote: Hashable, Sendable, Canonical {
    public var parameter: Parameters.Name
    public var value: UInt64

    public init(_ parameter: Parameters.Name, value: UInt64) { (self.parameter, self.value) = (parameter, value) }
    public init() { self.init(.feeBase, value: 0) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.choice(&parameter)
        try coder.integer(&value)
    }
}
