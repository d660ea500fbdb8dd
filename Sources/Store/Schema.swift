import Charging

/// The tables, step by step: step N brings a store of version N-1 to version N. Steps are added, never changed.
struct Schema {
    /// Marks the file as ours for file(1) and for us.
    let applicationID: Int
    let steps: [String]

    static let station = Schema(applicationID: 0x5142_5354, steps: stationSteps)  // "QBST"

    private static let stationSteps = [
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
        """,
        """
        -- totals are read from the index alone: a status screen does not walk years of records
        DROP INDEX usage_records_by_end;
        CREATE INDEX usage_records_by_end ON usage_records (ended_at, session, bytes_up, bytes_down, charge_units);
        -- what was asked of the channel book until the ledger pays: append-only, the last of a channel counts
        CREATE TABLE settlements (
            channel TEXT NOT NULL, voucher_sequence INTEGER NOT NULL, amount_units INTEGER NOT NULL,
            voucher BLOB NOT NULL, signature BLOB NOT NULL, PRIMARY KEY (channel, voucher_sequence)) WITHOUT ROWID;
        """,
        """
        -- Wi-Fi keys: whose they are; their passphrases are nowhere
        CREATE TABLE keys (number INTEGER PRIMARY KEY, state TEXT NOT NULL);
        """,
        """
        -- signed and perhaps on the way to a block of the chain: all of one sequence, the oldest first
        CREATE TABLE sent_transactions (place INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, bytes BLOB NOT NULL);
        -- since when (block time, ms) a channel's last voucher is above what the chain has settled
        CREATE TABLE unsettled (channel TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;
        """,
        """
        -- usage records that the chain has no commitment of yet, in the order of their end: what the buyer's own record is sealed for,
        -- since when (block time, ms) it waits, and whether it is of the commitment that is being made
        CREATE TABLE usage_queue (
            place INTEGER PRIMARY KEY, session TEXT NOT NULL, visit_key BLOB, since INTEGER, is_underway INTEGER NOT NULL DEFAULT 0);
        -- the commitments that the chain has: their sessions in order, and each record's own
        CREATE TABLE usage_batches (number INTEGER PRIMARY KEY, sessions TEXT NOT NULL);
        ALTER TABLE usage_records ADD COLUMN batch INTEGER;
        """,
        """
        -- what the owner asked of the station's account, for ever: an id that comes again is not carried out again
        CREATE TABLE orders (id TEXT PRIMARY KEY, is_open INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX open_orders ON orders (id) WHERE is_open = 1;
        """,
        """
        -- with whom the owner stakes, and what the stake stood at when it was looked at last
        CREATE TABLE stake (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        -- what the stake brought on each day (of block time, from 1970)
        CREATE TABLE rewards (chain TEXT NOT NULL, day INTEGER NOT NULL, units INTEGER NOT NULL, PRIMARY KEY (chain, day)) WITHOUT ROWID;
        """,
        """
        -- of mining: when the board was idle, and the owner's pause
        CREATE TABLE mining (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
        """,
        """
        -- of the pool that this station runs: its members, their latest work by slices, the blocks found with their statements, what was paid
        CREATE TABLE pool_accounts (member TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE pool_shares (slice INTEGER, member TEXT, work INTEGER NOT NULL, PRIMARY KEY (slice, member)) WITHOUT ROWID;
        CREATE TABLE pool_blocks (number INTEGER PRIMARY KEY, is_open INTEGER NOT NULL, state BLOB NOT NULL);
        CREATE TABLE pool_payouts (number INTEGER PRIMARY KEY, is_open INTEGER NOT NULL, state BLOB NOT NULL);
        CREATE INDEX open_pool_blocks ON pool_blocks (number) WHERE is_open = 1;
        CREATE INDEX open_pool_payouts ON pool_payouts (number) WHERE is_open = 1;
        """,
    ]

    func migrate(_ database: borrowing SQLiteDatabase, path: String) throws(StorageError) {
        let version = try database.integer("PRAGMA user_version") ?? 0
        let application = try database.integer("PRAGMA application_id") ?? 0
        let isEmpty = try database.integer("SELECT count(*) FROM sqlite_schema") == 0
        guard application == applicationID || (version == 0 && application == 0 && isEmpty) else {
            throw StorageError(.other, "\(path) is a database of another program; name another state directory")
        }
        guard version <= steps.count else {
            throw StorageError(
                .other,
                "\(path) was written by a newer version (schema \(version), this one knows \(steps.count)); update the software")
        }
        for number in Int(max(0, version))..<steps.count {
            try database.transaction { () throws(StorageError) in
                try database.run(steps[number])
                try database.run("PRAGMA user_version = \(number + 1); PRAGMA application_id = \(applicationID)")
            }
        }
    }
}
