public import Charging
public import Primitives

/// The ledger's state on disk, and what is kept longer than blocks are, on SQLite.
///
/// ```
///  block 17 … 32 ─▶ BlockLog.append ─▶ sync() ─▶ flush(32): one transaction ─▶ chain.db-wal ─ ─▶ chain.db
///  at start:  load() = state after 32 ─▶ blocks 33 … of the log again ─▶ the state before the crash
/// ```
///
/// `synchronous` is NORMAL: a flush costs no fsync, and a power cut may take the last ones. Nothing is lost with them, because
/// the block log, synchronised before each flush, is the redo log: the node starts from an older flush and applies more
/// blocks. A flush is whole or absent either way. So blocks of the log are to be kept well past the last flush; if the log
/// begins later than `flushedHeight` + 1, as when this file was lost, only a snapshot helps.
///
/// Damage: after an end that was not clean, all pages are checked at the next start (`quick_check`: of 100,000 entries 23 ms on
/// one core, where loading them takes 370). Otherwise SQLite reports what does not fit when it reads it, and the state's root,
/// computed from what `load` gives, must be that of a certified header: that finds any changed value. The error says how to
/// rebuild.
public final class ChainDatabase {
    /// Receipts of one's own accounts are kept for so long, in block time.
    public static let receiptMilliseconds: UInt64 = 400 * 86_400_000

    let database: SQLiteDatabase
    private let path: String
    private let directory: String
    private let written = WrittenBytes()
    /// The block whose state is stored; nil while there is none.
    public private(set) var flushedHeight: UInt64?

    private static let mend = "the node rebuilds it from a snapshot of its peers"
    private static let heightKey = "flushed_height"

    /// Opens `chain.db` in a directory that is there, and makes it if need be. One owner, on an executor that may wait for the
    /// disk; the lock of the block log beside it keeps other processes out.
    /// - Throws: `.corrupt` with the mend if it is damaged.
    public convenience init(directory: String) throws(StorageError) { try self.init(directory: directory, isFirst: true) }

    /// - Parameter isFirst: nobody else in this process has it open.
    private init(directory: String, isFirst: Bool) throws(StorageError) {
        (self.directory, path) = (directory, directory + "/chain.db")
        // SQLite removes its log when it closes the file.
        let endedCleanly = !FileSystem.exists(path + "-wal") || FileSystem.isEmpty(path + "-wal")
        database = try SQLiteDatabase.open(path, mend: Self.mend)
        try database.run("PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 4194304")
        guard try database.text("PRAGMA journal_mode = WAL") == "wal" else {
            throw StorageError(.other, "\(path) cannot have a write-ahead log; put the state directory on a local file system")
        }
        try Schema.chain.migrate(database, path: path)
        if isFirst, !endedCleanly { try check() }
        flushedHeight = try storedHeight()
    }

    private func storedHeight() throws(StorageError) -> UInt64? {
        var height: UInt64?
        try database.query("SELECT value FROM meta WHERE key = ?", [.text(Self.heightKey)]) { row in
            height = UInt64(clamping: row.integer(0))
        }
        return height
    }

    /// Reads all pages. What it finds is damage of the disk.
    func check() throws(StorageError) {
        let verdict = try database.text("PRAGMA quick_check(1)")
        guard verdict == "ok" else { throw damaged(verdict ?? "no verdict") }
    }

    // MARK: state

    /// Writes what the blocks up to `flush.height` changed, in one transaction. Synchronise the block log first.
    public func flush(_ flush: Flush) throws(StorageError) {
        guard flush.height > flushedHeight ?? 0 || flushedHeight == nil else { throw backwards(flush.height) }
        try database.transaction { () throws(StorageError) in
            for change in flush.changes { try write(change) }
            try write(rest: flush)
        }
        flushedHeight = flush.height
        try shrink()
    }

    /// Puts another state in the place of the one stored: that of a snapshot. It survives a power cut when this returns.
    ///
    /// Empty the block log first: it must not end below the state, and if the power goes between the two, it does not.
    /// - Parameter next: gives one entry after the other, then nil. They are not held in memory all at once.
    public func replaceState(
        with flush: Flush, _ next: () throws(StorageError) -> (EntryKey, [UInt8])?
    ) throws(StorageError) {
        guard flush.height >= flushedHeight ?? 0 else { throw backwards(flush.height) }
        try database.transaction { () throws(StorageError) in
            try database.query("DELETE FROM state")
            while let (key, value) = try next() { try write(StateChange(key, value)) }
            for change in flush.changes { try write(change) }
            try write(rest: flush)
        }
        flushedHeight = flush.height
        _ = try database.text("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    /// How many entries the state has.
    public func entryCount() throws(StorageError) -> Int { Int(try database.integer("SELECT count(*) FROM state") ?? 0) }

    /// Hands over every entry of the state, by path, one at a time.
    public func load(_ entry: (EntryKey, [UInt8]) throws(StorageError) -> Void) throws(StorageError) {
        // Each page is read once; kept ones would lie between the entries, as holes when they are gone.
        try database.run("PRAGMA cache_size = -128")
        try database.query("SELECT kind, id, value FROM state ORDER BY path") { row throws(StorageError) in
            let (key, value) = try self.entry(of: row)
            try entry(key, value)
        }
        try database.run("PRAGMA cache_size = -2000")
    }

    /// The entries behind `path`, by path; from the first on without it.
    public func entries(after path: Bytes32?, limit: Int) throws(StorageError) -> [(key: EntryKey, value: [UInt8])] {
        var entries: [(key: EntryKey, value: [UInt8])] = []
        try database.query(
            "SELECT kind, id, value FROM state WHERE path > ? ORDER BY path LIMIT ?",
            [.blob(path?.bytes ?? []), .integer(Int64(limit))]
        ) { row throws(StorageError) in
            entries.append(try self.entry(of: row))
        }
        return entries
    }

    private func entry(of row: SQLiteDatabase.Row) throws(StorageError) -> (key: EntryKey, value: [UInt8]) {
        guard let kind = UInt8(exactly: row.integer(0)), let id = Bytes32(row.blob(1)) else {
            throw damaged("an entry of the state has no name")
        }
        return (EntryKey(kind: kind, id: id), row.blob(2))
    }

    /// The state as it is now, for as long as what this gives lives: flushes go on beside it.
    public func frozen() throws(StorageError) -> ChainDatabase {
        let copy = try ChainDatabase(directory: directory, isFirst: false)
        try copy.database.run("BEGIN")
        // SQLite takes the snapshot with the first look.
        guard try copy.storedHeight() == flushedHeight else { throw damaged("it changes by another hand") }
        return copy
    }

    /// The fact of that name, as the last flush or `note` left it.
    public func meta(_ key: String) throws(StorageError) -> [UInt8]? {
        var value: [UInt8]?
        try database.query("SELECT value FROM meta WHERE key = ?", [.text("." + key)]) { row in value = row.blob(0) }
        return value
    }

    /// Writes one fact, between flushes.
    public func note(_ key: String, _ value: [UInt8]) throws(StorageError) {
        try database.transaction { () throws(StorageError) in try write(meta: "." + key, .blob(value)) }
    }

    private func write(_ change: StateChange) throws(StorageError) {
        let path = SQLiteDatabase.Value.blob(change.key.path.bytes)
        guard let value = change.value else { return try database.query("DELETE FROM state WHERE path = ?", [path]) }
        try database.query(
            "INSERT OR REPLACE INTO state (path, kind, id, value) VALUES (?, ?, ?, ?)",
            [path, .integer(Int64(change.key.kind)), .blob(change.key.id.bytes), .blob(value)])
    }

    private func write(rest flush: Flush) throws(StorageError) {
        for (key, value) in flush.meta { try write(meta: "." + key, .blob(value)) }
        try write(meta: Self.heightKey, .integer(try integer(flush.height)))
        for epoch in flush.epochs {
            try database.query(
                "INSERT OR REPLACE INTO epochs (height, header, certificate) VALUES (?, ?, ?)",
                [.integer(try integer(epoch.height)), .blob(epoch.header), .blob(epoch.commit)])
        }
        for (hash, set) in flush.delegates {
            try database.query(
                "INSERT OR IGNORE INTO delegates (hash, delegates) VALUES (?, ?)", [.blob(hash.bytes), .blob(set)])
        }
        for receipt in flush.receipts { try write(receipt) }
        try removeReceipts(before: flush.time)
    }

    private func write(meta key: String, _ value: SQLiteDatabase.Value) throws(StorageError) {
        try database.query("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", [.text(key), value])
    }

    // MARK: -

    /// What the whole process has written since this was opened, as `StationStore.bytesWritten` counts: not to be added to that.
    public func bytesWritten() -> UInt64 { written.count }

    /// SQLite's integers end at 2⁶³ - 1; no height or time of a valid block comes near.
    func integer(_ value: UInt64) throws(StorageError) -> Int64 {
        guard let integer = Int64(exactly: value) else {
            throw StorageError(
                .other, "\(path) cannot hold the number \(value); this is a fault of the software, please report it")
        }
        return integer
    }

    private func backwards(_ height: UInt64) -> StorageError {
        StorageError(
            .other,
            "\(path) holds the state of block \(flushedHeight ?? 0), and block \(height) does not follow it; this is a fault of the software"
        )
    }

    /// Gives back the pages that SQLite holds, up to 2 MB: the next flush needs others, and the kernel has them too.
    private func shrink() throws(StorageError) { try database.run("PRAGMA shrink_memory") }

    private func damaged(_ what: String) -> StorageError {
        StorageError(.corrupt, "\(path) is damaged: \(what); \(Self.mend) once it is away: mv \(path) \(path).broken")
    }
}
