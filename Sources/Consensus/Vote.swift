public import Primitives

/// The hash of a block's header, which names the whole block.
public typealias BlockID = Bytes32

/// A delegate's word on one step of one round (arXiv:1807.04938).
public struct Vote: Hashable, Sendable, Signable {
    public enum Step: UInt8, Hashable, Sendable, CaseIterable {
        case prevote = 1
        case precommit = 2
    }

    public static var signingTag: String { "qlink/vote" }
    public static let preparedTag = TaggedHash.Tag(signingTag)

    /// Hash of genesis: a vote for one chain is none for another.
    public var chainID: Bytes32
    public var height: UInt64
    public var round: UInt32
    public var step: Step
    /// nil: for no block in this round.
    public var block: BlockID?

    public init(chainID: Bytes32, height: UInt64, round: UInt32, step: Step, block: BlockID?) {
        (self.chainID, self.height, self.round, self.step, self.block) = (chainID, height, round, step, block)
    }

    public init() { self.init(chainID: .zero, height: 0, round: 0, step: .prevote, block: nil) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&chainID)
        try coder.integer(&height)
        try coder.integer(&round)
        try coder.choice(&step)
        try coder.optional(&block)
    }
}

/// A vote and whose it is, as it travels.
public struct Ballot: Hashable, Sendable, Canonical {
    public var voter: PublicKey
    public var vote: Signed<Vote>

    public init(voter: PublicKey, vote: Signed<Vote>) { (self.voter, self.vote) = (voter, vote) }
    public init() { self.init(voter: PublicKey(), vote: Signed()) }

    /// nil if the voter did not sign this.
    public func verified() -> Verified<Vote>? { vote.verified(by: voter) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&voter)
        try coder.nested(&vote)
    }
}

extension Verified where Value == Vote {
    public var ballot: Ballot { Ballot(voter: signer, vote: signed) }
}

/// Two votes of one delegate for one step: proof that it cheats, whoever shows it.
public struct DoubleVote: Hashable, Sendable, Canonical {
    public var voter: PublicKey
    /// The lower block first (none lowest), so that one crime has one proof.
    public var first: Signed<Vote>
    public var second: Signed<Vote>

    public init() { (voter, first, second) = (PublicKey(), Signed(), Signed()) }

    /// - Throws: `evidenceInvalid` if the votes agree, or are not for one step of one voter.
    public init(_ one: Verified<Vote>, _ other: Verified<Vote>) throws(ConsensusError) {
        guard one.signer == other.signer else { throw .evidenceInvalid("two delegates signed") }
        let isOrdered = Self.order(one.value.block) < Self.order(other.value.block)
        voter = one.signer
        (first, second) = isOrdered ? (one.signed, other.signed) : (other.signed, one.signed)
        try checkForm()
    }

    /// Both votes, if they prove what they claim on this chain.
    /// - Throws: `evidenceInvalid` if not.
    public func verify(chainID: Bytes32) throws(ConsensusError) {
        try checkForm()
        guard first.claim.chainID == chainID else { throw .evidenceInvalid("it is of another chain") }
        guard first.verified(by: voter) != nil, second.verified(by: voter) != nil else {
            throw .evidenceInvalid("a signature is not \(voter)'s")
        }
    }

    private func checkForm() throws(ConsensusError) {
        var blockless = second.claim
        blockless.block = first.claim.block
        guard blockless == first.claim else { throw .evidenceInvalid("the votes are not for the same step") }
        guard Self.order(first.claim.block) < Self.order(second.claim.block) else {
            throw .evidenceInvalid("the votes agree, or are out of order")
        }
    }

    private static func order(_ block: BlockID?) -> (Int, BlockID) { block.map { (1, $0) } ?? (0, .zero) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&voter)
        try coder.nested(&first)
        try coder.nested(&second)
    }
}
