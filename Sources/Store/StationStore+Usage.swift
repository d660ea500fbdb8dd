public import Charging
public import Primitives

extension StationStore {
    /// A page of usage records in order of their end: those that come after the last one of the page before.
    public func usage(since: WallTime, after last: UsageRecord?, limit: Int) throws(StorageError) -> [Signed<UsageRecord>] {
        let start = last.map { max($0.endedAt, since) } ?? since
        let session = last.map { $0.endedAt < since ? "" : $0.session.description } ?? ""
        var records: [Signed<UsageRecord>] = []
        try database.query(
            """
            SELECT record, signature FROM usage_records WHERE (ended_at, session) > (?, ?) ORDER BY ended_at, session LIMIT ?
            """,
            [.integer(start.secondsSince1970), .text(session), .integer(Int64(limit))]
        ) { row in
            // a damaged row is missing from the list; `totals` still counts its columns
            if let record = Self.signed(row) { records.append(record) }
        }
        return records
    }

    /// The usage record of one session; nil while it is open, or if there never was one.
    public func usage(of session: SessionID) throws(StorageError) -> Signed<UsageRecord>? {
        var record: Signed<UsageRecord>?
        try database.query("SELECT record, signature FROM usage_records WHERE session = ?", [.text(session.description)]) {
            row throws(StorageError) in
            record = Self.signed(row)
            if record == nil { throw damaged("the usage record of session", session.description, "not in canonical form") }
        }
        return record
    }

    public func totals(since: WallTime) throws(StorageError) -> UsageTotals {
        var totals = UsageTotals()
        try database.query(
            """
            SELECT count(*), coalesce(sum(bytes_up), 0), coalesce(sum(bytes_down), 0), coalesce(sum(charge_units), 0)
            FROM usage_records WHERE ended_at >= ?
            """,
            [.integer(since.secondsSince1970)]
        ) { row in
            totals = UsageTotals(
                sessions: UInt64(clamping: row.integer(0)), bytesUp: UInt64(clamping: row.integer(1)),
                bytesDown: UInt64(clamping: row.integer(2)), charge: QLC(units: UInt64(clamping: row.integer(3))))
        }
        return totals
    }

    static func signed(_ row: SQLiteDatabase.Row) -> Signed<UsageRecord>? {
        guard let record = try? UsageRecord(canonicalBytes: row.blob(0)), let signature = Signature(row.blob(1)) else {
            return nil  // the caller says what that means
        }
        return Signed(claim: record, signature: signature)
    }
}
