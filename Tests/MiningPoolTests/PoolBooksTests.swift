import MiningPool
import Primitives
import SimulatedHAL
import Testing

@Suite struct PoolBooksTests {
    static let pool = PrivateKey(seed: Array(repeating: 250, count: 32))!
    static func member(_ number: UInt8) -> PublicKey { PrivateKey(seed: Array(repeating: number, count: 32))!.publicKey }

    /// One XMR is 1,000 QLC; a window of one difficulty; a tenth of a percent is 10.
    static func terms(fee: UInt64 = 0, window: UInt64 = 1, least: UInt64 = 1) -> PoolTerms {
        var terms = PoolTerms(qlcPerXMR: QLC("1000")!)
        (terms.feePermyriad, terms.window, terms.leastPayout) = (fee, window, QLC(units: least))
        return terms
    }

    static func found(_ name: UInt8, reward: UInt64 = 600_000_000_000, difficulty: UInt128 = 1_000) -> PoolBooks.Found {
        .init(
            block: Bytes32(Array(repeating: name, count: 32))!, height: 100 + UInt64(name), reward: reward, difficulty: difficulty
        )
    }

    static func find(_ found: PoolBooks.Found, in books: inout PoolBooks) throws -> PoolBlock {
        let block = books.found(found)
        return try #require(block)
    }

    /// Of 0.6 XMR at 1,000 QLC, less one percent: 594 QLC by 3 : 1.
    @Test func aBlockIsSharedByWork() throws {
        var books = PoolBooks(terms: Self.terms(fee: 100), key: Self.pool)
        _ = books.record(300, of: Self.member(1), difficulty: 1_000)
        _ = books.record(100, of: Self.member(2), difficulty: 1_000)
        let found = try Self.find(Self.found(1), in: &books)
        let amounts = Dictionary(uniqueKeysWithValues: found.lines.map { ($0.member, $0.amount) })
        #expect(amounts == [Self.member(1): QLC("445.5")!, Self.member(2): QLC("148.5")!])
        #expect(found.statement.claim.fee == QLC("6")!)
        #expect(books.owed == .zero)
        books.settle(1, .confirmed)
        #expect(books.account(of: Self.member(1))?.balance == QLC("445.5")!)
        books.settle(1, .confirmed)
        #expect(books.owed == QLC("594")!)
    }

    @Test func anOrphanedBlockIsNobodys() throws {
        var books = PoolBooks(terms: Self.terms(), key: Self.pool)
        _ = books.record(10, of: Self.member(1), difficulty: 1_000)
        _ = try Self.find(Self.found(1), in: &books)
        books.settle(1, .orphaned)
        let payouts = books.makePayouts(limit: 8)
        #expect(books.owed == .zero && books.openBlocks.isEmpty && payouts.isEmpty)
    }

    @Test func oneBlockIsFoundOnce() {
        var books = PoolBooks(terms: Self.terms(), key: Self.pool)
        _ = books.record(10, of: Self.member(1), difficulty: 1_000)
        let (first, second) = (books.found(Self.found(1)), books.found(Self.found(1)))
        #expect(first != nil && second == nil)
    }

    /// Nobody worked: nobody's block.
    @Test func withoutWorkThereIsNoStatement() {
        var books = PoolBooks(terms: Self.terms(), key: Self.pool)
        let found = books.found(Self.found(1))
        #expect(found == nil && books.statements == 0)
    }

    /// Work before the window's begin counts no more; who left keeps what is still in it.
    @Test func theLatestWorkAloneShares() throws {
        var books = PoolBooks(terms: Self.terms(), key: Self.pool)
        for _ in 0..<100 { _ = books.record(10, of: Self.member(1), difficulty: 1_000) }
        for _ in 0..<75 { _ = books.record(10, of: Self.member(2), difficulty: 1_000) }
        let found = try Self.find(Self.found(1), in: &books)
        #expect(found.statement.claim.sums.work == 1_000)
        let works = Dictionary(uniqueKeysWithValues: found.lines.map { ($0.member, $0.windowWork) })
        #expect(works == [Self.member(1): 250, Self.member(2): 750])
        for _ in 0..<100 { _ = books.record(10, of: Self.member(2), difficulty: 1_000) }
        let next = try Self.find(Self.found(2), in: &books)
        #expect(next.lines.map(\.member) == [Self.member(2)] && next.lines.map(\.work) == [1_750])
        #expect(next.statement.claim.previous == found.statement.claim.digest)
    }

    /// A chain that becomes harder has a wider window, and the pool remembers that far.
    @Test func aWindowThatGrowsFindsTheWorkBefore() throws {
        var books = PoolBooks(terms: Self.terms(), key: Self.pool)
        for _ in 0..<300 { _ = books.record(10, of: Self.member(1), difficulty: 1_000) }
        let found = try Self.find(Self.found(1, difficulty: 1_900), in: &books)
        #expect(found.statement.claim.sums.work == 1_900)
    }

    // MARK: Payouts

    @Test func whatIsOwedIsPaidOnceAndTheLargestFirst() throws {
        var books = PoolBooks(terms: Self.terms(least: QLC("100")!.units), key: Self.pool)
        _ = books.record(70, of: Self.member(1), difficulty: 1_000)
        _ = books.record(25, of: Self.member(2), difficulty: 1_000)
        _ = books.record(5, of: Self.member(3), difficulty: 1_000)
        _ = books.found(Self.found(1))
        books.settle(1, .confirmed)
        let first = books.makePayouts(limit: 1)
        #expect(first.map(\.amount) == [QLC("420")!] && first.map(\.member) == [Self.member(1)])
        let none = books.makePayouts(limit: 1)
        #expect(none.isEmpty)
        let second = books.makePayouts(limit: 8)
        #expect(second.map(\.amount) == [QLC("150")!])
        #expect(books.account(of: Self.member(3))?.balance == QLC("30")!)
        let id = first[0].orderID(of: Self.pool.publicKey)
        let anew = books.failed(first[0].number)
        let again = try #require(anew)
        #expect(again.orderID(of: Self.pool.publicKey) != id && again.amount == first[0].amount)
        books.paid(first[0].number)
        let afterwards = books.failed(first[0].number)
        #expect(afterwards == nil)
        books.lost(second[0].number)
        let unknown = books.failed(second[0].number)
        #expect(unknown == nil)
        #expect(books.openPayouts.map(\.state) == [.unknown])
        let more = books.makePayouts(limit: 8)
        #expect(more.isEmpty)
        #expect(books.account(of: Self.member(1))?.paid == QLC("420")!)
    }

    // MARK: The disk

    /// Random days of a pool that is read from its disk anew all the time: it is the pool that never stopped, and no unit is lost or made.
    @Test(arguments: 1...40 as ClosedRange<UInt64>) func aPoolIsWhatItsDiskSays(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let terms = Self.terms(fee: UInt64.random(in: 0...2_000, using: &random), window: 2)
        var (books, steady) = (PoolBooks(terms: terms, key: Self.pool), PoolBooks(terms: terms, key: Self.pool))
        var disk = MemoryDisk()
        var confirmed = QLC.zero
        for step in 0..<400 {
            let number = UInt8.random(in: 1...9, using: &random)
            switch UInt64.random(in: 0..<20, using: &random) {
            case 0:
                let found = Self.found(number, reward: .random(in: 0...700_000_000_000, using: &random), difficulty: 500)
                let (ours, theirs) = (books.found(found), steady.found(found))
                #expect(ours == theirs, "seed \(seed), step \(step)")
            case 1:
                guard let block = books.openBlocks.first else { break }
                let state: PoolBlock.State = Bool.random(using: &random) ? .confirmed : .orphaned
                if state == .confirmed { confirmed += block.statement.claim.gross - block.statement.claim.fee }
                books.settle(block.number, state)
                steady.settle(block.number, state)
            case 2:
                let (ours, theirs) = (books.makePayouts(limit: 3), steady.makePayouts(limit: 3))
                #expect(ours == theirs, "seed \(seed), step \(step)")
            case 3:
                guard let payout = books.openPayouts.randomElement(using: &random) else { break }
                let end = UInt64.random(in: 0..<3, using: &random)
                for other in [true, false] {
                    if end == 0 { other ? books.paid(payout.number) : steady.paid(payout.number) }
                    if end == 1 { _ = other ? books.failed(payout.number) : steady.failed(payout.number) }
                    if end == 2 { other ? books.lost(payout.number) : steady.lost(payout.number) }
                }
            case 4:
                // The disk failed, and then it did not.
                books.giveBack(books.takeChanges())
            case 5:
                disk.keep(books.takeChanges())
                books = PoolBooks(try disk.record(), terms: terms, key: Self.pool)
            default:
                let work = UInt64.random(in: 1...40, using: &random)
                _ = books.record(work, of: Self.member(number), difficulty: 500)
                _ = steady.record(work, of: Self.member(number), difficulty: 500)
            }
        }
        #expect(books.members == steady.members, "seed \(seed)")
        let last = Self.found(200, difficulty: 500)
        let (ours, theirs) = (books.found(last), steady.found(last))
        #expect(ours == theirs, "seed \(seed)")
        #expect(books.members.reduce(QLC.zero) { $0 + $1.balance + $1.paid } == confirmed, "seed \(seed)")
        #expect(books.openPayouts == steady.openPayouts)
    }

    @Test func beyondItsLimitNobodyNewIsLetIn() {
        var record = PoolRecord()
        record.accounts = (0..<PoolBooks.membersLimit).map {
            PoolAccount(PublicKey(raw: TaggedHash.untagged([UInt8($0 % 256), UInt8($0 / 256)])))
        }
        var books = PoolBooks(record, terms: Self.terms(), key: Self.pool)
        let isNewLetIn = books.record(1, of: Self.member(1), difficulty: 1)
        let isOldLetIn = books.record(1, of: record.accounts[7].member, difficulty: 1)
        #expect(!isNewLetIn && isOldLetIn)
    }
}

/// Rows as a database has them, through their encoded form.
struct MemoryDisk {
    private var accounts: [PublicKey: [UInt8]] = [:]
    private var parts: [UInt64: [PublicKey: UInt64]] = [:]
    private var blocks: [UInt64: [UInt8]] = [:]
    private var payouts: [UInt64: [UInt8]] = [:]

    mutating func keep(_ changes: PoolChanges) {
        for account in changes.accounts { accounts[account.member] = account.canonicalBytes }
        for part in changes.parts { parts[part.slice, default: [:]][part.member] = part.work }
        parts = parts.filter { $0.key >= changes.oldestSlice }
        for block in changes.blocks { blocks[block.number] = block.canonicalBytes }
        for payout in changes.payouts { payouts[payout.number] = payout.canonicalBytes }
    }

    func record() throws -> PoolRecord {
        var record = PoolRecord()
        record.accounts = try accounts.values.map { try PoolAccount(canonicalBytes: $0) }
        record.parts = parts.flatMap { slice, parts in parts.map { SlicePart(slice: slice, member: $0.key, work: $0.value) } }
        record.blocks = try blocks.values.map { try PoolBlock(canonicalBytes: $0) }
        record.payouts = try payouts.values.map { try PoolPayout(canonicalBytes: $0) }
        return record
    }
}
