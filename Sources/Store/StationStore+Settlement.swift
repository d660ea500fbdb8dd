public import Charging
public import Primitives

/// What the station has sent to the chain and not seen in a block yet, and since when it holds what is not settled.
extension StationStore: SettlementStore {
    public func recall() throws(StorageError) -> SettlementMemory {
        var memory = SettlementMemory()
        try database.query("SELECT sequence, bytes FROM sent_transactions ORDER BY place") { row in
            memory.sent.append(SentTransaction(sequence: UInt64(bitPattern: row.integer(0)), bytes: row.blob(1)))
        }
        try database.query("SELECT channel, since FROM unsettled ORDER BY channel") { row throws(StorageError) in
            guard let channel = ChannelID(row.text(0)) else {
                throw damaged("the age of unsettled channel", row.text(0), "that is no channel")
            }
            memory.unsettledSince[channel] = UInt64(clamping: row.integer(1))
        }
        try database.query("SELECT id, state FROM orders WHERE is_open = 1 ORDER BY id") { row throws(StorageError) in
            memory.orders.append(try decode(OwnerOrder.self, of: "order", row))
        }
        try database.query("SELECT key, value FROM stake WHERE key = 'choice'") { row throws(StorageError) in
            memory.choice = try decode(StakeChoice.self, of: "stake", row)
        }
        try database.query("SELECT key, value FROM stake WHERE key = 'rewards'") { row throws(StorageError) in
            memory.rewards = try decode(RewardBook.self, of: "stake", row)
        }
        return memory
    }

    public func order(_ id: OwnerOrder.ID) throws(StorageError) -> OwnerOrder? {
        var order: OwnerOrder?
        try database.query("SELECT id, state FROM orders WHERE id = ?", [.text(id.description)]) { row throws(StorageError) in
            order = try decode(OwnerOrder.self, of: "order", row)
        }
        return order
    }

    public func rewards(on chainID: Bytes32, since day: UInt64) throws(StorageError) -> QLC {
        var sum = QLC.zero
        try database.query(
            "SELECT coalesce(sum(units), 0) FROM rewards WHERE chain = ? AND day >= ?",
            [.text(chainID.description), .integer(Int64(clamping: day))]
        ) { row in sum = QLC(units: UInt64(clamping: row.integer(0))) }
        return sum
    }

    public func remember(_ changes: [SettlementChange]) throws(StorageError) {
        guard !changes.isEmpty else { return }
        try database.transaction { () throws(StorageError) in
            for change in changes { try note(change) }
        }
    }

    private func note(_ change: SettlementChange) throws(StorageError) {
        switch change {
        case .sent(let transactions):
            try database.query("DELETE FROM sent_transactions")
            for (place, transaction) in transactions.enumerated() {
                try database.query(
                    "INSERT INTO sent_transactions (place, sequence, bytes) VALUES (?, ?, ?)",
                    [.integer(Int64(place)), .integer(Int64(bitPattern: transaction.sequence)), .blob(transaction.bytes)])
            }
        case .unsettled(let channel, let since?):
            try database.query(
                "INSERT OR REPLACE INTO unsettled (channel, since) VALUES (?, ?)",
                [.text(channel.description), .integer(Int64(clamping: since))])
        case .unsettled(let channel, nil):
            try database.query("DELETE FROM unsettled WHERE channel = ?", [.text(channel.description)])
        case .order(let order):
            try database.query(
                "INSERT OR REPLACE INTO orders (id, is_open, state) VALUES (?, ?, ?)",
                [.text(order.id.description), .integer(order.isOpen ? 1 : 0), .text(try json(order))])
        case .choice(let choice):
            try database.query("INSERT OR REPLACE INTO stake (key, value) VALUES ('choice', ?)", [.text(try json(choice))])
        case .rewards(let book, let came, let day):
            try database.query("INSERT OR REPLACE INTO stake (key, value) VALUES ('rewards', ?)", [.text(try json(book))])
            guard came > .zero else { return }
            try database.query(
                """
                INSERT INTO rewards (chain, day, units) VALUES (?, ?, ?)
                ON CONFLICT (chain, day) DO UPDATE SET units = units + excluded.units
                """,
                [.text(book.chainID.description), .integer(Int64(clamping: day)), .integer(Int64(clamping: came.units))])
        }
    }
}
