public import Charging
public import Primitives

/// What outlives the blocks: one's own receipts, the end of every epoch, and what the light client trusts.
extension ChainDatabase {
    // MARK: receipts

    /// The receipts of an account, the newest first: those that come before `last`, the end of the page before.
    public func receipts(
        of account: Bytes32, before last: OwnReceipt? = nil, limit: Int
    ) throws(StorageError) -> [OwnReceipt] {
        var receipts: [OwnReceipt] = []
        let end = last.map { ($0.time, $0.height, $0.index) } ?? (UInt64(Int64.max), 0, 0)
        try database.query(
            """
            SELECT time, height, place, receipt FROM receipts WHERE account = ? AND (time, height, place) < (?, ?, ?)
            ORDER BY time DESC, height DESC, place DESC LIMIT ?
            """,
            [
                .blob(account.bytes), .integer(try integer(end.0)), .integer(try integer(end.1)), .integer(Int64(end.2)),
                .integer(Int64(limit)),
            ]
        ) { row in
            receipts.append(
                OwnReceipt(
                    account: account, time: UInt64(clamping: row.integer(0)), height: UInt64(clamping: row.integer(1)),
                    index: UInt32(truncatingIfNeeded: row.integer(2)), receipt: row.blob(3)))
        }
        return receipts
    }

    func write(_ receipt: OwnReceipt) throws(StorageError) {
        try database.query(
            "INSERT OR REPLACE INTO receipts (account, time, height, place, receipt) VALUES (?, ?, ?, ?, ?)",
            [
                .blob(receipt.account.bytes), .integer(try integer(receipt.time)), .integer(try integer(receipt.height)),
                .integer(Int64(receipt.index)), .blob(receipt.receipt),
            ])
    }

    /// Account by account, along the key: it costs a look where there is nothing to remove, and no index of its own.
    func removeReceipts(before time: UInt64) throws(StorageError) {
        guard time > Self.receiptMilliseconds else { return }
        let oldest = try integer(time - Self.receiptMilliseconds)
        var accounts: [[UInt8]] = []
        while true {
            var found: [UInt8]?
            try database.query(
                "SELECT account FROM receipts WHERE account > ? ORDER BY account LIMIT 1", [.blob(accounts.last ?? [])]
            ) { row in found = row.blob(0) }
            guard let found else { break }
            accounts.append(found)
        }
        for account in accounts {
            try database.query("DELETE FROM receipts WHERE account = ? AND time < ?", [.blob(account), .integer(oldest)])
        }
    }

    // MARK: what proves the chain

    public func epoch(endingAt height: UInt64) throws(StorageError) -> EpochEnd? {
        try epochs("WHERE height = ?", [.integer(try integer(height))]).first
    }

    /// The ends of epochs from `height` on, oldest first.
    public func epochs(from height: UInt64, limit: Int) throws(StorageError) -> [EpochEnd] {
        try epochs("WHERE height >= ? ORDER BY height LIMIT ?", [.integer(try integer(height)), .integer(Int64(limit))])
    }

    private func epochs(_ clause: String, _ values: [SQLiteDatabase.Value]) throws(StorageError) -> [EpochEnd] {
        var epochs: [EpochEnd] = []
        try database.query("SELECT height, header, certificate FROM epochs " + clause, values) { row in
            epochs.append(EpochEnd(height: UInt64(clamping: row.integer(0)), header: row.blob(1), commit: row.blob(2)))
        }
        return epochs
    }

    /// The delegates that a header names by that hash, in canonical bytes; nil if they are not known here.
    public func delegates(_ hash: Bytes32) throws(StorageError) -> [UInt8]? {
        var found: [UInt8]?
        try database.query("SELECT delegates FROM delegates WHERE hash = ?", [.blob(hash.bytes)]) { row in found = row.blob(0) }
        return found
    }

    /// Keeps a light block that was verified, and of those kept before only the newest `limit`.
    public func trust(_ block: [UInt8], at height: UInt64, keeping limit: Int) throws(StorageError) {
        try database.transaction { () throws(StorageError) in
            try database.query(
                "INSERT OR REPLACE INTO trusted (height, block) VALUES (?, ?)", [.integer(try integer(height)), .blob(block)])
            try database.query(
                "DELETE FROM trusted WHERE height <= (SELECT height FROM trusted ORDER BY height DESC LIMIT 1 OFFSET ?)",
                [.integer(Int64(limit))])
        }
    }

    /// The newest trusted block at or below `height`, and its height.
    public func trusted(upTo height: UInt64 = UInt64(Int64.max)) throws(StorageError) -> (height: UInt64, block: [UInt8])? {
        var found: (height: UInt64, block: [UInt8])?
        try database.query(
            "SELECT height, block FROM trusted WHERE height <= ? ORDER BY height DESC LIMIT 1", [.integer(try integer(height))]
        ) { row in found = (UInt64(clamping: row.integer(0)), row.blob(1)) }
        return found
    }

    /// Forgets every trusted block: the owner has named another checkpoint.
    public func forgetTrusted() throws(StorageError) { try database.run("DELETE FROM trusted") }
}
