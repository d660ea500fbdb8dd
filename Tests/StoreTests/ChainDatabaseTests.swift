import CSQLite
import Charging
import Foundation
import Primitives
import Testing

@testable import Store

/// What is kept of the chain beside the blocks.
@Suite struct ChainDatabaseTests {
    private let scratch = Scratch(inMemory: true)
    private var path: String { scratch.path + "/chain.db" }
    private static let day: UInt64 = 86_400_000

    @Test func theStateIsWhatTheFlushesMadeOfIt() throws {
        var database: ChainDatabase? = try ChainDatabase(directory: scratch.path)
        #expect(database!.flushedHeight == nil)
        try database!.flush(flush(16, [(2, 1, [1]), (1, 9, [2, 2]), (1, 3, []), (7, 7, [4])]))
        try database!.flush(flush(32, [(1, 9, nil), (2, 1, [9]), (5, 5, nil), (255, 0, [6])]))
        let wanted = [entry(1, 3, []), entry(2, 1, [9]), entry(7, 7, [4]), entry(255, 0, [6])]
        #expect(try state(database!) == wanted)
        database = nil
        database = try ChainDatabase(directory: scratch.path)
        #expect(try state(database!) == wanted)
        #expect(database!.flushedHeight == 32)
    }

    @Test(arguments: [0, 31, 32] as [UInt64]) func noFlushGoesBack(height: UInt64) throws {
        let database = try ChainDatabase(directory: scratch.path)
        try database.flush(flush(32, [(1, 1, [1])]))
        let error = #expect(throws: StorageError.self) { try database.flush(flush(height, [(1, 1, [2])])) }
        #expect(error?.description.contains("block \(height) does not follow") == true)
        #expect(try state(database) == [entry(1, 1, [1])])
        #expect(throws: StorageError.self) { try database.replaceState(with: flush(31, [])) { nil } }
    }

    @Test func aFlushIsWholeOrAbsent() throws {
        let database = try ChainDatabase(directory: scratch.path)
        try database.flush(flush(16, [(1, 1, [1])]))
        var broken = flush(32, [(1, 1, [2]), (1, 2, [2])])
        broken.meta["mark"] = [1]
        broken.receipts = [receipt(1, time: .max, height: 17)]  // cannot be held
        #expect(throws: StorageError.self) { try database.flush(broken) }
        #expect(try state(database) == [entry(1, 1, [1])])
        #expect(try database.flushedHeight == 16 && database.meta("mark") == nil)
        broken.receipts = []
        try database.flush(broken)
        #expect(try database.flushedHeight == 32 && database.meta("mark") == [1])
    }

    @Test func aSnapshotTakesThePlaceOfTheStateOrChangesNothing() throws {
        let database = try ChainDatabase(directory: scratch.path)
        try database.flush(flush(16, [(1, 1, [1]), (1, 2, [2])]))
        var leaves = (0..<1_000).map { entry(3, UInt64($0), [UInt8(truncatingIfNeeded: $0)]) }.makeIterator()
        #expect(throws: StorageError.self) {
            try database.replaceState(with: flush(1_200, [])) { () throws(StorageError) in
                guard let leaf = leaves.next(), leaf.key.id != id(500) else { throw StorageError(.other, "the peer went away") }
                return (leaf.key, leaf.value!)
            }
        }
        #expect(try database.flushedHeight == 16 && state(database) == [entry(1, 1, [1]), entry(1, 2, [2])])
        var again = [entry(3, 1, [3]), entry(3, 2, [4])].makeIterator()
        try database.replaceState(with: flush(1_200, [])) { again.next().map { ($0.key, $0.value!) } }
        #expect(try database.flushedHeight == 1_200 && state(database) == [entry(3, 1, [3]), entry(3, 2, [4])])
        #expect(try bytes(of: path + "-wal").isEmpty)  // all of it is in the database, synchronised
    }

    @Test func factsHaveNames() throws {
        let database = try ChainDatabase(directory: scratch.path)
        #expect(try database.meta("signing") == nil)
        try database.note("signing", [1])
        try database.note("flushed_height", [9, 9])  // no name collides with one of the store's own
        var flush = flush(16, [])
        flush.meta = ["signing": [2], "": []]
        try database.flush(flush)
        #expect(try database.meta("signing") == [2] && database.meta("") == [] && database.meta("flushed_height") == [9, 9])
        #expect(try ChainDatabase(directory: scratch.path).flushedHeight == 16)
    }

    @Test func ownReceiptsArePagedAndGoAfter400DaysOfBlockTime() throws {
        let database = try ChainDatabase(directory: scratch.path)
        for day in UInt64(1)...500 {
            var flush = flush(day, [])
            flush.time = day * Self.day
            flush.receipts = (0..<2).map { receipt(1, time: flush.time, height: day, index: $0) }
            if day == 3 { flush.receipts.append(receipt(2, time: flush.time, height: day)) }
            try database.flush(flush)
        }
        var found: [OwnReceipt] = []
        while true {
            let page = try database.receipts(of: id(1), before: found.last, limit: 7)
            if page.isEmpty { break }
            found += page
        }
        let wanted = (UInt64(100)...500).reversed().flatMap { day in
            [1, 0].map { receipt(1, time: day * Self.day, height: day, index: $0) }
        }
        #expect(found == wanted)
        #expect(try database.receipts(of: id(2), limit: 9).isEmpty)
    }

    @Test func theEndOfEveryEpochIsKept() throws {
        let database = try ChainDatabase(directory: scratch.path)
        let epochs = (1...5).map { EpochEnd(height: $0 * 1_200, header: [UInt8($0)], commit: [UInt8($0), 1]) }
        var flush = flush(6_000, [])
        flush.epochs = epochs
        try database.flush(flush)
        #expect(try database.epoch(endingAt: 2_400) == epochs[1])
        #expect(try database.epoch(endingAt: 2_401) == nil)
        #expect(try database.epochs(from: 2_401, limit: 2) == Array(epochs[2...3]))
    }

    @Test func onlyTheNewestTrustedBlocksAreKept() throws {
        let database = try ChainDatabase(directory: scratch.path)
        for height in [10, 50, 30, 70, 20] as [UInt64] { try database.trust([UInt8(height)], at: height, keeping: 3) }
        #expect(try database.trusted()?.block == [70])
        #expect(try database.trusted(upTo: 69)?.height == 50)
        #expect(try database.trusted(upTo: 30)?.block == [30])
        #expect(try database.trusted(upTo: 29) == nil)
        try database.forgetTrusted()
        #expect(try database.trusted() == nil)
    }

    // MARK: damage

    @Test func afterAnUncleanEndDamageIsFoundAndTheMendIsNamed() throws {
        var database: ChainDatabase? = try ChainDatabase(directory: scratch.path)
        try database!.flush(flush(16, (0..<2_000).map { (1, UInt64($0), [UInt8](repeating: 5, count: 60)) }))
        database = nil
        let whole = try bytes(of: path)
        for (place, name) in [(4_096 * 3, "a page"), (4_096, "the first table")] {
            var damaged = whole
            for offset in 0..<4_096 { damaged[place + offset] = 0xa5 }
            try put(damaged, into: path)
            try put([UInt8](repeating: 1, count: 100), into: path + "-wal")  // what a crash leaves
            let error = #expect(throws: StorageError.self, "\(name)") { _ = try ChainDatabase(directory: scratch.path) }
            #expect(error?.kind == .corrupt && error?.description.contains("snapshot") == true, "\(String(describing: error))")
        }
    }

    @Test func whatIsNotTheChainsDatabaseIsRefused() throws {
        try Raw.run("CREATE TABLE music (song TEXT)", on: path)
        let error = #expect(throws: StorageError.self) { _ = try ChainDatabase(directory: scratch.path) }
        #expect(error?.description.contains("database of another program") == true)
        try put(Array("not a database, just words".utf8), into: path)
        let other = #expect(throws: StorageError.self) { _ = try ChainDatabase(directory: scratch.path) }
        #expect(other?.kind == .corrupt && other?.description.contains("snapshot") == true)
    }

    @Test func aFlushCostsNoSynchronisation() throws {
        let database = try ChainDatabase(directory: scratch.path)
        #expect(try database.database.integer("PRAGMA synchronous") == 1)
        #expect(try database.database.text("PRAGMA journal_mode") == "wal")
    }

    /// A log of SQLite's cut at any place gives the state of one of the flushes, and its height is that flush's.
    @Test func aTornFlushIsTheOneBefore() throws {
        let database = try ChainDatabase(directory: scratch.path)
        var ends = [try bytes(of: path + "-wal").count]
        for height in UInt64(1)...20 {
            try database.flush(flush(height, [(1, height % 3, [UInt8(height)]), (2, 0, [UInt8(height)])]))
            ends.append(try bytes(of: path + "-wal").count)
        }
        let (main, log) = (try bytes(of: path), try bytes(of: path + "-wal"))
        var random = SystemRandomNumberGenerator()
        for cut in (0..<150).map({ _ in Int.random(in: ends[0]...log.count, using: &random) }) + ends {
            let copy = Scratch(inMemory: true)
            try put(main, into: copy.path + "/chain.db")
            try put(log.prefix(cut), into: copy.path + "/chain.db-wal")
            let found = try ChainDatabase(directory: copy.path)
            let height = UInt64(ends.lastIndex { $0 <= cut }!)
            #expect(found.flushedHeight ?? 0 == height, "cut at \(cut)")
            #expect(try state(found).last?.value == (height == 0 ? nil : [UInt8(height)]))
        }
    }

    // MARK: -

    private func id(_ number: UInt64) -> Bytes32 {
        Bytes32([UInt8](repeating: 0, count: 24) + withUnsafeBytes(of: number.bigEndian) { Array($0) })!
    }
    private func entry(_ kind: UInt8, _ number: UInt64, _ value: [UInt8]?) -> StateChange {
        StateChange(EntryKey(kind: kind, id: id(number)), value)
    }
    private func flush(_ height: UInt64, _ changes: [(UInt8, UInt64, [UInt8]?)]) -> Flush {
        var flush = Flush(height: height, time: height * 60_000)
        flush.changes = changes.map { entry($0.0, $0.1, $0.2) }
        return flush
    }
    private func receipt(_ account: UInt64, time: UInt64, height: UInt64, index: UInt32 = 0) -> OwnReceipt {
        OwnReceipt(account: id(account), time: time, height: height, index: index, receipt: Array("\(height) \(index)".utf8))
    }
    private func state(_ database: ChainDatabase) throws -> [StateChange] {
        var entries: [StateChange] = []
        try database.load { key, value in entries.append(StateChange(key, value)) }
        return entries.sorted { $0.key < $1.key }
    }
}
