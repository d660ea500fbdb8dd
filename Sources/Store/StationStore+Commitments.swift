public import Charging
import Primitives

/// Usage records on their way to the chain. They stay in `usage_records` whatever becomes of them here.
extension StationStore: UsageQueue {
    /// In the transaction that writes the usage record. One that was there before was put here then.
    func enqueue(_ session: SessionID, _ visitKey: SealingKey?) throws(StorageError) {
        try database.query(
            "INSERT INTO uncommitted (session, visit_key) SELECT ?, ? WHERE changes() = 1",
            [.text(session.description), visitKey.map { .blob($0.raw.bytes) } ?? .null])
    }

    public func underway() throws(StorageError) -> [UncommittedUsage] {
        var found: [UncommittedUsage] = []
        try database.query(Self.read + "WHERE is_underway = 1 ORDER BY place") { row throws(StorageError) in
            // Without it the commitment would be another one, and nobody could tell whether the chain has it.
            guard let usage = Self.usage(row) else {
                throw damaged("the usage record of session", row.text(3), "not in canonical form")
            }
            found.append(usage)
        }
        return found
    }

    public func waiting(at time: UInt64) throws(StorageError) -> (count: Int, since: UInt64) {
        var (count, fresh, since): (Int, Int64, UInt64) = (0, 0, time)
        try database.query(
            "SELECT count(*), count(*) - count(since), coalesce(min(since), ?) FROM uncommitted WHERE is_underway = 0",
            [.integer(Int64(clamping: time))]
        ) { row in
            (count, fresh, since) = (Int(row.integer(0)), row.integer(1), UInt64(clamping: row.integer(2)))
        }
        if fresh > 0 {
            try database.query("UPDATE uncommitted SET since = ? WHERE since IS NULL", [.integer(Int64(clamping: time))])
        }
        return (count, since)
    }

    public func take(_ limit: Int) throws(StorageError) -> [UncommittedUsage] {
        try database.transaction { () throws(StorageError) in
            var damaged: [Int64] = []
            try database.query(Self.read + "WHERE is_underway = 0 ORDER BY place LIMIT ?", [.integer(Int64(limit))]) { row in
                if Self.usage(row) == nil { damaged.append(row.integer(4)) }
            }
            // What cannot be read cannot be committed, and must not keep the others back.
            for place in damaged { try database.query("DELETE FROM uncommitted WHERE place = ?", [.integer(place)]) }
            try database.query(
                """
                UPDATE uncommitted SET is_underway = 1
                WHERE place IN (SELECT place FROM uncommitted WHERE is_underway = 0 ORDER BY place LIMIT ?)
                """, [.integer(Int64(limit - damaged.count))])
        }
        return try underway()
    }

    public func committed() throws(StorageError) { try database.query("DELETE FROM uncommitted WHERE is_underway = 1") }

    private static let read = """
        SELECT record, signature, visit_key, uncommitted.session, place
        FROM uncommitted LEFT JOIN usage_records USING (session)\u{20}
        """

    private static func usage(_ row: SQLiteDatabase.Row) -> UncommittedUsage? {
        guard let record = signed(row) else { return nil }
        return UncommittedUsage(record, visitKey: Bytes32(row.blob(2)).map { SealingKey(raw: $0) })
    }
}
