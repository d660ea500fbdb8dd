public import Primitives

/// So much QLC for so many units: `0.05 QLC per 1,000,000 bytes`.
public struct Price: Hashable, Sendable, Codable {
    public var amount: QLC
    public var per: UInt64

    public init(_ amount: QLC, per: UInt64 = 1) {
        self.amount = amount
        self.per = max(1, per)
    }

    /// `floor(amount × units ÷ per)` in a 128-bit intermediate; saturates instead of wrapping.
    public func charge(for units: UInt64) -> QLC {
        let product = amount.units.multipliedFullWidth(by: units)
        guard product.high < per else { return QLC(units: .max) }
        return QLC(units: per.dividingFullWidth((product.high, product.low)).quotient)
    }
}

extension Price: Canonical {
    public init() { self.init(.zero) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&amount)
        try coder.integer(&per)
        guard per > 0 else { throw .invalid("a price is for at least one unit") }
    }
}

/// What a second and a byte cost. Nothing set: free.
public struct Rates: Hashable, Sendable, Codable {
    public var second: Price?
    public var byteUp: Price?
    public var byteDown: Price?

    public init(second: Price? = nil, byteUp: Price? = nil, byteDown: Price? = nil) {
        self.second = second
        self.byteUp = byteUp
        self.byteDown = byteDown
    }

    public var isFree: Bool { second == nil && byteUp == nil && byteDown == nil }

    /// Both directions cost the same, so that bytes need no direction and the last one can be granted exactly.
    public var hasOneBytePrice: Bool { byteUp == byteDown }
}

extension Rates: Canonical {
    public init() { self.init(second: nil) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.optional(&second)
        try coder.optional(&byteUp)
        try coder.optional(&byteDown)
    }
}
