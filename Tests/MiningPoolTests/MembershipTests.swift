import MiningPool
import Primitives
import Testing

/// A member that counts with its pool.
@Suite struct MembershipTests {
    private static let (pool, me) = (PoolBooksTests.pool, PoolBooksTests.member(1))
    private var books = PoolBooks(terms: PoolBooksTests.terms(), key: pool)
    private var membership = PoolMembership(pool: pool.publicKey, member: me)

    private mutating func share(_ work: UInt64) throws {
        _ = books.record(work, of: Self.me, difficulty: 1_000)
        try membership.take(try #require(books.receipt(for: Self.me)).canonicalBytes, work: work)
    }

    @Test mutating func aTruePoolIsTrusted() throws {
        for number in 1...5 as ClosedRange<UInt8> {
            try share(20)
            let block = try PoolBooksTests.find(PoolBooksTests.found(number), in: &books)
            try share(20)
            let next = try #require(membership.nextToAudit)
            #expect(next == UInt64(number))
            try membership.audit(next, try #require(block.proof(for: Self.me)).canonicalBytes)
        }
        #expect(
            membership.audited == 5 && membership.lastAudited == 5 && membership.nextToAudit == nil && membership.without == 0)
        #expect(membership.receipt?.work == 200)
    }

    @Test mutating func aShareThatIsNotCountedIsMissed() throws {
        try share(20)
        let receipt = try #require(books.receipt(for: Self.me)).canonicalBytes
        var again = membership
        #expect(throws: PoolAuditFailure.self) { try again.take(receipt, work: 20) }
    }

    @Test(arguments: ["", "00", "other key", "other member"]) func aReceiptThatIsNoneIsFound(what: String) throws {
        var books = PoolBooks(terms: PoolBooksTests.terms(), key: what == "other key" ? PrivateKey() : Self.pool)
        let member = what == "other member" ? PoolBooksTests.member(2) : Self.me
        _ = books.record(20, of: member, difficulty: 1_000)
        let receipt = try #require(books.receipt(for: member)).canonicalBytes
        var membership = PoolMembership(pool: Self.pool.publicKey, member: Self.me)
        #expect(throws: PoolAuditFailure.self) { try membership.take(Hex.decode(what) ?? receipt, work: 20) }
    }

    /// The pool shows the block before, or one in which shares are forgotten, or none.
    @Test(arguments: ["before", "forgotten", "none", "nonsense"]) mutating func aStatementThatIsFalseIsFound(what: String) throws
    {
        try share(20)
        let first = try PoolBooksTests.find(PoolBooksTests.found(1), in: &books)
        try share(20)
        try membership.audit(1, try #require(first.proof(for: Self.me)).canonicalBytes)
        _ = try PoolBooksTests.find(PoolBooksTests.found(2), in: &books)
        try share(20)
        var bytes: [UInt8]?
        switch what {
        case "before": bytes = first.proof(for: Self.me)?.canonicalBytes
        case "forgotten":
            var other = PoolBooks(terms: PoolBooksTests.terms(), key: Self.pool)
            _ = other.record(39, of: Self.me, difficulty: 1_000)
            _ = try PoolBooksTests.find(PoolBooksTests.found(1), in: &other)
            bytes = try PoolBooksTests.find(PoolBooksTests.found(2), in: &other).proof(for: Self.me)?.canonicalBytes
        case "none": bytes = nil
        default: bytes = [1, 2, 3]
        }
        var copy = membership
        if what == "none" {
            try copy.audit(2, nil)
            #expect(copy.without == 1 && copy.audited == 1)
        } else {
            #expect(throws: PoolAuditFailure.self) { try copy.audit(2, bytes) }
        }
    }

    /// A pool that forgets over a restart of either is found out as well.
    @Test mutating func whatItSignedOutlivesARestart() throws {
        try share(20)
        try share(20)
        var restored = try PoolMembership(canonicalBytes: membership.canonicalBytes)
        #expect(restored.receipt == membership.receipt && restored.isOf(Self.pool.publicKey, Self.me))
        var forgetful = PoolBooks(terms: PoolBooksTests.terms(), key: Self.pool)
        _ = forgetful.record(20, of: Self.me, difficulty: 1_000)
        let less = try #require(forgetful.receipt(for: Self.me)).canonicalBytes
        #expect(throws: PoolAuditFailure.self) { try restored.take(less, work: 20) }
        #expect(restored.receipt == membership.receipt)
    }
}
