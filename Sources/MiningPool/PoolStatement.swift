public import Primitives

/// What a pool owes for one block, and to how many: signed by the pool, with a root under which each member's own line stands.
///
/// It is given when the block is found, and holds if the block stays in Monero's chain.
public struct PoolStatement: Hashable, Sendable {
    /// Consecutive, from 1.
    public var number: UInt64 = 0
    /// The digest of the statement before; zeros before the first.
    public var previous = Bytes32.zero
    /// The block's name and height on Monero's chain, and what it pays there: whoever has a node can look.
    public var block = Bytes32.zero
    public var height: UInt64 = 0
    /// Piconero.
    public var reward: UInt64 = 0
    public var qlcPerXMR = QLC.zero
    public var feePermyriad: UInt64 = 0
    /// All of it, and the operator's part; the rest is the sum of all lines.
    public var gross = QLC.zero
    public var fee = QLC.zero
    public var members: UInt32 = 0
    /// The root of all lines in the order of their keys, with the sums of work and of amounts.
    public var sums = SumTree.Node()

    public init() {}
}

/// What a member has of a block.
public struct PoolLine: Hashable, Sendable {
    public var member = PublicKey()
    /// Of all its shares since it came, up to this block: what its last receipt before says, or more.
    public var work: UInt64 = 0
    /// What of it shares in this block.
    public var windowWork: UInt64 = 0
    public var amount = QLC.zero

    public init() {}

    public init(member: PublicKey, work: UInt64, windowWork: UInt64, amount: QLC) {
        (self.member, self.work, self.windowWork, self.amount) = (member, work, windowWork, amount)
    }
}

/// What a member has at a pool, signed with each share that counts: a later one takes the place of all before it.
public struct PoolReceipt: Hashable, Sendable {
    public var member = PublicKey()
    /// Of all its shares: the sum of their difficulties, and their number.
    public var work: UInt64 = 0
    public var shares: UInt64 = 0
    /// Owed, and sent on the chain so far.
    public var balance = QLC.zero
    public var paid = QLC.zero
    /// The latest statement's.
    public var statement: UInt64 = 0

    public init() {}
}

/// A member's line with all it takes to check it.
public struct PoolProof: Hashable, Sendable {
    public static let pathLimit = 32
    public var statement = Signed<PoolStatement>(claim: PoolStatement(), signature: Signature())
    public var line = PoolLine()
    public var index: UInt32 = 0
    public var path: [SumTree.Node] = []

    public init() {}
}

/// What does not add up in a statement, in words.
public struct PoolAuditFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String
}

extension PoolProof {
    /// What anybody can check who knows the pool's key: the signature, the sums, the fee, and the line's part of them.
    public func check(by pool: PublicKey, for member: PublicKey) throws(PoolAuditFailure) {
        guard let statement = statement.verified(by: pool)?.value else {
            throw .init(description: "it is not signed by the pool")
        }
        guard line.member == member else { throw .init(description: "the line is another member's") }
        let count = Int(statement.members)
        guard SumTree.contains(line, at: Int(index), of: count, path: path, root: statement.sums) else {
            throw .init(description: "the line is not part of the statement's sums")
        }
        var terms = PoolTerms(qlcPerXMR: statement.qlcPerXMR)
        terms.feePermyriad = statement.feePermyriad
        guard terms.worth(of: statement.reward) == statement.gross, terms.fee(of: statement.gross) == statement.fee else {
            throw .init(description: "the block's worth or the fee is not what its own terms make of it")
        }
        guard statement.gross - statement.fee == statement.sums.amount else {
            throw .init(description: "what the members get is not all but the fee")
        }
        // Others' remainders decide over the last unit.
        let sums = statement.sums
        let exact = sums.work == 0 ? 0 : UInt128(sums.amount.units) * UInt128(line.windowWork) / UInt128(sums.work)
        guard UInt128(line.amount.units) == exact || UInt128(line.amount.units) == exact + 1 else {
            throw .init(description: "the amount is not the work's part of the whole")
        }
    }

    /// Whether no work is missing that the pool has signed for.
    public func check(against receipt: PoolReceipt) throws(PoolAuditFailure) {
        guard receipt.statement >= statement.claim.number || line.work >= receipt.work else {
            throw .init(description: "shares are missing for which the pool gave a receipt before the block")
        }
    }
}

extension PoolStatement: Signable {
    public static let signingTag = "qlink/pool-statement"
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&number)
        try coder.fixed(&previous)
        try coder.fixed(&block)
        try coder.integer(&height)
        try coder.integer(&reward)
        try coder.nested(&qlcPerXMR)
        try coder.integer(&feePermyriad)
        try coder.nested(&gross)
        try coder.nested(&fee)
        try coder.integer(&members)
        try coder.nested(&sums)
    }
}

extension PoolLine: Canonical {
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&member)
        try coder.integer(&work)
        try coder.integer(&windowWork)
        try coder.nested(&amount)
    }
}

extension PoolReceipt: Signable {
    public static let signingTag = "qlink/pool-receipt"
    public static let preparedTag = TaggedHash.Tag(signingTag)
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&member)
        try coder.integer(&work)
        try coder.integer(&shares)
        try coder.nested(&balance)
        try coder.nested(&paid)
        try coder.integer(&statement)
    }
}

extension PoolProof: Canonical {
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&statement)
        try coder.nested(&line)
        try coder.integer(&index)
        try coder.array(&path, limit: Self.pathLimit)
    }
}
