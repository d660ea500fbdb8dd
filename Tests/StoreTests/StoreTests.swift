import CSQLite
import Charging
import Foundation
import Primitives
import Testing

@testable import Store

@Suite struct StoreTests {
    private let scratch = Scratch()

    @Test func everythingCommittedIsFoundAgain() async throws {
        let (first, second) = (session(1, mark: 2), session(2, mark: 1))
        try await life {
            try await $0.commit([
                .session(first), .session(second), .channel(account(1, sequence: 5)), .code(code(7)), .code(code(3)),
                .blocked(MACAddress(value: 9), true), .blocked(MACAddress(value: 8), true), .blocked(MACAddress(value: 8), false),
            ])
        }
        let state = try await life { try await $0.load() }
        #expect(state.sessions == [second, first])
        #expect(state.channels == [account(1, sequence: 5)])
        #expect(state.codes == [code(3), code(7)])
        #expect(state.blocked == [MACAddress(value: 9)])
    }

    @Test func theLastVersionInABatchCounts() async throws {
        let store = try scratch.open()
        try await store.commit([
            .channel(account(sequence: 1)), .channel(account(2, sequence: 9)), .channel(account(sequence: 2)),
        ])
        let stored = try await store.load().channels
        #expect(stored.map { $0.voucher?.claim.sequence ?? 0 }.sorted() == [2, 9])
    }

    @Test func anEndedSessionIsAUsageRecordSignedByTheStation() async throws {
        let store = try scratch.open()
        try await store.commit([.session(session(1))])
        try await store.commit([.ended(record(1, endedAt: 100, bytesUp: .max / 4), visitKey: nil)])
        try await store.commit([.ended(record(1, endedAt: 999), visitKey: nil)])  // told again after a crash: the first stands
        #expect(try await store.load().sessions.isEmpty)
        let signed = try #require(try await store.usage(of: SessionID(1)))
        #expect(signed.claim == record(1, endedAt: 100, bytesUp: .max / 4))
        #expect(signed.verified(by: stationKey.publicKey) != nil)
        #expect(try await store.usage(of: SessionID(2)) == nil)
        let totals = try await store.totals(since: WallTime(secondsSince1970: 100))
        // exact to the byte where a double would round
        #expect(totals == UsageTotals(sessions: 1, bytesUp: .max / 4, bytesDown: 2, charge: QLC(units: 3)))
    }

    @Test func pagesOfUsageFollowEachOtherWithoutGapOrRepeat() async throws {
        let store = try scratch.open()
        // many end in the same second
        let records = (1...50).map { (index: Int) -> UsageRecord in
            record(UInt64(index * 37 % 101), endedAt: Int64(100 + index / 8))
        }
        try await store.commit(records.map { .ended($0, visitKey: nil) })
        let since = WallTime(secondsSince1970: 102)
        let wanted = records.filter { $0.endedAt >= since }.sorted { ($0.endedAt, $0.session) < ($1.endedAt, $1.session) }
        var found: [UsageRecord] = []
        while true {
            let page = try await store.usage(since: since, after: found.last, limit: 7)
            if page.isEmpty { break }
            found += page.map(\.claim)
        }
        #expect(found == wanted)
        #expect(try await store.usage(since: since, after: nil, limit: 3).map(\.claim) == Array(wanted.prefix(3)))
        // a page that begins before `since` begins at `since`
        #expect(try await store.usage(since: since, after: records[0], limit: 99).map(\.claim) == wanted)
        #expect(try await store.totals(since: since).sessions == UInt64(wanted.count))
    }

    @Test func theBootIsNotedWithTheFirstCommitOfThatBoot() async throws {
        #expect(try await life { try await $0.enter(bootID: "one") } == false)
        // the power went before anything was written: the instants on disk are still not of this boot
        let isSame = try await life { store in
            let isSame = try await store.enter(bootID: "one")
            try await store.commit([.session(session(1))])
            return isSame
        }
        #expect(isSame == false)
        #expect(try await life { try await $0.enter(bootID: "one") })
        #expect(try await life { try await $0.enter(bootID: "two") } == false)
    }

    @Test func anAcknowledgedCommitIsSynchronised() async throws {
        let store = try scratch.open()
        #expect(try await store.pragma("synchronous") == 2)
        let before = await store.activity()
        try await store.commit([.channel(account(sequence: 1))])
        try await store.append(.opened(channel()))
        #expect(await store.activity().commits == before.commits + 2)
        #expect(await store.activity().fsyncs >= before.fsyncs + 2)
    }

    @Test func theLogIsCopiedIntoTheDatabaseBeforeItGrowsLarge() async throws {
        let store = try scratch.open()
        let before = await store.activity()
        for sequence in 1...700 { try await store.commit([.channel(account(UInt64(sequence), sequence: 1))]) }
        let after = await store.activity()
        #expect(after.commits == before.commits + 700)
        #expect(after.fsyncs > before.fsyncs + 700)  // there was a checkpoint
        let size = try #require(try FileManager.default.attributesOfItem(atPath: scratch.log)[.size] as? Int)
        #expect(size < 6 << 20)
    }

    @Test func nobodyElseCanReadTheStore() async throws {
        umask(0)
        let store = try scratch.open()
        try await store.commit([.code(code(1))])
        for name in ["station.db", "station.db-wal", "station.db-shm", "station.lock"] {
            let mode = try FileManager.default.attributesOfItem(atPath: scratch.path + "/" + name)[.posixPermissions] as? Int
            #expect(mode == 0o600, "\(name)")
        }
    }

    @Test func aStoreOfTheFirstSchemaIsBroughtUpToDate() async throws {
        try sqlite(
            Schema.station.steps[0]
                + "PRAGMA journal_mode = WAL; PRAGMA user_version = 1; PRAGMA application_id = \(Schema.station.applicationID);"
                + "INSERT INTO blocked VALUES ('02:00:00:00:00:01')")
        let store = try scratch.open()
        #expect(try await store.load().blocked == [MACAddress("02:00:00:00:00:01")])
        #expect(try await store.pragma("user_version") == Schema.station.steps.count)
        try await store.commit([.ended(record(1, endedAt: 5), visitKey: nil)])
        #expect(try await store.settlements().isEmpty)
    }

    @Test func totalsComeFromTheIndexAlone() async throws {
        let plan = try await scratch.open().plan("SELECT sum(bytes_up), sum(charge_units) FROM usage_records WHERE ended_at >= 5")
        #expect(plan.contains("USING COVERING INDEX usage_records_by_end"))
    }

    /// One life of the store: opened, used, closed.
    private func life<T: Sendable>(_ body: @Sendable (StationStore) async throws -> T) async throws -> T {
        try await body(scratch.open())
    }

    private func sqlite(_ sql: String) throws { try Raw.run(sql, on: scratch.database) }
}

/// SQLite without the store.
enum Raw {
    struct Failure: Error { var words: String }

    static func run(_ sql: String, on path: String) throws {
        var handle: OpaquePointer?
        sqlite3_open(path, &handle)
        defer { sqlite3_close(handle) }
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else {
            throw Failure(words: String(cString: sqlite3_errmsg(handle)))
        }
    }
}

extension StationStore {
    func pragma(_ name: String) throws -> Int { Int(try database.integer("PRAGMA \(name)") ?? -1) }
    func run(_ sql: String) throws { try database.run(sql) }
    func plan(_ sql: String) throws -> String {
        var lines = ""
        try database.query("EXPLAIN QUERY PLAN " + sql) { lines += $0.text(3) + "\n" }
        return lines
    }
}
