public import Primitives

/// Why something that claims to be agreed upon is not believed.
public enum ConsensusError: Error, Hashable, Sendable {
    case delegateSetInvalid(String)
    case commitInvalid(String)
    /// The signers that count have no more than `needed` of `total`.
    case notEnoughPower(signed: UInt64, of: UInt64, needed: String)
    case evidenceInvalid(String)
    case headerInvalid(String)
    /// Of the power that is trusted, no more than a third signed: a block between has to be verified first.
    case notEnoughTrust(signed: UInt64, of: UInt64)
    /// Who signed the trusted header may have taken their stake away since.
    case trustExpired(height: UInt64, at: BlockTime, now: BlockTime)
    case fromTheFuture(BlockTime, now: BlockTime)
    case timeNotIncreasing(BlockTime, after: BlockTime)
    case heightNotIncreasing(UInt64, after: UInt64)
    /// Nothing is proved false, but too few say that it is true.
    case unconfirmed(String)
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
        case .evidenceInvalid(let why): "the evidence proves nothing: \(why)"
        case .headerInvalid(let why): "the header is not valid: \(why)"
        case .notEnoughTrust(let signed, let total):
            "delegates with \(signed) of \(total) trusted power signed; more than 1/3 is needed, or a header between"
        case .trustExpired(let height, let end, let now):
            "the newest trusted header, of height \(height), was good until \(end) and it is \(now) (milliseconds since 1970); "
                + "install newer firmware, or give a checkpoint from somebody you trust"
        case .fromTheFuture(let time, let now):
            "the header is of \(time) and it is \(now) (milliseconds since 1970); check this board's clock"
        case .timeNotIncreasing(let time, let before): "the header's time \(time) is not after \(before)"
        case .heightNotIncreasing(let height, let before): "the header's height \(height) is not above \(before)"
        case .unconfirmed(let why): "no header is confirmed: \(why)"
        case .fork(let height, let one, let other):
            "the chain has forked at height \(height): \(one) and \(other) are both certified; stop paying and report both headers"
        case .signingRefused(let why): "nothing is signed: \(why)"
        }
    }
}
