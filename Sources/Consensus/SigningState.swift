public import Primitives

/// A block and the round in which two thirds prevoted it.
public struct RoundBlock: Hashable, Sendable, Canonical {
    public var round: UInt32
    public var block: BlockID

    public init(round: UInt32, block: BlockID) { (self.round, self.block) = (round, block) }
    public init() { self.init(round: 0, block: .zero) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&round)
        try coder.nested(&block)
    }
}

/// What a delegate has signed and is bound by: on disk, fsynced, before any signature leaves (chain.md, "Consensus").
///
/// Signatures of Ed25519 are deterministic, so what is kept is what was signed: signing it again gives the same bytes.
public struct SigningState: Hashable, Sendable, Canonical {
    /// As many as two steps' votes and a polka can be, with every delegate heard as often as it can be.
    public static let proofLimit = (2 * Tally.blocksPerVoter + 1) * DelegateSet.limit

    public var chainID = Bytes32.zero
    public var height: UInt64 = 0
    public var round: UInt32 = 0
    public var proposal: Proposal?
    public var prevote: Vote?
    public var precommit: Vote?
    public var locked: RoundBlock?
    public var valid: RoundBlock?
    /// What others signed that this rests on: the votes that led into the round, and the prevotes for `valid`. Kept, because whoever
    /// was ahead when the power of all was cut could not bring the others along without it, and nobody would be freed from a lock.
    public var proof: [Ballot] = []

    public init() {}
    public init(chainID: Bytes32, height: UInt64) { (self.chainID, self.height) = (chainID, height) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&chainID)
        try coder.integer(&height)
        try coder.integer(&round)
        try coder.optional(&proposal)
        try coder.optional(&prevote)
        try coder.optional(&precommit)
        try coder.optional(&locked)
        try coder.optional(&valid)
        try coder.array(&proof, limit: Self.proofLimit)
    }

    /// Takes a vote in, unless it goes back behind what was signed. The same vote once more is fine.
    /// - Throws: `signingRefused` if something else was signed for this step, or for a later one.
    mutating func record(_ vote: Vote) throws(ConsensusError) {
        try enter(height: vote.height, round: vote.round)
        switch vote.step {
        case .prevote:
            guard prevote == nil || prevote == vote else { throw .signingRefused("another prevote for \(place) is signed") }
            guard precommit == nil || prevote == vote else { throw .signingRefused("a precommit for \(place) is signed") }
            prevote = vote
        case .precommit:
            guard precommit == nil || precommit == vote else {
                throw .signingRefused("another precommit for \(place) is signed")
            }
            precommit = vote
        }
    }

    /// The same for a proposal.
    /// - Throws: `signingRefused` if another one was signed for this round, or anything for a later one.
    mutating func record(_ proposal: Proposal) throws(ConsensusError) {
        try enter(height: proposal.height, round: proposal.round)
        guard self.proposal == nil || self.proposal == proposal else {
            throw .signingRefused("another proposal for \(place) is signed")
        }
        self.proposal = proposal
    }

    private var place: String { "height \(height), round \(round)" }

    private mutating func enter(height: UInt64, round: UInt32) throws(ConsensusError) {
        guard (height, round) >= (self.height, self.round) else {
            throw .signingRefused("\(place) was reached before; this is for height \(height), round \(round)")
        }
        if height > self.height { self = SigningState(chainID: chainID, height: height) }
        if round > self.round { (self.round, proposal, prevote, precommit) = (round, nil, nil, nil) }
    }
}
