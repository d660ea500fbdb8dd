public import Primitives

/// What a pool keeps on disk: rows that are written over by later ones of the same name.

/// A member, known by the key of its address.
public struct PoolAccount: Hashable, Sendable {
    public var member = PublicKey()
    public var work: UInt64 = 0
    public var shares: UInt64 = 0
    /// Of blocks whose reward is certain, and not sent yet.
    public var balance = QLC.zero
    /// Given to the chain to pay, ever.
    public var paid = QLC.zero

    public init() {}
    public init(_ member: PublicKey) { self.member = member }
}

/// One member's work in one slice of the window.
public struct SlicePart: Hashable, Sendable {
    public var slice: UInt64
    public var member: PublicKey
    public var work: UInt64

    public init(slice: UInt64, member: PublicKey, work: UInt64) { (self.slice, self.member, self.work) = (slice, member, work) }
}

/// A block that the pool found.
public struct PoolBlock: Hashable, Sendable {
    public enum State: UInt8, Hashable, Sendable {
        /// Its reward is not certain yet.
        case open
        case confirmed
        /// Monero's chain goes on without it: nobody gets anything.
        case orphaned
    }

    public static let linesLimit = PoolBooks.membersLimit
    public var state = State.open
    public var statement = Signed<PoolStatement>(claim: PoolStatement(), signature: Signature())
    /// In the order of keys.
    public var lines: [PoolLine] = []

    public init() {}

    public var number: UInt64 { statement.claim.number }

    /// nil: that member has nothing of it.
    public func proof(for member: PublicKey) -> PoolProof? {
        guard let index = lines.firstIndex(where: { $0.member == member }) else { return nil }
        var proof = PoolProof()
        (proof.statement, proof.line, proof.index) = (statement, lines[index], UInt32(index))
        proof.path = SumTree.path(to: index, in: lines)
        return proof
    }
}

/// Money on its way to a member.
public struct PoolPayout: Hashable, Sendable {
    public enum State: UInt8, Hashable, Sendable {
        case open, done
        /// Whether it was paid is not known: nobody pays it again but by hand.
        case unknown
    }

    public var number: UInt64 = 0
    /// Times that the chain certainly did not carry it out.
    public var attempt: UInt32 = 0
    public var member = PublicKey()
    public var amount = QLC.zero
    public var state = State.open

    public init() {}

    /// The order's name: the same after a restart, so it is carried out once.
    public func orderID(of pool: PublicKey) -> Bytes32 {
        var name = self
        name.state = .open
        return Self.orderTag.digest(pool.raw.bytes + name.canonicalBytes)
    }

    private static let orderTag = TaggedHash.Tag("qlink/pool-payout")
}

/// All that a pool must find again.
public struct PoolRecord: Hashable, Sendable {
    public var accounts: [PoolAccount] = []
    public var parts: [SlicePart] = []
    /// Those that are open, and the latest.
    public var blocks: [PoolBlock] = []
    /// Those that are open, and the latest.
    public var payouts: [PoolPayout] = []

    public init() {}
}

/// What is to be written in one go.
public struct PoolChanges: Hashable, Sendable {
    public var accounts: [PoolAccount] = []
    public var parts: [SlicePart] = []
    /// Earlier ones are wanted no more.
    public var oldestSlice: UInt64 = 0
    public var blocks: [PoolBlock] = []
    public var payouts: [PoolPayout] = []

    public var isEmpty: Bool { accounts.isEmpty && parts.isEmpty && blocks.isEmpty && payouts.isEmpty }
}

/// Where it is kept.
public protocol PoolStore: Sendable {
    func pool() async throws -> PoolRecord
    /// On disk when this returns, all of it or nothing.
    func keep(_ changes: PoolChanges) async throws
    /// nil: there is none, or it was so long ago that it is kept no more.
    func poolBlock(_ number: UInt64) async throws -> PoolBlock?
}

extension PoolAccount: Canonical {
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&member)
        try coder.integer(&work)
        try coder.integer(&shares)
        try coder.nested(&balance)
        try coder.nested(&paid)
    }
}

extension PoolBlock: Canonical {
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.choice(&state)
        try coder.nested(&statement)
        try coder.array(&lines, limit: Self.linesLimit)
    }
}

extension PoolPayout: Canonical {
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&number)
        try coder.integer(&attempt)
        try coder.nested(&member)
        try coder.nested(&amount)
        try coder.choice(&state)
    }
}
