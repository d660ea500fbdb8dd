import Charging
import Foundation
import Primitives
import Testing

@testable import Store

/// What a bad disk, a full disk and a power cut do, and what is said about it.
@Suite struct DamageTests {
    private let scratch = Scratch()

    @Test func anotherDaemonIsNamed() throws {
        let holder = try Writer(["hold", scratch.path])
        #expect(holder.line() == "open")
        let error = #expect(throws: StorageError.self) { try scratch.open() }
        #expect(error?.kind == .inUse)
        #expect(error?.description.contains("process \(holder.process.processIdentifier)") == true)
        holder.endInput()
        _ = try scratch.open()
    }

    @Test func aLockInsideTheDatabaseIsReported() async throws {
        let store = try scratch.open()
        try await store.run("PRAGMA busy_timeout = 10")
        var other: SQLiteDatabase? = try SQLiteDatabase.open(scratch.database)
        try other!.run("BEGIN IMMEDIATE")
        let error = await #expect(throws: StorageError.self) { try await store.commit([.code(code(1))]) }
        #expect(error?.kind == .inUse && error?.description.contains("fuser") == true)
        other = nil
        try await store.commit([.code(code(1))])
    }

    @Test func whatIsNotAStoreIsSaidToBeNone() throws {
        let cases: [(make: (String) throws -> Void, kind: StorageError.Kind, words: String)] = [
            ({ try Data("not a database, just words".utf8).write(to: URL(fileURLWithPath: $0)) }, .corrupt, "is not a database"),
            ({ try Raw.run("CREATE TABLE music (song TEXT)", on: $0) }, .other, "database of another program"),
            ({ try Raw.run("PRAGMA application_id = 5", on: $0) }, .other, "database of another program"),
            (
                { try Raw.run("PRAGMA application_id = \(Schema.station.applicationID); PRAGMA user_version = 99", on: $0) },
                .other,
                "newer version (schema 99"
            ),
            ({ mkdir($0, 0o700) }, .notPermitted, "station.db"),
            ({ symlink("/tmp/elsewhere", $0) }, .notPermitted, "station.db"),
        ]
        for (make, kind, words) in cases {
            let scratch = Scratch()
            try make(scratch.database)
            let error = #expect(throws: StorageError.self, "\(words)") { try scratch.open() }
            #expect(error?.kind == kind && error?.description.contains(words) == true, "\(String(describing: error))")
        }
        let error = #expect(throws: StorageError.self) { try StationStore(directory: "/dev/null/state", key: stationKey) }
        #expect(error?.kind == .notPermitted)
    }

    @Test func aTruncatedOrOverwrittenDatabaseIsCorruptAndSaysHowToMend() async throws {
        try await filled()
        let whole = try Data(contentsOf: URL(fileURLWithPath: scratch.database))
        let damages: [(String, Data)] = [
            ("cut", whole.prefix(whole.count / 2)),
            ("cut in its header", whole.prefix(60)),
            ("overwritten", whole.prefix(4_096) + Data(repeating: 0xa5, count: whole.count - 4_096)),
        ]
        for (name, bytes) in damages {
            try bytes.write(to: URL(fileURLWithPath: scratch.database))
            let error = await #expect(throws: StorageError.self, "\(name)") { _ = try await scratch.open().load() }
            #expect(error?.kind == .corrupt && error?.description.contains("restore") == true, "\(String(describing: error))")
        }
    }

    @Test func anUnreadableRowIsNamed() async throws {
        let store = try scratch.open()
        try await store.commit([.channel(account(sequence: 1))])
        try await store.run("UPDATE channels SET state = '{}'")
        let error = await #expect(throws: StorageError.self) { try await store.load() }
        #expect(error?.kind == .corrupt && error?.description.contains("channel \(channelID(1))") == true)
    }

    @Test func aFullStoreRefusesAndKeepsWhatItHas() async throws {
        let store = try scratch.open()
        try await store.run("PRAGMA max_page_count = 64")
        var stored = 0
        let error = await #expect(throws: StorageError.self) {
            for number in 1...10_000 {
                try await store.commit([.code(code(UInt32(number)))])
                stored = number
            }
        }
        #expect(error?.kind == .full && error?.description.contains("nothing that was stored is lost") == true)
        #expect(try await store.load().codes.count == stored)
        try await store.run("PRAGMA max_page_count = 100000")
        try await store.commit([.code(code(99_999))])
        #expect(try await store.load().codes.count == stored + 1)
    }

    @Test(arguments: ["file limit", "full disk"])
    func whenThereIsNoRoomNothingAcknowledgedIsLost(_ cause: String) throws {
        let writer: Writer
        if cause == "file limit" {
            writer = try Writer(["full", scratch.path, "400000"])
        } else {
            guard getuid() == 0 else { return }  // mounting takes root
            writer = try Writer(["full", scratch.path, "0"], through: fullDisk(scratch.path))
        }
        let lines = writer.lines()
        try #require(lines.count == 4, "\(lines)")
        let numbers = lines[1...].map { UInt64($0.split(separator: " ")[1])! }
        #expect(lines[0].hasPrefix("refused full "), "\(lines)")
        #expect(numbers[0] > 10 && numbers[1] == numbers[0] && numbers[2] == numbers[0] + 1, "\(lines)")
    }

    @Test func aKilledWriterLosesNothingItAcknowledged() async throws {
        var random = SystemRandomNumberGenerator()
        var acknowledged: UInt64 = 0
        for _ in 0..<25 {
            let writer = try Writer(["commit", scratch.path])
            let wait = UInt32.random(in: 0...40_000, using: &random)
            guard let line = writer.line(), let first = UInt64(line) else {
                Issue.record("the writer does not write")
                return
            }
            #expect(first == acknowledged + 1)
            usleep(wait)
            writer.kill()
            acknowledged = writer.lines().compactMap { UInt64($0) }.last ?? first
            let found = try await consistent(scratch.open())
            // one more may have been committed and not told
            #expect(found == acknowledged || found == acknowledged + 1)
            acknowledged = found
        }
    }

    /// Every commit's place in the log is noted; a log cut at any byte gives exactly the commits that end before it.
    @Test func aTornLogGivesAPrefixOfTheCommits() async throws {
        let store = try scratch.open()
        var ends: [Int] = [size(scratch.log)]
        for number in 1...60 {
            try await store.commit(facts(UInt64(number)))
            ends.append(size(scratch.log))
        }
        let (database, log) = (try bytes(scratch.database), try bytes(scratch.log))
        var random = SystemRandomNumberGenerator()
        var cuts = (0..<120).map { _ in Int.random(in: 0...log.count, using: &random) }
        cuts += ends.flatMap { [$0 - 1, $0, $0 + 1] }.filter { $0 <= log.count }
        for cut in cuts where cut >= ends[0] {
            let found = try await reopen(database, log.prefix(cut))
            #expect(found == UInt64(ends.lastIndex { $0 <= cut }!), "cut at \(cut)")
        }
        // a flipped bit ends the log there; what is before it stands
        for _ in 0..<60 {
            var flipped = log
            let place = Int.random(in: ends[0]..<log.count, using: &random)
            flipped[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            let found = try await reopen(database, flipped)
            #expect(found == UInt64(ends.lastIndex { $0 <= place }!), "flipped at \(place)")
        }
    }

    // MARK: -

    private func filled() async throws {
        let store = try scratch.open()
        for number in 1...200 {
            try await store.commit([.channel(account(UInt64(number), sequence: 1)), .code(code(UInt32(number)))])
        }
    }

    private func facts(_ number: UInt64) -> [Record] {
        var session = session(1)
        session.countedUp = number
        return [
            .channel(account(sequence: number)), .session(session),
            .ended(record(1_000 + number, endedAt: Int64(number)), visitKey: nil),
        ]
    }

    private func reopen(_ database: Data, _ log: Data) async throws -> UInt64 {
        let copy = Scratch()
        try database.write(to: URL(fileURLWithPath: copy.database))
        try log.write(to: URL(fileURLWithPath: copy.log))
        let store = try copy.open()
        let state = try await store.load()
        let number = state.channels.first?.voucher?.claim.sequence ?? 0
        #expect(state.sessions.first?.countedUp ?? 0 == number)
        #expect(try await store.totals(since: WallTime(secondsSince1970: 0)).sessions == number)
        return number
    }

    /// The number of the last fact, the same in all that tells it.
    private func consistent(_ store: StationStore) async throws -> UInt64 {
        let state = try await store.load()
        let number = state.channels.first?.voucher?.claim.sequence ?? 0
        #expect(state.channels.first?.voucher?.verified(by: stationKey.publicKey) != nil)
        #expect(state.sessions.map(\.usage.bytesUp).max() == number)
        #expect(try await store.totals(since: WallTime(secondsSince1970: 0)).sessions == number / 10)
        #expect(state.sessions.count == 1)
        return number
    }

    private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
    private func size(_ path: String) -> Int { (try? bytes(path).count) ?? 0 }
}
