import Charging
import MiningPool
import Primitives
import Testing

@testable import Store

/// A pool's accounts on the station's disk.
@Suite struct PoolStoreTests {
    private let scratch = Scratch()
    private static let key = PrivateKey(seed: Array(repeating: 250, count: 32))!
    private static func member(_ number: UInt8) -> PublicKey { PrivateKey(seed: Array(repeating: number, count: 32))!.publicKey }

    private static func books(_ record: PoolRecord = PoolRecord()) -> PoolBooks {
        var terms = PoolTerms(qlcPerXMR: QLC("1000")!)
        terms.leastPayout = QLC(units: 1)
        return PoolBooks(record, terms: terms, key: key)
    }

    private static func found(_ books: inout PoolBooks, _ name: UInt8) throws -> PoolBlock {
        let block = books.found(
            .init(
                block: Bytes32(Array(repeating: name, count: 32))!, height: UInt64(name), reward: 600_000_000_000,
                difficulty: 1_000))
        return try #require(block)
    }

    /// The largest numbers, too: SQLite's integers have a sign.
    @Test func whatIsWrittenIsRead() async throws {
        var books = Self.books()
        for number in 1...3 as ClosedRange<UInt8> { _ = books.record(.max / 7, of: Self.member(number), difficulty: .max) }
        let block = try Self.found(&books, 1)
        let changes = books.takeChanges()
        var store: StationStore? = try scratch.open()
        try await store!.keep(changes)
        books.settle(1, .confirmed)
        let payouts = books.makePayouts(limit: 2)
        try await store!.keep(books.takeChanges())
        store = nil
        let again = try scratch.open()
        let record = try await again.pool()
        #expect(record.accounts == books.members && record.parts == changes.parts)
        #expect(record.payouts.map(\.number) == payouts.map(\.number))
        #expect(record.blocks.map(\.state) == [.confirmed] && record.blocks.map(\.lines) == [block.lines])
        #expect(try await again.poolBlock(1)?.statement == block.statement)
        #expect(try await again.poolBlock(2) == nil)
    }

    /// Of blocks only so many are kept, and every open one; what was paid is not read again, but its number is not given twice.
    @Test func itDoesNotGrowForEver() async throws {
        let store = try scratch.open()
        var books = Self.books()
        _ = books.record(10, of: Self.member(1), difficulty: 1_000)
        let first = try Self.found(&books, 0)
        for number in 1...StationStore.poolBlocksKept + 5 {
            let block = books.found(
                .init(
                    block: TaggedHash.untagged([UInt8(number % 256), UInt8(number / 256)]), height: number, reward: 1,
                    difficulty: 1))
            books.settle(try #require(block).number, .orphaned)
            try await store.keep(books.takeChanges())
        }
        #expect(try await store.poolBlock(first.number) != nil)
        #expect(try await store.poolBlock(2) == nil)
        let record = try await store.pool()
        #expect(record.blocks.count == 2)
        books.settle(first.number, .confirmed)
        for payout in books.makePayouts(limit: 8) { books.paid(payout.number) }
        try await store.keep(books.takeChanges())
        var after = Self.books(try await store.pool())
        #expect(
            after.openPayouts.isEmpty && after.account(of: Self.member(1))?.paid == QLC("600")! - after.terms.fee(of: QLC("600")!)
        )
        _ = after.record(10, of: Self.member(1), difficulty: 1_000)
        let next = try Self.found(&after, 7)
        after.settle(next.number, .confirmed)
        let payouts = after.makePayouts(limit: 8)
        #expect(payouts.map(\.number) == [2])
    }

    @Test(arguments: ["pool_accounts", "pool_blocks", "pool_payouts"]) func damageIsNamed(table: String) async throws {
        let store = try scratch.open()
        var books = Self.books()
        _ = books.record(10, of: Self.member(1), difficulty: 1_000)
        let block = try Self.found(&books, 1)
        books.settle(block.number, .confirmed)
        _ = books.makePayouts(limit: 1)
        try await store.keep(books.takeChanges())
        try await store.run("UPDATE \(table) SET state = x'00'")
        let error = await #expect(throws: StorageError.self) { try await store.pool() }
        #expect(error?.kind == .corrupt && error?.description.contains("the pool's") == true, "\(String(describing: error))")
    }
}
