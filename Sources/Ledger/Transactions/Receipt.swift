public import Primitives

/// What became of a transaction in a block.
public struct Receipt: Hashable, Sendable, Canonical {
    public var transaction: Bytes32
    public var fee: QLC
    /// nil: done.
    public var refusal: Refusal?

    public init(_ transaction: Bytes32, fee: QLC, refusal: Refusal?) {
        (self.transaction, self.fee, self.refusal) = (transaction, fee, refusal)
    }

    public init() { self.init(.zero, fee: .zero, refusal: nil) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&transaction)
        try coder.nested(&fee)
        let code = try coder.tag(refusal?.rawValue ?? 0)
        guard code == 0 || Refusal(rawValue: code) != nil else { throw .invalid("no refusal has the number \(code)") }
        refusal = Refusal(rawValue: code)
    }
}
