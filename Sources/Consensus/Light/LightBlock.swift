public import Primitives

/// What convinces somebody who has not seen the chain: a header, the commit that made it final, and who could sign.
public struct LightBlock: Hashable, Sendable, Canonical {
    public var header: Header
    public var commit: Commit
    /// Those that the header names by their hash, in whose order the commit's signatures stand.
    public var delegates: DelegateSet

    public init(header: Header, commit: Commit, delegates: DelegateSet) {
        (self.header, self.commit, self.delegates) = (header, commit, delegates)
    }

    public init() { self.init(header: Header(), commit: Commit(), delegates: DelegateSet()) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&header)
        try coder.nested(&commit)
        try coder.nested(&delegates)
    }

    /// What a chain starts from, as if it were its block 0: nobody signed it, and nobody has to be asked for it.
    public static func genesis(chainID: Bytes32, time: BlockTime, delegates: DelegateSet) -> LightBlock {
        var header = Header()
        (header.chainID, header.time) = (chainID, time)
        (header.delegateSet, header.nextDelegateSet) = (delegates.hash, delegates.hash)
        return LightBlock(header: header, commit: Commit(), delegates: delegates)
    }

    public var height: UInt64 { header.height }
    public var time: BlockTime { header.time }
    /// Of the start of the chain zero, which is what block 1 names as its parent.
    public var id: BlockID { height == 0 ? .zero : header.id }

    /// Whether it can be hashed at all: true of whatever was read from bytes.
    var isWithinLimits: Bool { (try? encoded()) != nil }

    /// Checks that the parts belong together and more than two thirds of the delegates signed: true of every block of every chain, also
    /// of one that somebody made up with delegates of their own.
    /// - Throws: `headerInvalid`, `commitInvalid` or `notEnoughPower`.
    public func check(chainID: Bytes32) throws(ConsensusError) {
        guard isWithinLimits else { throw .headerInvalid("the block is outside its own limits") }
        guard header.chainID == chainID else { throw .headerInvalid("it is of the chain \(header.chainID)") }
        guard delegates.hash == header.delegateSet else {
            throw .headerInvalid("the delegates at height \(height) are not those that it names")
        }
        guard commit.height == height, commit.block == id else {
            throw .commitInvalid("it is for another block than the header at height \(height)")
        }
        try commit.verify(chainID: chainID, by: delegates)
    }
}

/// Where a board that knows nothing starts: a block that whoever made its firmware stands for. The header's hash names the delegates too.
public struct Checkpoint: Hashable, Sendable, Canonical {
    public var height: UInt64
    public var header: BlockID

    public init(height: UInt64, header: BlockID) { (self.height, self.header) = (height, header) }
    public init() { self.init(height: 0, header: .zero) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&height)
        try coder.nested(&header)
    }
}
