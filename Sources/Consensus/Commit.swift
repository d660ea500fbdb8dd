public import Primitives

/// The delegates' signatures that make a block final: their precommits for it in one round.
public struct Commit: Hashable, Sendable, Canonical {
    public var height: UInt64
    public var round: UInt32
    public var block: BlockID
    /// Bit i: the set's delegate i signed.
    public var signers: UInt64
    /// One for each bit that is set, in the set's order.
    public var signatures: [Signature]

    public init(height: UInt64, round: UInt32, block: BlockID, signers: UInt64 = 0, signatures: [Signature] = []) {
        (self.height, self.round, self.block) = (height, round, block)
        (self.signers, self.signatures) = (signers, signatures)
    }

    public init() { self.init(height: 0, round: 0, block: .zero) }

    /// Gathers precommits; those for anything else, or from outside the set, are passed over.
    public init(of vote: Vote, from votes: some Sequence<Verified<Vote>>, in set: DelegateSet) {
        self.init(height: vote.height, round: vote.round, block: vote.block ?? .zero)
        var found: [Int: Signature] = [:]
        for verified in votes where verified.value == vote {
            if let index = set.index(of: verified.signer) { found[index] = verified.signed.signature }
        }
        for (index, signature) in found.sorted(by: { $0.key < $1.key }) {
            signers |= 1 << UInt64(index)
            signatures.append(signature)
        }
    }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&height)
        try coder.integer(&round)
        try coder.nested(&block)
        try coder.integer(&signers)
        try coder.array(&signatures, limit: DelegateSet.limit)
        guard signatures.count == signers.nonzeroBitCount else {
            throw .invalid("a commit of \(signers.nonzeroBitCount) signers has \(signatures.count) signatures")
        }
    }

    private static let tag = TaggedHash.Tag("qlink/commit")

    public var hash: Bytes32 { Self.tag.digest(canonicalBytes) }

    /// What each signer signed.
    public func vote(chainID: Bytes32) -> Vote {
        Vote(chainID: chainID, height: height, round: round, step: .precommit, block: block)
    }

    /// The signers by their place in `set`, with their signatures.
    /// - Throws: `commitInvalid` if a bit stands for nobody, or signatures are missing.
    public func signed(in set: DelegateSet) throws(ConsensusError) -> [(delegate: Delegate, signature: Signature)] {
        guard set.count == DelegateSet.limit || signers >> UInt64(set.count) == 0 else {
            throw .commitInvalid("it has a signer beyond the set's \(set.count) delegates")
        }
        guard signatures.count == signers.nonzeroBitCount else {
            throw .commitInvalid("\(signers.nonzeroBitCount) signers, \(signatures.count) signatures")
        }
        return zip(set.delegates.indices.filter { signers >> UInt64($0) & 1 == 1 }, signatures).map { (set.delegates[$0], $1) }
    }

    /// Checks that more than two thirds of `set` made this block final. Every signature counts: a false one fails the whole.
    /// - Throws: `commitInvalid` or `notEnoughPower`.
    public func verify(chainID: Bytes32, by set: DelegateSet) throws(ConsensusError) {
        let signed = try signed(in: set)
        let power = signed.reduce(UInt64(0)) { $0 + $1.delegate.power }
        guard set.isQuorum(power) else { throw .notEnoughPower(signed: power, of: set.totalPower, needed: "more than 2/3") }
        try checkSignatures(of: signed, chainID: chainID)
    }

    /// Checks that more than a third of the set that was trusted is among those who made this block final: at least one of them is honest.
    /// `set` is the one that the bitmap is of.
    /// - Throws: `commitInvalid` or `notEnoughPower`.
    public func verifyTrust(chainID: Bytes32, by set: DelegateSet, trusting trusted: DelegateSet) throws(ConsensusError) {
        let known = try signed(in: set).filter { trusted.index(of: $0.delegate.key) != nil }
        let power = known.reduce(UInt64(0)) { $0 + trusted.delegates[trusted.index(of: $1.delegate.key)!].power }
        guard trusted.hasHonest(power) else {
            throw .notEnoughPower(signed: power, of: trusted.totalPower, needed: "more than 1/3 of what was trusted")
        }
        try checkSignatures(of: known, chainID: chainID)
    }

    private func checkSignatures(
        of signed: [(delegate: Delegate, signature: Signature)], chainID: Bytes32
    ) throws(ConsensusError) {
        let vote = vote(chainID: chainID)
        for (delegate, signature) in signed {
            guard Signed(claim: vote, signature: signature).verified(by: delegate.key) != nil else {
                throw .commitInvalid("the signature of \(delegate.key) is false")
            }
        }
    }
}
