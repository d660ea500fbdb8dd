public import Primitives

/// A certified header that is not on the chain, and where it leaves it: proof against those who signed it, for all who have the chain.
///
/// Classes and punishment are those of CometBFT's spec/light-client/attacks.
public struct LightAttackEvidence: Hashable, Sendable, Canonical {
    public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        /// A state that nobody could have computed: all who signed it lied.
        case lunatic
        /// Two blocks in one round: who signed both voted twice.
        case equivocation
        /// Two blocks in two rounds: somebody forgot a lock, and the commits do not tell who. Nobody is punished.
        case amnesia
    }

    public var conflicting: LightBlock
    /// The last height that both chains have; for blocks that differ in nothing that the state decides, their own.
    public var commonHeight: UInt64

    public init(conflicting: LightBlock, commonHeight: UInt64) {
        (self.conflicting, self.commonHeight) = (conflicting, commonHeight)
    }

    public init() { self.init(conflicting: LightBlock(), commonHeight: 0) }

    /// - Parameters:
    ///   - common: the last block of both chains.
    ///   - trusted: the block that stands against the conflicting one.
    init(conflicting: LightBlock, common: LightBlock, trusted: LightBlock) {
        self.init(conflicting: conflicting, commonHeight: common.height)
        if kind(against: trusted) != .lunatic { commonHeight = trusted.height }
    }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&conflicting)
        try coder.integer(&commonHeight)
    }

    /// Names an attack once, whoever reports it.
    public var hash: Bytes32 { TaggedHash.digest(tag: "qlink/light-attack", canonicalBytes) }

    /// - Parameter trusted: the chain's block at the conflicting height, with the commit that the next block carries.
    public func kind(against trusted: LightBlock) -> Kind {
        guard conflicting.height == trusted.height, conflicting.header.hasSameState(as: trusted.header) else { return .lunatic }
        return conflicting.commit.round == trusted.commit.round ? .equivocation : .amnesia
    }

    /// Who loses the stake, by key; nobody for amnesia.
    ///
    /// Both blocks are the checker's own, from the chain: they are not checked here.
    /// - Parameters:
    ///   - common: at `commonHeight`.
    ///   - trusted: at the conflicting height; the newest one if the chain is not there yet.
    /// - Throws: `evidenceInvalid`, or why the conflicting block convinces nobody.
    public func verify(
        common: LightBlock, trusted: LightBlock, chainID: Bytes32
    ) throws(ConsensusError) -> [PublicKey] {
        try conflicting.check(chainID: chainID)
        guard common.height == commonHeight, commonHeight <= conflicting.height else {
            throw .evidenceInvalid("its common height \(commonHeight) is not \(common.height)")
        }
        guard conflicting.id != trusted.id else { throw .evidenceInvalid("the header is on the chain") }
        guard conflicting.height == trusted.height || isAhead(of: trusted) else {
            throw .evidenceInvalid("nothing on the chain stands against it")
        }
        let kind = kind(against: trusted)
        if kind == .lunatic { return try liars(known: common) }
        guard common.id == trusted.id else { throw .evidenceInvalid("its common height is not the block's own") }
        return kind == .equivocation ? try doubleSigners(trusted) : []
    }

    /// A height that the chain has not reached at that time.
    private func isAhead(of trusted: LightBlock) -> Bool {
        conflicting.height > trusted.height && conflicting.time <= trusted.time
    }

    private func liars(known common: LightBlock) throws(ConsensusError) -> [PublicKey] {
        guard commonHeight < conflicting.height else { throw .evidenceInvalid("it leaves the chain below its common height") }
        let signers = try conflicting.signers()
        if conflicting.header.delegateSet == common.header.nextDelegateSet { return signers }
        let liars = signers.filter { common.delegates.index(of: $0) != nil }
        let power = liars.reduce(UInt64(0)) { $0 + (common.delegates.power(of: $1) ?? 0) }
        guard common.delegates.hasHonest(power) else {
            throw .evidenceInvalid("no light station would believe it: \(power) of \(common.delegates.totalPower) power signed")
        }
        return liars
    }

    private func doubleSigners(_ trusted: LightBlock) throws(ConsensusError) -> [PublicKey] {
        let others = Set(try trusted.signers())
        return try conflicting.signers().filter(others.contains)
    }
}

extension LightBlock {
    /// By key.
    func signers() throws(ConsensusError) -> [PublicKey] { try commit.signed(in: delegates).map(\.delegate.key) }
}

extension DelegateSet {
    func power(of key: PublicKey) -> UInt64? { index(of: key).map { delegates[$0].power } }
}

extension Header {
    /// Whether both agree on all that follows from the blocks before; the rest is the proposer's choice.
    func hasSameState(as other: Header) -> Bool {
        (stateRoot, receiptsRoot, parameters) == (other.stateRoot, other.receiptsRoot, other.parameters)
            && (delegateSet, nextDelegateSet) == (other.delegateSet, other.nextDelegateSet)
    }
}
