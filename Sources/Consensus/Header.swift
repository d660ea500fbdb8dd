public import Primitives

/// Milliseconds since 1970-01-01T00:00:00Z, as agreed on by the delegates: the ledger's only time.
public typealias BlockTime = UInt64

/// What the delegates sign: everything about a block and the state before it, in under 500 bytes (chain.md, "State and proofs").
public struct Header: Hashable, Sendable, Canonical {
    public static let currentVersion: UInt16 = 1

    public var version = currentVersion
    public var chainID = Bytes32.zero
    public var height: UInt64 = 0
    public var time: BlockTime = 0
    public var parent = BlockID.zero
    /// Hash of the parent's commit; zero at height 1.
    public var lastCommit = Bytes32.zero
    /// RFC 6962 root of the transactions.
    public var transactionRoot = Bytes32.zero
    /// After the parent was applied: the state that this block's transactions meet.
    public var stateRoot = Bytes32.zero
    /// RFC 6962 root of what the parent's transactions came to.
    public var receiptsRoot = Bytes32.zero
    public var delegateSet = Bytes32.zero
    /// Of the next height, so that a light client can walk.
    public var nextDelegateSet = Bytes32.zero
    public var parameters = Bytes32.zero
    public var evidenceRoot = Bytes32.zero
    /// The public chain's newest block known to the delegates; zero while there is no bridge.
    public var publicChainAnchor = Bytes32.zero
    public var proposer = PublicKey()

    public init() {}

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&version)
        guard version == Self.currentVersion else {
            throw .invalid("header version \(version) is not known; update this software")
        }
        try coder.nested(&chainID)
        try coder.integer(&height)
        try coder.integer(&time)
        try coder.nested(&parent)
        try coder.nested(&lastCommit)
        try coder.nested(&transactionRoot)
        try coder.nested(&stateRoot)
        try coder.nested(&receiptsRoot)
        try coder.nested(&delegateSet)
        try coder.nested(&nextDelegateSet)
        try coder.nested(&parameters)
        try coder.nested(&evidenceRoot)
        try coder.nested(&publicChainAnchor)
        try coder.nested(&proposer)
    }

    private static let tag = TaggedHash.Tag("qlink/header")

    public var id: BlockID { Self.tag.digest(canonicalBytes) }
}

/// A block that a round is about: who proposes it, and the round in which two thirds had prevoted it before.
public struct Proposal: Hashable, Sendable, Signable {
    public static var signingTag: String { "qlink/proposal" }
    public static let preparedTag = TaggedHash.Tag(signingTag)

    public var chainID = Bytes32.zero
    public var height: UInt64 = 0
    public var round: UInt32 = 0
    /// nil: proposed afresh.
    public var validRound: UInt32?
    public var block = BlockID.zero

    public init(chainID: Bytes32, height: UInt64, round: UInt32, validRound: UInt32?, block: BlockID) {
        (self.chainID, self.height, self.round, self.validRound, self.block) = (chainID, height, round, validRound, block)
    }

    public init() {}

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&chainID)
        try coder.integer(&height)
        try coder.integer(&round)
        var isAgain = validRound != nil
        try coder.bool(&isAgain)
        var again = validRound ?? 0
        if isAgain { try coder.integer(&again) }
        validRound = isAgain ? again : nil
        try coder.nested(&block)
        if isAgain, again >= round { throw .invalid("round \(round) re-proposes round \(again)") }
    }
}
