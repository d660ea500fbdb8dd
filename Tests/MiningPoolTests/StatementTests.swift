import MiningPool
import Primitives
import SimulatedHAL
import Testing

/// What a member can prove with what the pool has signed, and what a pool that lies cannot.
@Suite struct StatementTests {
    /// A block of `count` members, the first with a work of 1, the next of 2, and so on.
    private static func block(_ count: Int) throws -> PoolBlock {
        var books = PoolBooks(terms: PoolBooksTests.terms(fee: 250, window: 10), key: PoolBooksTests.pool)
        for number in 1...count {
            _ = books.record(UInt64(number), of: PoolBooksTests.member(UInt8(number)), difficulty: 1_000_000)
        }
        return try PoolBooksTests.find(PoolBooksTests.found(1, difficulty: 1_000_000), in: &books)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 100]) func everyMemberFindsItsLine(count: Int) throws {
        let block = try Self.block(count)
        for number in 1...count {
            let member = PoolBooksTests.member(UInt8(number))
            let proof = try PoolProof(canonicalBytes: try #require(block.proof(for: member)).canonicalBytes)
            try proof.check(by: PoolBooksTests.pool.publicKey, for: member)
            #expect(proof.line.windowWork == UInt64(number))
        }
        #expect(block.proof(for: PoolBooksTests.pool.publicKey) == nil)
    }

    enum Lie: CaseIterable { case amount, work, member, index, path, pathSums, unsigned, otherKey, count }

    @Test(arguments: Lie.allCases) func whatIsChangedIsFound(lie: Lie) throws {
        let block = try Self.block(9)
        let (member, pool) = (PoolBooksTests.member(4), PoolBooksTests.pool.publicKey)
        var proof = try #require(block.proof(for: member))
        var (asked, key) = (member, pool)
        switch lie {
        case .amount: proof.line.amount += QLC(units: 1)
        case .work: proof.line.work -= 1
        case .member: asked = PoolBooksTests.member(5)
        case .index: proof.index = (proof.index + 1) % 9
        case .path: proof.path.removeLast()
        case .pathSums: proof.path[0].amount += QLC(units: 1)
        case .unsigned:
            var claim = proof.statement.claim
            claim.height += 1
            proof.statement = Signed(claim: claim, signature: proof.statement.signature)
        case .otherKey: key = member
        case .count:
            var claim = proof.statement.claim
            claim.members = 200
            proof.statement = Signed(claim, by: PoolBooksTests.pool)
        }
        #expect(throws: PoolAuditFailure.self) { try proof.check(by: key, for: asked) }
    }

    /// A pool may sign what it likes: what does not follow from its own terms is found.
    @Test(arguments: ["fee", "worth", "hidden", "short"]) func aPoolThatSignsALieIsFound(lie: String) throws {
        let block = try Self.block(5)
        let member = PoolBooksTests.member(2)
        var lines = block.lines
        var claim = block.statement.claim
        let own = try #require(lines.firstIndex { $0.member == member })
        switch lie {
        case "fee": claim.fee += QLC(units: 1)
        case "worth": claim.gross = claim.gross - QLC(units: 1)
        // Somebody who does not exist gets a part.
        case "hidden": lines.append(PoolLine(member: PoolBooksTests.pool.publicKey, work: 9, windowWork: 9, amount: QLC("9")!))
        default: lines[own].amount = lines[own].amount - QLC(units: 2)
        }
        (claim.members, claim.sums) = (UInt32(lines.count), SumTree.root(lines))
        var forged = PoolBlock()
        (forged.statement, forged.lines) = (Signed(claim, by: PoolBooksTests.pool), lines)
        let proof = try #require(forged.proof(for: member))
        #expect(throws: PoolAuditFailure.self) { try proof.check(by: PoolBooksTests.pool.publicKey, for: member) }
    }

    /// A receipt from before the block that says more work than the block's line.
    @Test func sharesThatThePoolSignedForCannotBeForgotten() throws {
        var books = PoolBooks(terms: PoolBooksTests.terms(), key: PoolBooksTests.pool)
        let member = PoolBooksTests.member(1)
        _ = books.record(50, of: member, difficulty: 1_000)
        let receipt = try #require(books.receipt(for: member)?.verified(by: PoolBooksTests.pool.publicKey)).value
        #expect(receipt.work == 50 && receipt.shares == 1 && receipt.statement == 0)
        let proof = try #require(PoolBooksTests.find(PoolBooksTests.found(1), in: &books).proof(for: member))
        try proof.check(against: receipt)
        var forgotten = PoolBooks(terms: PoolBooksTests.terms(), key: PoolBooksTests.pool)
        _ = forgotten.record(49, of: member, difficulty: 1_000)
        let short = try #require(PoolBooksTests.find(PoolBooksTests.found(1), in: &forgotten).proof(for: member))
        #expect(throws: PoolAuditFailure.self) { try short.check(against: receipt) }
        // What was signed after the block says nothing of it.
        _ = books.record(1_000, of: member, difficulty: 1_000)
        try proof.check(against: try #require(books.receipt(for: member)?.claim))
    }

    /// Bytes from anywhere are refused, and never trap.
    @Test(arguments: 1...300 as ClosedRange<UInt64>) func aProofOfAnyBytesIsRefused(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var bytes = try #require(Self.block(6).proof(for: PoolBooksTests.member(3))).canonicalBytes
        bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        if seed % 3 == 0 { bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random)) }
        #expect(throws: (any Error).self, "seed \(seed)") {
            try PoolProof(canonicalBytes: bytes).check(by: PoolBooksTests.pool.publicKey, for: PoolBooksTests.member(3))
        }
    }
}
