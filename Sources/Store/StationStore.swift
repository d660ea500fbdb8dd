import CSQLite
public import Charging
import FoundationEssentials
import Glibc
public import Primitives

/// The station's facts on SQLite: write-ahead log, one fsync a commit.
public actor StationStore: ChargingStore {
    private let database: SQLiteDatabase
    private let key: PrivateKey
    private let lock: DirectoryLock
    private let path: String
    private let startBytes: UInt64

    /// Opens the store in `directory`, makes it if there is none, and keeps every other daemon out.
    ///
    /// - Parameter key: the station's; it signs usage records and the channel book.
    public init(directory: String, key: PrivateKey) throws(StorageError) {
        lock = try DirectoryLock(directory)
        path = directory + "/station.db"
        self.key = key
        umask(0o077)
        database = try SQLiteDatabase(path: path)
        // 4 MB of log at most; FULL: an acknowledged payment survives a power cut
        try database.run(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304; PRAGMA foreign_keys = ON")
        try Schema.migrate(database, path: path)
        startBytes = Self.processWriteBytes()
    }

    // MARK: recovery

    /// All that was stored.
    public func load() throws(StorageError) -> StoredState {
        var state = StoredState()
        var failure: StorageError?
        func decode<T: Decodable>(_ type: T.Type, _ row: SQLiteDatabase.Row) -> T? {
            do { return try JSONDecoder().decode(type, from: Data(row.text(0).utf8)) } catch {
                failure = StorageError(.corrupt, "\(path) holds a \(type) that cannot be read: \(error); restore the last backup")
                return nil
            }
        }
        try database.query("SELECT state FROM sessions ORDER BY mark") { row in
            if let session = decode(Session.self, row) { state.sessions.append(session) }
        }
        try database.query("SELECT state FROM channels ORDER BY id") { row in
            if let channel = decode(ChannelAccount.self, row) { state.channels.append(channel) }
        }
        try database.query("SELECT state FROM codes ORDER BY number") { row in
            if let code = decode(AccessCode.self, row) { state.codes.append(code) }
        }
        try database.query("SELECT mac FROM blocked ORDER BY mac") { row in
            if let mac = MACAddress(row.text(0)) { state.blocked.append(mac) }
        }
        if let failure { throw failure }
        return state
    }

    /// Notes this boot; says whether the stored instants are of it.
    public func enter(bootID: String) throws(StorageError) -> Bool {
        var last = ""
        try database.query("SELECT value FROM meta WHERE key = 'boot_id'") { last = $0.text(0) }
        guard last != bootID else { return true }
        try database.query("INSERT OR REPLACE INTO meta (key, value) VALUES ('boot_id', ?)", [.text(bootID)])
        return false
    }

    // MARK: commits

    public func commit(_ records: [Record]) throws(StorageError) {
        try database.transaction { () throws(StorageError) in
            for record in records { try write(record) }
        }
    }

    private func write(_ record: Record) throws(StorageError) {
        switch record {
        case .session(let session):
            try database.query(
                "INSERT OR REPLACE INTO sessions (id, mac, mark, state) VALUES (?, ?, ?, ?)",
                [
                    .text(session.id.description), .text(session.mac.description), .integer(Int64(session.mark)),
                    .text(try json(session)),
                ])
        case .channel(let account):
            try database.query(
                "INSERT OR REPLACE INTO channels (id, payer, paid_units, state) VALUES (?, ?, ?, ?)",
                [
                    .text(account.channel.id.description), .text(account.channel.payer.description),
                    .integer(Int64(clamping: account.paid.units)), .text(try json(account)),
                ])
        case .code(let code):
            try database.query(
                "INSERT OR REPLACE INTO codes (number, digest, state) VALUES (?, ?, ?)",
                [.integer(Int64(code.number)), .text(code.digest.description), .text(try json(code))])
        case .blocked(let mac, let isBlocked):
            try database.query(
                isBlocked ? "INSERT OR REPLACE INTO blocked (mac) VALUES (?)" : "DELETE FROM blocked WHERE mac = ?",
                [.text(mac.description)])
        case .ended(let record): try close(record)
        }
    }

    /// The session's row goes, its signed usage record comes: one transaction, so it is never both and never neither.
    private func close(_ record: UsageRecord) throws(StorageError) {
        let signed = Signed(record, by: key)
        try database.query(
            """
            INSERT OR IGNORE INTO usage_records (session, buyer, access_code, tariff, mac, started_at, ended_at, seconds,
            bytes_up, bytes_down, charge_units, paid_units, end_reason, record, signature) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
            """,
            [
                .text(record.session.description), record.buyer.map { .text($0.description) } ?? .null,
                record.accessCode.map { .integer(Int64($0)) } ?? .null, .text(record.tariffID), .text(record.mac.description),
                .integer(record.startedAt.secondsSince1970), .integer(record.endedAt.secondsSince1970),
                .integer(Int64(clamping: record.seconds)), .integer(Int64(clamping: record.bytesUp)),
                .integer(Int64(clamping: record.bytesDown)), .integer(Int64(clamping: record.charge.units)),
                .integer(Int64(clamping: record.paid.units)), .text(record.endReason.rawValue),
                .blob(record.canonicalBytes), .blob(signed.signature.bytes),
            ])
        try database.query("DELETE FROM sessions WHERE id = ?", [.text(record.session.description)])
    }

    private func json(_ value: some Encodable) throws(StorageError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return String(decoding: try encoder.encode(value), as: UTF8.self) } catch {
            throw StorageError(.other, "a record cannot be written as JSON: \(error)")
        }
    }

    // MARK: questions

    public func usage(since: WallTime, limit: Int) throws(StorageError) -> [Signed<UsageRecord>] {
        var records: [Signed<UsageRecord>] = []
        try database.query(
            "SELECT record, signature FROM usage_records WHERE ended_at >= ? ORDER BY ended_at, session LIMIT ?",
            [.integer(since.secondsSince1970), .integer(Int64(limit))]
        ) { row in
            guard let record = try? UsageRecord(canonicalBytes: row.blob(0)), let signature = Signature(row.blob(1)) else {
                return  // a damaged row is missing from the list; `totals` still counts its columns
            }
            records.append(Signed(claim: record, signature: signature))
        }
        return records
    }

    public func totals(since: WallTime) throws(StorageError) -> UsageTotals {
        var totals = UsageTotals()
        try database.query(
            "SELECT count(*), total(bytes_up), total(bytes_down), coalesce(sum(charge_units), 0) FROM usage_records WHERE ended_at >= ?",
            [.integer(since.secondsSince1970)]
        ) { row in
            totals = UsageTotals(
                sessions: UInt64(row.integer(0)), bytesUp: UInt64(clamping: row.integer(1)),
                bytesDown: UInt64(clamping: row.integer(2)), charge: QLC(units: UInt64(clamping: row.integer(3))))
        }
        return totals
    }

    public func bytesWritten() -> UInt64 { Self.processWriteBytes() - startBytes }

    /// What this process has caused to be written to storage (`write_bytes` of proc_pid_io(5)).
    private static func processWriteBytes() -> UInt64 {
        guard let text = try? String(contentsOfFile: "/proc/self/io", encoding: .utf8) else { return 0 }
        let line = text.split(separator: "\n").first { $0.hasPrefix("write_bytes:") }
        return line.flatMap { UInt64($0.split(separator: " ").last ?? "") } ?? 0
    }

    // MARK: the channel book

    /// Adds one event to the station's own channel book.
    public func append(_ event: ChannelEvent) throws(StorageError) {
        var (sequence, previous) = (Int64(0), Bytes32.zero.bytes)
        try database.query("SELECT sequence, hash FROM channel_book ORDER BY sequence DESC LIMIT 1") { row in
            (sequence, previous) = (row.integer(0), row.blob(1))
        }
        let text = try json(event)
        let hash = Self.entryHash(sequence: sequence + 1, previous: previous, event: text)
        try database.query(
            "INSERT INTO channel_book (sequence, previous, event, hash, signature) VALUES (?, ?, ?, ?, ?)",
            [.integer(sequence + 1), .blob(previous), .text(text), .blob(hash.bytes), .blob(key.sign(hash.bytes).bytes)])
    }

    /// Every event of the book, oldest first, each checked against the one before and against the station's signature.
    public func channelEvents() throws(StorageError) -> [ChannelEvent] {
        var events: [ChannelEvent] = []
        var (expected, previous) = (Int64(1), Bytes32.zero.bytes)
        var broken: Int64?
        try database.query("SELECT sequence, previous, event, hash, signature FROM channel_book ORDER BY sequence") { row in
            let hash = Self.entryHash(sequence: row.integer(0), previous: row.blob(1), event: row.text(2))
            guard broken == nil, row.integer(0) == expected, row.blob(1) == previous, row.blob(3) == hash.bytes,
                let signature = Signature(row.blob(4)), key.publicKey.isValid(signature, for: hash.bytes),
                let event = try? JSONDecoder().decode(ChannelEvent.self, from: Data(row.text(2).utf8))
            else {
                broken = broken ?? row.integer(0)
                return
            }
            events.append(event)
            (expected, previous) = (expected + 1, hash.bytes)
        }
        if let broken {
            throw StorageError(
                .corrupt,
                "entry \(broken) of the channel book in \(path) is damaged or was changed by hand; restore the last backup")
        }
        return events
    }

    private static func entryHash(sequence: Int64, previous: [UInt8], event: String) -> Bytes32 {
        TaggedHash.digest(
            tag: "qlink/channel-book", withUnsafeBytes(of: sequence.littleEndian) { Array($0) } + previous + Array(event.utf8))
    }
}
