import CSQLite
import Charging

/// One SQLite connection, owned: closed when it goes out of scope. Statements are prepared once and kept.
struct SQLiteDatabase: ~Copyable {
    private let handle: OpaquePointer
    private let path: String
    private let statements = StatementCache()

    /// A value to bind or to read.
    enum Value {
        case integer(Int64)
        case text(String)
        case blob([UInt8])
        case null
    }

    init(path: String) throws(StorageError) {
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let handle else {
            let error = Self.error(code, handle, path, doing: "opening the store")
            sqlite3_close_v2(handle)
            throw error
        }
        self.handle = handle
        self.path = path
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, 2_000)
    }

    deinit {
        statements.finalize()
        sqlite3_close_v2(handle)
    }

    /// Runs SQL without values, several statements if need be.
    func run(_ sql: String) throws(StorageError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw failure(code, doing: "running \(sql.prefix(60))") }
    }

    /// Runs one statement; `row` is called with each row it gives.
    func query(_ sql: String, _ values: [Value] = [], _ row: (Row) -> Void = { _ in }) throws(StorageError) {
        let statement = try prepare(sql)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() { bind(value, at: Int32(index + 1), of: statement) }
        while true {
            let code = sqlite3_step(statement)
            switch code {
            case SQLITE_ROW: row(Row(statement: statement))
            case SQLITE_DONE: return
            default: throw failure(code, doing: "running \(sql.prefix(60))")
            }
        }
    }

    /// All of `body` or nothing of it; on disk when it returns.
    func transaction(_ body: () throws(StorageError) -> Void) throws(StorageError) {
        try run("BEGIN IMMEDIATE")
        do {
            try body()
            try run("COMMIT")
        } catch {
            _ = sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)  // may have been rolled back already
            throw error
        }
    }

    private func prepare(_ sql: String) throws(StorageError) -> OpaquePointer {
        if let known = statements.known[sql] { return known }
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw failure(code, doing: "preparing \(sql.prefix(60))") }
        statements.known[sql] = statement
        return statement
    }

    private func bind(_ value: Value, at index: Int32, of statement: OpaquePointer) {
        // SQLITE_TRANSIENT: SQLite copies, since the bytes live no longer than this call
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .integer(let integer): sqlite3_bind_int64(statement, index, integer)
        case .text(let text): sqlite3_bind_text(statement, index, text, -1, transient)
        case .blob(let bytes): sqlite3_bind_blob(statement, index, bytes, Int32(bytes.count), transient)
        case .null: sqlite3_bind_null(statement, index)
        }
    }

    private func failure(_ code: Int32, doing what: String) -> StorageError { Self.error(code, handle, path, doing: what) }

    /// The failure in words, with its mend.
    private static func error(_ code: Int32, _ handle: OpaquePointer?, _ path: String, doing what: String) -> StorageError {
        let words = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
        let text = "\(what) in \(path) failed: \(words)"
        switch code & 0xff {
        case SQLITE_FULL: return StorageError(.full, "\(text); free space on that file system; nothing that was stored is lost")
        case SQLITE_IOERR: return StorageError(.full, "\(text); is the disk full or failing? see df and dmesg")
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            return StorageError(
                .corrupt, "\(text); move it away and restore the last backup, or start without it: mv \(path) \(path).broken")
        case SQLITE_BUSY, SQLITE_LOCKED: return StorageError(.inUse, "\(text); another process has it open: fuser \(path)")
        case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_READONLY, SQLITE_AUTH:
            return StorageError(.notPermitted, "\(text); its directory must exist and belong to the daemon's user")
        default: return StorageError(.other, text)
        }
    }

    private final class StatementCache {
        var known: [String: OpaquePointer] = [:]
        func finalize() { for statement in known.values { sqlite3_finalize(statement) } }
    }

    /// The current row; valid inside the call it is handed to.
    struct Row {
        fileprivate let statement: OpaquePointer

        func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }
        func text(_ column: Int32) -> String { sqlite3_column_text(statement, column).map { String(cString: $0) } ?? "" }
        func blob(_ column: Int32) -> [UInt8] {
            guard let bytes = sqlite3_column_blob(statement, column) else { return [] }
            return Array(UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(statement, column))))
        }
    }
}
