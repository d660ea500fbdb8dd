import CSQLite
import Charging
import Glibc

/// One SQLite connection, owned: closed when it goes out of scope. Statements are prepared once and kept.
///
/// The write-ahead log is checkpointed here and not by SQLite, so that a checkpoint that fails never looks
/// like a commit that failed, and so that what reaches the disk can be counted: a hook of our own on the log
/// replaces SQLite's, and `PRAGMA wal_autocheckpoint` would take it away again.
struct SQLiteDatabase: ~Copyable {
    private let handle: OpaquePointer
    private let path: String
    /// What to do when the file is damaged: the end of a sentence.
    private let mend: String
    private let statements = StatementCache()
    private let journal = Journal()

    /// A value to bind.
    enum Value {
        case integer(Int64)
        case text(String)
        case blob([UInt8])
        case null
    }

    /// Frames of the log after which it is copied into the database: 4 MB at 4 kB a page, so that hot pages are rewritten rarely.
    static let checkpointPages: Int32 = 1_000
    private static let busyMilliseconds: Int32 = 2_000

    /// Opens the file, and makes it if it is not there, readable by its owner only.
    static func open(_ path: String, mend: String = "restore the last backup") throws(StorageError) -> SQLiteDatabase {
        try FileSystem.createPrivate(path)
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, nil)
        guard code == SQLITE_OK, let handle else {
            let error = error(code, handle, path, mend, doing: "opening the store")
            sqlite3_close_v2(handle)
            throw error
        }
        return SQLiteDatabase(handle: handle, path: path, mend: mend)
    }

    private init(handle: OpaquePointer, path: String, mend: String) {
        self.handle = handle
        self.path = path
        self.mend = mend
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, Self.busyMilliseconds)
        sqlite3_wal_hook(
            handle,
            { context, _, _, pages in
                let journal = Unmanaged<Journal>.fromOpaque(context!).takeUnretainedValue()
                journal.pages = pages
                journal.commits += 1
                return SQLITE_OK
            }, Unmanaged.passUnretained(journal).toOpaque())
    }

    deinit {
        statements.finalize()
        sqlite3_close_v2(handle)
    }

    /// Runs SQL without values, several statements if need be.
    func run(_ sql: String) throws(StorageError) {
        errno = 0
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw failure(code, doing: "running \"\(sql.prefix(60))\"") }
    }

    /// Runs one statement; `row` is called with each row it gives.
    func query(
        _ sql: String, _ values: [Value] = [], _ row: (Row) throws(StorageError) -> Void = { _ in }
    ) throws(StorageError) {
        let statement = try prepare(sql)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() {
            let code = bind(value, at: Int32(index + 1), of: statement)
            guard code == SQLITE_OK else { throw failure(code, doing: "binding value \(index + 1) of \"\(sql.prefix(60))\"") }
        }
        while true {
            errno = 0
            let code = sqlite3_step(statement)
            switch code {
            case SQLITE_ROW: try row(Row(statement: statement))
            case SQLITE_DONE: return
            default: throw failure(code, doing: "running \"\(sql.prefix(60))\"")
            }
        }
    }

    /// The first column of the first row, if there is one.
    func integer(_ sql: String) throws(StorageError) -> Int64? {
        var result: Int64?
        try query(sql) { row in result = result ?? row.integer(0) }
        return result
    }

    func text(_ sql: String) throws(StorageError) -> String? {
        var result: String?
        try query(sql) { row in result = result ?? row.text(0) }
        return result
    }

    /// All of `body` or nothing of it; on disk when it returns.
    func transaction(_ body: () throws(StorageError) -> Void) throws(StorageError) {
        try query("BEGIN IMMEDIATE")
        do {
            try body()
            try query("COMMIT")
        } catch {
            _ = sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)  // may have been rolled back already
            throw error
        }
        checkpointIfDue()
    }

    /// What the connection made the disk do.
    var activity: (commits: UInt64, checkpoints: UInt64) { (journal.commits, journal.checkpoints) }

    /// A failure is left for the next commit: what was committed is in the log, and the log is read at every start.
    private func checkpointIfDue() {
        guard journal.pages >= Self.checkpointPages else { return }
        guard sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil) == SQLITE_OK else { return }
        journal.pages = 0
        journal.checkpoints += 1
    }

    private func prepare(_ sql: String) throws(StorageError) -> OpaquePointer {
        if let known = statements.known[sql] { return known }
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw failure(code, doing: "preparing \"\(sql.prefix(60))\"") }
        statements.known[sql] = statement
        return statement
    }

    private func bind(_ value: Value, at index: Int32, of statement: OpaquePointer) -> Int32 {
        // SQLITE_TRANSIENT: SQLite copies, since the bytes live no longer than this call
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .integer(let integer): return sqlite3_bind_int64(statement, index, integer)
        case .text(let text):
            return sqlite3_bind_text64(statement, index, text, UInt64(text.utf8.count), transient, UInt8(SQLITE_UTF8))
        case .blob(let bytes):
            return bytes.isEmpty
                ? sqlite3_bind_zeroblob(statement, index, 0)
                : sqlite3_bind_blob64(statement, index, bytes, UInt64(bytes.count), transient)
        case .null: return sqlite3_bind_null(statement, index)
        }
    }

    private func failure(_ code: Int32, doing what: String) -> StorageError {
        Self.error(code, handle, path, mend, doing: what)
    }

    /// The failure in words, with its mend.
    private static func error(
        _ code: Int32, _ handle: OpaquePointer?, _ path: String, _ mend: String, doing what: String
    ) -> StorageError {
        let errno = errno
        let extended = handle.map { sqlite3_extended_errcode($0) } ?? code
        // of a COMMIT, SQLite does not keep the system's error; it is zeroed before each call, so it is of this one
        let kept = handle.map { sqlite3_system_errno($0) } ?? 0
        let system = kept == 0 && code & 0xff == SQLITE_IOERR ? errno : kept
        let words = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
        let cause = system == 0 ? "" : ", \(String(cString: strerror(system)))"
        let text = "\(what) in \(path) failed: \(words) (SQLite \(extended)\(cause))"
        let ioHasNoRoom = code & 0xff == SQLITE_IOERR && FileSystem.meansNoRoom(system)
        if code & 0xff == SQLITE_FULL || ioHasNoRoom {
            return StorageError(.full, "\(text); free space on that file system (df); nothing that was stored is lost")
        }
        switch code & 0xff {
        case SQLITE_NOTADB:
            return StorageError(
                .corrupt,
                "\(path) is not a database: \(words); \(mend), or start afresh: mv \(path) \(path).broken")
        case SQLITE_CORRUPT:
            return StorageError(
                .corrupt, "\(text); \(mend), or save what can be read: sqlite3 \(path) .recover > recovered.sql")
        case SQLITE_BUSY, SQLITE_LOCKED:
            return StorageError(.inUse, "\(text); another process keeps it locked, end it: fuser -v \(path)")
        case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_READONLY, SQLITE_AUTH:
            return StorageError(.notPermitted, "\(text); the file and its directory must belong to the daemon's user")
        case SQLITE_IOERR:
            return StorageError(
                .other, "\(text); the disk does not read or write: see dmesg, and replace the card if it is failing")
        default: return StorageError(.other, "\(text); this is a fault of the software, please report it")
        }
    }

    private final class StatementCache {
        var known: [String: OpaquePointer] = [:]
        func finalize() { for statement in known.values { sqlite3_finalize(statement) } }
    }

    private final class Journal {
        /// Frames in the log.
        var pages: Int32 = 0
        var commits: UInt64 = 0
        var checkpoints: UInt64 = 0
    }

    /// The current row; valid inside the call it is handed to.
    struct Row {
        fileprivate let statement: OpaquePointer

        func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }
        func text(_ column: Int32) -> String {
            guard let text = sqlite3_column_text(statement, column) else { return "" }
            return String(
                decoding: UnsafeBufferPointer(start: text, count: Int(sqlite3_column_bytes(statement, column))), as: UTF8.self)
        }
        func blob(_ column: Int32) -> [UInt8] {
            guard let bytes = sqlite3_column_blob(statement, column) else { return [] }
            return Array(UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(statement, column))))
        }
    }
}
