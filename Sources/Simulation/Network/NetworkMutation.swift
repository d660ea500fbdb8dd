import Consensus
import Primitives
import SimulatedHAL

/// A guard taken out: the checker must notice every one of them.
public enum NetworkMutation: String, Hashable, Sendable, CaseIterable {
    /// Prevotes whatever is proposed, also when it is locked on something else.
    case withoutLock
    /// Signs before what it signs is on disk.
    case forgetsSignatures
    /// Takes a disk that was restored from a copy for its own.
    case signsOnCopies
    /// Punishes whoever is accused.
    case believesEvidence
    /// Votes at a height while the block before it may still be lost.
    case votesUnsynced
}

/// What a cheating delegate does.
enum ByzantineTrick: String, Hashable, Sendable, CaseIterable {
    /// Proposes and votes one thing here and another there.
    case equivocates
    /// Keeps its votes and proposals to itself, or tells only some.
    case withholds
    /// Votes for whatever it hears of, in every round.
    case votesForAnything
    case liesAboutTime
    /// Sends blocks that follow from nothing, and bytes that mean nothing.
    case sendsGarbage
    /// Accuses others of what they did not do.
    case forgesEvidence

    static func some(_ random: inout SplitMix64) -> Set<ByzantineTrick> {
        var tricks: Set<ByzantineTrick> = [random.pick(allCases)]
        for trick in allCases where random.chance(1, in: 3) { tricks.insert(trick) }
        return tricks
    }
}

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
