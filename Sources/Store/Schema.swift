import Charging

/// The tables, step by step: step N brings a store of version N-1 to version N. Steps are added, never changed.
enum Schema {
    /// "QBST": marks the file as ours for file(1) and for us.
    static let applicationID = 0x5142_5354

    static let steps = [
        """
        CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        -- open sessions: what recovery starts from
        CREATE TABLE sessions (id TEXT PRIMARY KEY, mac TEXT NOT NULL, mark INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;
        -- ended sessions, for ever
        CREATE TABLE usage_records (
            session TEXT PRIMARY KEY, buyer TEXT, access_code INTEGER, tariff TEXT NOT NULL, mac TEXT NOT NULL,
            started_at INTEGER NOT NULL, ended_at INTEGER NOT NULL, seconds INTEGER NOT NULL,
            bytes_up INTEGER NOT NULL, bytes_down INTEGER NOT NULL, charge_units INTEGER NOT NULL,
            paid_units INTEGER NOT NULL, end_reason TEXT NOT NULL, record BLOB NOT NULL, signature BLOB NOT NULL) WITHOUT ROWID;
        CREATE INDEX usage_records_by_end ON usage_records (ended_at);
        -- channels with the station's money: the last voucher of each
        CREATE TABLE channels (id TEXT PRIMARY KEY, payer TEXT NOT NULL, paid_units INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE codes (number INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, state TEXT NOT NULL);
        CREATE TABLE blocked (mac TEXT PRIMARY KEY) WITHOUT ROWID;
        -- the station's own channel book: append-only, each entry names the hash of the one before and is signed
        CREATE TABLE channel_book (
            sequence INTEGER PRIMARY KEY, previous BLOB NOT NULL, event TEXT NOT NULL, hash BLOB NOT NULL, signature BLOB NOT NULL);
        """
    ]

    static func migrate(_ database: borrowing SQLiteDatabase, path: String) throws(StorageError) {
        var (version, application) = (0, 0)
        try database.query("PRAGMA user_version") { version = Int($0.integer(0)) }
        try database.query("PRAGMA application_id") { application = Int($0.integer(0)) }
        guard version == 0 || application == applicationID else {
            throw StorageError(.corrupt, "\(path) is a database of another program; name another state directory")
        }
        guard version <= steps.count else {
            throw StorageError(
                .other,
                "\(path) was written by a newer version (schema \(version), this one knows \(steps.count)); update the software")
        }
        for (index, step) in steps.enumerated().dropFirst(version) {
            try database.run(
                "BEGIN; \(step) PRAGMA user_version = \(index + 1); PRAGMA application_id = \(applicationID); COMMIT;")
        }
    }
}
