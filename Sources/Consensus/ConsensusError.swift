public import Primitives

/// Why something that claims to be agreed upon is not believed.
public enum ConsensusError: Error, Hashable, Sendable {
    case delegateSetInvalid(String)
    case commitInvalid(String)
    /// The signers that count have no more than `needed` of `total`.
    case notEnoughPower(signed: UInt64, of: UInt64, needed: String)
    case evidenceInvalid(String)
    case headerInvalid(String)
    /// A header is too old, too new or from before the one that is trusted.
    case timeInvalid(String)
    /// Two certified headers of one height: somebody with a third of the power or more signed both.
    case fork(height: UInt64, Bytes32, Bytes32)
    case signingRefused(String)
}

extension ConsensusError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .delegateSetInvalid(let why): "the delegate set is not valid: \(why)"
        case .commitInvalid(let why): "the commit is not valid: \(why)"
        case .notEnoughPower(let signed, let total, let needed):
            "delegates with \(signed) of \(total) power signed; \(needed) is needed"
        case .evidenceInvalid(let why): "this proves no double vote: \(why)"
        case .headerInvalid(let why): "the header is not valid: \(why)"
        case .timeInvalid(let why): "the header's time is not acceptable: \(why)"
        case .fork(let height, let one, let other):
            "the chain has forked at height \(height): \(one) and \(other) are both certified; stop paying and report both headers"
        case .signingRefused(let why): "nothing is signed: \(why)"
        }
    }
}
