import Consensus
import Primitives

/// What travels between simulated nodes. Signatures are checked where a message is made from bytes.
enum NetworkMessage {
    case proposal(Verified<Proposal>, Block)
    case vote(Verified<Vote>)
    /// A ballot as it came off the wire, perhaps damaged.
    case raw([UInt8])
    case summary(RoundSummary, height: UInt64, isAnswer: Bool)
    case blocks([CertifiedBlock])
    case transaction(UInt64)
}
