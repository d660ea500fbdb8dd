public import Charging
public import MiningPool
import Primitives

/// The accounts of the pool that this station runs.
extension StationStore: PoolStore {
    /// Blocks whose statements can still be asked for.
    static let poolBlocksKept: UInt64 = 400

    public func pool() throws(StorageError) -> PoolRecord {
        var record = PoolRecord()
        try database.query("SELECT member, state FROM pool_accounts ORDER BY member") { row throws(StorageError) in
            record.accounts.append(try read(PoolAccount.self, of: "the pool's account", row))
        }
        try database.query("SELECT slice, member, work FROM pool_shares ORDER BY slice, member") { row throws(StorageError) in
            guard let member = PublicKey(row.text(1)) else { throw damaged("the pool's share", row.text(1), "that is no key") }
            record.parts.append(
                SlicePart(
                    slice: UInt64(bitPattern: row.integer(0)), member: member, work: UInt64(bitPattern: row.integer(2))))
        }
        // The latest in any case: the next one names it.
        try database.query(
            """
            SELECT number, state FROM pool_blocks
            WHERE is_open = 1 OR number = (SELECT max(number) FROM pool_blocks) ORDER BY number
            """
        ) { row throws(StorageError) in record.blocks.append(try read(PoolBlock.self, of: "the pool's block", row)) }
        try database.query(
            """
            SELECT number, state FROM pool_payouts
            WHERE is_open = 1 OR number = (SELECT max(number) FROM pool_payouts) ORDER BY number
            """
        ) { row throws(StorageError) in record.payouts.append(try read(PoolPayout.self, of: "the pool's payout", row)) }
        return record
    }

    public func poolBlock(_ number: UInt64) throws(StorageError) -> PoolBlock? {
        var block: PoolBlock?
        try database.query(
            "SELECT number, state FROM pool_blocks WHERE number = ?", [.integer(Int64(clamping: number))]
        ) { row throws(StorageError) in block = try read(PoolBlock.self, of: "the pool's block", row) }
        return block
    }

    public func keep(_ changes: PoolChanges) throws(StorageError) {
        guard !changes.isEmpty else { return }
        try database.transaction { () throws(StorageError) in
            for account in changes.accounts {
                try database.query(
                    "INSERT OR REPLACE INTO pool_accounts (member, state) VALUES (?, ?)",
                    [.text(account.member.description), .blob(account.canonicalBytes)])
            }
            for part in changes.parts {
                try database.query(
                    "INSERT OR REPLACE INTO pool_shares (slice, member, work) VALUES (?, ?, ?)",
                    [
                        .integer(Int64(bitPattern: part.slice)), .text(part.member.description),
                        .integer(Int64(bitPattern: part.work)),
                    ])
            }
            try database.query("DELETE FROM pool_shares WHERE slice < ?", [.integer(Int64(clamping: changes.oldestSlice))])
            for block in changes.blocks { try keep(block) }
            for payout in changes.payouts {
                try database.query(
                    "INSERT OR REPLACE INTO pool_payouts (number, is_open, state) VALUES (?, ?, ?)",
                    [
                        .integer(Int64(clamping: payout.number)), .integer(payout.state == .done ? 0 : 1),
                        .blob(payout.canonicalBytes),
                    ])
            }
        }
    }

    private func keep(_ block: PoolBlock) throws(StorageError) {
        try database.query(
            "INSERT OR REPLACE INTO pool_blocks (number, is_open, state) VALUES (?, ?, ?)",
            [.integer(Int64(clamping: block.number)), .integer(block.state == .open ? 1 : 0), .blob(block.canonicalBytes)])
        guard block.number > Self.poolBlocksKept else { return }
        try database.query(
            "DELETE FROM pool_blocks WHERE number <= ? AND is_open = 0",
            [.integer(Int64(clamping: block.number - Self.poolBlocksKept))])
    }

    private func read<Value: Canonical>(
        _ type: Value.Type, of what: String, _ row: SQLiteDatabase.Row
    ) throws(StorageError) -> Value {
        do throws(CanonicalError) { return try Value(canonicalBytes: row.blob(1)) } catch {
            throw damaged(what, row.text(0), "\(error)")
        }
    }
}
