public import Primitives

/// Whether a block follows from one that is trusted (chain.md, "Light verification"; the rules are CometBFT's, spec/light-client/verification).
///
/// As long as less than a third of the power behind a trusted block is dishonest, and can still be punished for it, a header that passes
/// is on the chain.
public struct LightVerifier: Hashable, Sendable {
    public var chainID: Bytes32
    /// A block is trusted for so long: under two thirds of the 14 days in which those who signed it cannot take their stake away.
    public var trustingPeriod = Nanoseconds.seconds(9 * 86_400)
    /// A header may be so far ahead of this board's clock.
    public var clockDrift = Nanoseconds.seconds(10)

    public init(chainID: Bytes32) { self.chainID = chainID }

    /// The next block: it names the trusted one as its parent, and its delegates are those that the trusted one announced.
    /// - Throws: `heightNotIncreasing`, `timeNotIncreasing`, `trustExpired`, `fromTheFuture`, or why the block is not valid.
    public func verifyAdjacent(_ block: LightBlock, after trusted: LightBlock, now: BlockTime) throws(ConsensusError) {
        try checkOrder(of: block, after: trusted, now: now)
        guard trusted.isParent(of: block) else {
            throw .headerInvalid("height \(block.height) does not come right after height \(trusted.height)")
        }
        guard block.header.parent == trusted.id else { throw .headerInvalid("its parent is not the trusted header") }
        guard block.header.delegateSet == trusted.header.nextDelegateSet else {
            throw .headerInvalid("its delegates are not those that the header before it announced")
        }
        try block.check(chainID: chainID)
    }

    /// Any later block: more than a third of the power that is trusted signed it too, so one of them at least is honest. Delegates that the
    /// trusted block announced by hash are trusted as they are.
    /// - Throws: `notEnoughTrust` if a block between the two has to be verified first; otherwise as `verifyAdjacent`.
    public func verifySkipping(_ block: LightBlock, after trusted: LightBlock, now: BlockTime) throws(ConsensusError) {
        try checkOrder(of: block, after: trusted, now: now)
        guard !trusted.isParent(of: block) else {
            throw .headerInvalid("height \(block.height) is the next one and has to follow from the header before it")
        }
        try block.check(chainID: chainID)
        guard block.header.delegateSet != trusted.header.nextDelegateSet else { return }
        do throws(ConsensusError) {
            try block.commit.verifyTrust(chainID: chainID, by: block.delegates, trusting: trusted.delegates)
        } catch {
            guard case .notEnoughPower(let signed, let total, _) = error else { throw error }
            throw .notEnoughTrust(signed: signed, of: total)
        }
    }

    /// By the rule that fits the two heights.
    public func verify(_ block: LightBlock, after trusted: LightBlock, now: BlockTime) throws(ConsensusError) {
        if trusted.isParent(of: block) {
            try verifyAdjacent(block, after: trusted, now: now)
        } else {
            try verifySkipping(block, after: trusted, now: now)
        }
    }

    /// The parent of a trusted block, for heights below: its hash is all there is to check.
    /// - Throws: `headerInvalid` if it is another block, or why its parts do not belong together.
    public func verifyParent(_ block: LightBlock, of trusted: LightBlock) throws(ConsensusError) {
        try block.check(chainID: chainID)
        guard block.id == trusted.header.parent, block.isParent(of: trusted) else {
            throw .headerInvalid("it is not the parent of the trusted header at height \(trusted.height)")
        }
    }

    /// - Throws: `trustExpired` once who signed the block may have taken their stake away.
    public func checkTrust(in trusted: LightBlock, now: BlockTime) throws(ConsensusError) {
        let end = trusted.time.saturatingAdd(trustingPeriod.wholeMilliseconds)
        guard end > now else { throw .trustExpired(height: trusted.height, at: end, now: now) }
    }

    private func checkOrder(of block: LightBlock, after trusted: LightBlock, now: BlockTime) throws(ConsensusError) {
        try checkTrust(in: trusted, now: now)
        guard block.height > trusted.height else { throw .heightNotIncreasing(block.height, after: trusted.height) }
        guard block.time > trusted.time else { throw .timeNotIncreasing(block.time, after: trusted.time) }
        guard block.time < now.saturatingAdd(clockDrift.wholeMilliseconds) else { throw .fromTheFuture(block.time, now: now) }
    }
}

extension LightBlock {
    func isParent(of other: LightBlock) -> Bool { height < other.height && other.height - height == 1 }
}

extension Nanoseconds {
    /// In the unit of ``BlockTime``; zero for a negative length.
    var wholeMilliseconds: UInt64 { UInt64(max(0, count)) / 1_000_000 }
}
