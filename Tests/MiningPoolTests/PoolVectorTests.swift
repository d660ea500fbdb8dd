import MiningPool
import Primitives
import PublishedVectors
import Testing

/// What another implementation makes of the same work (Tests/Vectors/pool.py).
@Suite struct PoolVectorTests {
    struct Vector: Decodable {
        struct Share: Decodable { var seed: UInt8, work: UInt64 }
        var poolSeed: UInt8
        var qlcPerXMRUnits, feePermyriad, reward, height, gross, fee: UInt64
        var block, statement, receipt: String
        var shares: [Share]
        var amounts: [UInt64]
        var proofs: [String]
    }

    @Test func aBlockIsSharedAndSignedToTheByte() throws {
        let vector = PublishedVectors.load("pool.json", as: Vector.self)
        let pool = PrivateKey(seed: Array(repeating: vector.poolSeed, count: 32))!
        var terms = PoolTerms(qlcPerXMR: QLC(units: vector.qlcPerXMRUnits))
        terms.feePermyriad = vector.feePermyriad
        var books = PoolBooks(terms: terms, key: pool)
        for share in vector.shares { _ = books.record(share.work, of: PoolBooksTests.member(share.seed), difficulty: 1_000_000) }
        let receipt = try #require(books.receipt(for: PoolBooksTests.member(vector.shares[0].seed)))
        let found = books.found(
            .init(block: Bytes32(vector.block)!, height: vector.height, reward: vector.reward, difficulty: 1_000_000))
        let block = try #require(found)
        #expect(block.statement.claim.gross.units == vector.gross && block.statement.claim.fee.units == vector.fee)
        #expect(block.lines.map(\.amount.units) == vector.amounts)
        // Ed25519 signatures of some libraries are not the same twice: the claims' bytes are, and each verifies.
        let size = Signature.size
        #expect(block.statement.canonicalBytes.dropLast(size) == Hex.decode(vector.statement)!.dropLast(size))
        #expect(receipt.canonicalBytes.dropLast(size) == Hex.decode(vector.receipt)!.dropLast(size))
        for (line, hex) in zip(block.lines, vector.proofs) {
            let theirs = try PoolProof(canonicalBytes: Hex.decode(hex)!)
            try theirs.check(by: pool.publicKey, for: line.member)
            let ours = try #require(block.proof(for: line.member))
            #expect(ours.line == theirs.line && ours.index == theirs.index && ours.path == theirs.path)
        }
        var membership = PoolMembership(pool: pool.publicKey, member: receipt.claim.member)
        try membership.take(Hex.decode(vector.receipt)!, work: vector.shares[0].work)
        #expect(membership.receipt == receipt.claim)
    }
}
