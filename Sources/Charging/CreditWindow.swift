public import Primitives

/// The owner's limits for what a client pays ahead at a time.
public struct CreditWindowLimits: Hashable, Sendable, Codable {
    public var minimum: QLC
    public var maximum: QLC

    public init(minimum: QLC, maximum: QLC = QLC(units: 100_000_000)) {
        self.minimum = minimum
        self.maximum = max(minimum, maximum)
    }
}

extension CreditWindowLimits: Canonical {
    public init() { self.init(minimum: QLC(units: 10_000)) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&minimum)
        try coder.nested(&maximum)
        guard minimum <= maximum else { throw .invalid("a credit window's minimum is above its maximum") }
    }
}

/// How much a client is asked to pay ahead, so that it pays every 5 to 10 seconds whatever its speed.
///
/// One window is what both sides risk: the client has paid it ahead, the station is ahead of nothing.
public struct CreditWindow: Hashable, Sendable, Codable {
    public private(set) var amount: QLC
    private var paidAt: Instant?

    static let shortest = Nanoseconds.seconds(5)
    static let longest = Nanoseconds.seconds(10)
    private static let aim: UInt64 = 7_500  // milliseconds between payments
    private static let steepest: UInt64 = 8  // times larger or smaller at one payment

    public init(_ limits: CreditWindowLimits) { amount = limits.minimum }

    /// Takes note of a payment, and scales the window by how far its interval was from the aim.
    public mutating func paid(at now: Instant, within limits: CreditWindowLimits) {
        defer { paidAt = now }
        guard let paidAt, now > paidAt else { return }
        let interval = now - paidAt
        guard interval < Self.shortest || interval > Self.longest else { return }
        let milliseconds = max(1, UInt64(interval.count / 1_000_000))
        let lowest = max(1, amount.units / Self.steepest)
        let highest = amount.units.multipliedReportingOverflow(by: Self.steepest)
        let scaled = Price(amount, per: milliseconds).charge(for: Self.aim).units
        let bounded = min(max(scaled, lowest), highest.overflow ? .max : highest.partialValue)
        amount = min(max(QLC(units: bounded), limits.minimum), limits.maximum)
    }
}
