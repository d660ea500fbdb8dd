public import Charging
import Primitives

/// Usage records on their way to the chain, and in which commitment each of them went. They stay in `usage_records` whatever becomes of
/// them here.
extension StationStore: UsageQueue {
    /// In the transaction that writes the usage record, behind it. One that was there before was put here then.
    func enqueue(_ session: SessionID, _ visitKey: SealingKey?) throws(StorageError) {
        try database.query(
            "INSERT INTO usage_queue (session, visit_key) SELECT ?, ? WHERE changes() = 1",
            [.text(session.description), visitKey.map { .blob($0.raw.bytes) } ?? .null])
    }

    public func underway() throws(StorageError) -> [UncommittedUsage] {
        var found: [UncommittedUsage] = []
        try database.query(Self.read + "WHERE is_underway = 1 ORDER BY place") { row throws(StorageError) in
            // Without it the commitment would be another one, and nobody could tell whether the chain has it.
            guard let usage = Self.usage(row) else { throw damagedRecord(row.text(3)) }
            found.append(usage)
        }
        return found
    }

    public func waiting(at time: UInt64) throws(StorageError) -> (count: Int, since: UInt64) {
        var (count, fresh, since): (Int, Int64, UInt64) = (0, 0, time)
        try database.query(
            "SELECT count(*), count(*) - count(since), coalesce(min(since), ?) FROM usage_queue WHERE is_underway = 0",
            [.integer(Int64(clamping: time))]
        ) { row in
            (count, fresh, since) = (Int(row.integer(0)), row.integer(1), UInt64(clamping: row.integer(2)))
        }
        if fresh > 0 {
            try database.query("UPDATE usage_queue SET since = ? WHERE since IS NULL", [.integer(Int64(clamping: time))])
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
            for place in damaged { try database.query("DELETE FROM usage_queue WHERE place = ?", [.integer(place)]) }
            try database.query(
                """
                UPDATE usage_queue SET is_underway = 1
                WHERE place IN (SELECT place FROM usage_queue WHERE is_underway = 0 ORDER BY place LIMIT ?)
                """, [.integer(Int64(limit - damaged.count))])
        }
        return try underway()
    }

    public func committed() throws(StorageError) {
        let number = (try database.integer("SELECT max(number) FROM usage_batches") ?? 0) + 1
        try database.transaction { () throws(StorageError) in
            var sessions: [String] = []
            try database.query("SELECT session FROM usage_queue WHERE is_underway = 1 ORDER BY place") {
                sessions.append($0.text(0))
            }
            guard !sessions.isEmpty else { return }
            try database.query(
                "INSERT INTO usage_batches (number, sessions) VALUES (?, ?)",
                [.integer(number), .text(sessions.joined(separator: " "))])
            for session in sessions {
                try database.query("UPDATE usage_records SET batch = ? WHERE session = ?", [.integer(number), .text(session)])
            }
            try database.query("DELETE FROM usage_queue WHERE is_underway = 1")
        }
    }

    public func proof(of session: SessionID) throws(StorageError) -> UsageProof? {
        guard let record = try usage(of: session) else { return nil }
        var text = ""
        try database.query(
            "SELECT sessions FROM usage_records JOIN usage_batches ON number = batch WHERE session = ?",
            [.text(session.description)]
        ) { row in text = row.text(0) }
        let names = text.split(separator: " ")
        guard let index = names.firstIndex(of: Substring(session.description)) else { return UsageProof(record) }
        var all: [Signed<UsageRecord>] = []
        for name in names {
            guard let id = SessionID(String(name)), let other = try usage(of: id) else { throw damagedRecord(String(name)) }
            all.append(other)
        }
        return UsageProof(record, at: UsageProof.Place(at: index, of: all))
    }

    private static let read = """
        SELECT record, signature, visit_key, usage_queue.session, place
        FROM usage_queue LEFT JOIN usage_records USING (session)\u{20}
        """

    private static func usage(_ row: SQLiteDatabase.Row) -> UncommittedUsage? {
        guard let record = signed(row) else { return nil }
        return UncommittedUsage(record, visitKey: Bytes32(row.blob(2)).map { SealingKey(raw: $0) })
    }

    private func damagedRecord(_ session: String) -> StorageError {
        damaged("the usage record of session", session, "not in canonical form")
    }
}
