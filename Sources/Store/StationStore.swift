public import Charging
import FoundationEssentials
public import Primitives

/// The station's facts on SQLite: write-ahead log, one fsync a commit.
///
/// ```
///  commit(records) ─▶ one transaction ─▶ station.db-wal, fsync ─▶ returns     now and then: ─▶ station.db
/// ```
///
/// Payloads are JSON beside the columns one searches by, so that `sqlite3 station.db` shows all of it.
public actor StationStore: ChargingStore {
    private let executor = DiskExecutor()
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    let database: SQLiteDatabase
    let key: PrivateKey
    let path: String
    private let lock: DirectoryLock  // after the database, so that it is let go of after the database is closed
    private let written = WrittenBytes()
    private let encoder: JSONEncoder
    /// Of the running boot; written with the first commit, which holds the first instants of that boot.
    private var bootID: String?
    /// Who follows the channel book.
    var listeners: [AsyncStream<ChannelEvent>.Continuation] = []

    /// Opens the store in `directory`, makes it if there is none, and keeps every other daemon out.
    ///
    /// - Parameter key: the station's; it signs usage records and the channel book.
    public init(directory: String, key: PrivateKey) throws(StorageError) {
        lock = try DirectoryLock(directory)
        path = directory + "/station.db"
        self.key = key
        encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // SQLite takes a file that was emptied for a new one, and all accounts for settled.
        let marker = directory + "/station.db.made"
        if FileSystem.exists(marker), FileSystem.isEmpty(path) {
            throw StorageError(
                .corrupt, "\(path) is empty, and once was not; restore the last backup, or start afresh: rm \(path)")
        }
        database = try SQLiteDatabase.open(path)
        // FULL: an acknowledged payment survives a power cut. The log is cut to 4 MB when it starts anew.
        try database.run("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304; PRAGMA foreign_keys = ON")
        guard try database.text("PRAGMA journal_mode = WAL") == "wal" else {
            throw StorageError(.other, "\(path) cannot have a write-ahead log; put the state directory on a local file system")
        }
        try Schema.station.migrate(database, path: path)
        try FileSystem.createPrivate(marker)
    }

    // MARK: recovery

    /// All that was stored.
    public func load() throws(StorageError) -> StoredState {
        var state = StoredState()
        try database.query("SELECT id, state FROM sessions ORDER BY mark") { row throws(StorageError) in
            state.sessions.append(try decode(Session.self, of: "session", row))
        }
        try database.query("SELECT id, state FROM channels ORDER BY id") { row throws(StorageError) in
            state.channels.append(try decode(ChannelAccount.self, of: "channel", row))
        }
        try database.query("SELECT number, state FROM codes ORDER BY number") { row throws(StorageError) in
            state.codes.append(try decode(AccessCode.self, of: "access code", row))
        }
        try database.query("SELECT number, state FROM keys ORDER BY number") { row throws(StorageError) in
            state.keys.append(try decode(WirelessKey.self, of: "Wi-Fi key", row))
        }
        try database.query("SELECT mac FROM blocked ORDER BY mac") { row throws(StorageError) in
            guard let mac = MACAddress(row.text(0)) else { throw damaged("blocked client", row.text(0), "it is no MAC address") }
            state.blocked.append(mac)
        }
        return state
    }

    /// Says whether the stored instants are of this boot.
    ///
    /// The boot is noted in the transaction of the next commit: if the power goes before it, the instants on disk
    /// are still those of the earlier boot, and the next start must know.
    public func enter(bootID: String) throws(StorageError) -> Bool {
        let isSame = try database.text("SELECT value FROM meta WHERE key = 'boot_id'") == bootID
        self.bootID = isSame ? nil : bootID
        return isSame
    }

    func decode<T: Decodable>(_ type: T.Type, of what: String, _ row: SQLiteDatabase.Row) throws(StorageError) -> T {
        do { return try JSONDecoder().decode(type, from: Data(row.text(1).utf8)) } catch {
            throw damaged(what, row.text(0), "\(error)")
        }
    }

    func damaged(_ what: String, _ id: String, _ why: String) -> StorageError {
        StorageError(.corrupt, "\(what) \(id) in \(path) cannot be read (\(why)); restore the last backup")
    }

    // MARK: commits

    /// Writes the last version of each record, in one transaction and one fsync.
    public func commit(_ records: [Record]) throws(StorageError) {
        var last: [RecordKey: Int] = [:]
        for (index, record) in records.enumerated() { last[RecordKey(record)] = index }
        try database.transaction { () throws(StorageError) in
            if let bootID {
                try database.query("INSERT OR REPLACE INTO meta (key, value) VALUES ('boot_id', ?)", [.text(bootID)])
            }
            for (index, record) in records.enumerated() where last[RecordKey(record)] == index { try write(record) }
        }
        bootID = nil
    }

    /// Brings the log into station.db, which is then all there is: what a station that has ended leaves behind.
    public func checkpoint() throws(StorageError) {
        _ = try database.text("PRAGMA wal_checkpoint(TRUNCATE)")
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
        case .key(let key):
            try database.query(
                "INSERT OR REPLACE INTO keys (number, state) VALUES (?, ?)", [.integer(Int64(key.number)), .text(try json(key))])
        case .blocked(let mac, let isBlocked):
            try database.query(
                isBlocked ? "INSERT OR REPLACE INTO blocked (mac) VALUES (?)" : "DELETE FROM blocked WHERE mac = ?",
                [.text(mac.description)])
        case .ended(let record, let visitKey): try close(record, visitKey)
        }
    }

    /// The session's row goes, its signed usage record comes: one transaction, so it is never both and never neither.
    private func close(_ record: UsageRecord, _ visitKey: SealingKey?) throws(StorageError) {
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
        try enqueue(record.session, visitKey)
        try database.query("DELETE FROM sessions WHERE id = ?", [.text(record.session.description)])
    }

    func json(_ value: some Encodable) throws(StorageError) -> String {
        do { return String(decoding: try encoder.encode(value), as: UTF8.self) } catch {
            throw StorageError(.other, "a record cannot be written as JSON: \(error); this is a fault of the software")
        }
    }

    // MARK: what it does to the flash

    public func bytesWritten() -> UInt64 { written.count }

    /// Transactions that reached the disk, and the fsyncs they cost: one each for the log, and for every
    /// checkpoint one of the log, one of the database and one of the log's new head.
    public func activity() -> (commits: UInt64, fsyncs: UInt64) {
        let (commits, checkpoints) = database.activity
        return (commits, commits + 3 * checkpoints)
    }
}

/// What a record replaces: an earlier record with the same key.
private enum RecordKey: Hashable {
    case session(SessionID), ended(SessionID), channel(ChannelID), code(UInt32), key(UInt32), blocked(MACAddress)

    init(_ record: Record) {
        self =
            switch record {
            case .session(let session): .session(session.id)
            case .ended(let record, _): .ended(record.session)
            case .channel(let account): .channel(account.channel.id)
            case .code(let code): .code(code.number)
            case .key(let key): .key(key.number)
            case .blocked(let mac, _): .blocked(mac)
            }
    }
}
