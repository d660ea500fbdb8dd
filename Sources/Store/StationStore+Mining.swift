public import Charging

/// What mining remembers over restarts. Losing it costs nothing but foresight.
public enum MiningFact: String, Sendable {
    /// When the board was idle, canonical bytes.
    case history
    /// Until when the owner paused it, seconds since 1970.
    case pause
    /// What a pool of base stations has signed last, canonical bytes.
    case membership
}

extension StationStore {
    public func mining(_ fact: MiningFact) throws(StorageError) -> [UInt8]? {
        var bytes: [UInt8]?
        try database.query("SELECT value FROM mining WHERE key = ?", [.text(fact.rawValue)]) { row in bytes = row.blob(0) }
        return bytes
    }

    /// - Parameter bytes: nil: nothing any more
    public func keep(_ bytes: [UInt8]?, of fact: MiningFact) throws(StorageError) {
        if let bytes {
            try database.query(
                "INSERT OR REPLACE INTO mining (key, value) VALUES (?, ?)", [.text(fact.rawValue), .blob(bytes)])
        } else {
            try database.query("DELETE FROM mining WHERE key = ?", [.text(fact.rawValue)])
        }
    }
}
