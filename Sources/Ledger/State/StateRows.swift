import Primitives

/// Entries with their keys, found by place: accounts, which are most, in rows of their own.
struct StateRows: Sendable {
    /// Where a row is.
    struct Place {
        /// Its number among its like, and in the lowest bit whether it is an account's.
        var packed: Int

        var isAccount: Bool { packed & 1 == 1 }
        var row: Int { packed >> 1 }
    }

    private struct AccountRow: Sendable {
        var id: Bytes32
        var account: Account
    }

    private struct Row: Sendable {
        var key: StateKey
        /// nil: nothing stands here any more.
        var entry: StateEntry?
    }

    private var accounts = Arena<AccountRow>()
    private var others = Arena<Row>()

    func key(at place: Place) -> StateKey {
        place.isAccount ? StateKey(.account, accounts[place.row].id) : others[place.row].key
    }

    /// Whether it is that key's.
    func holds(_ key: StateKey, at place: Place) -> Bool {
        place.isAccount ? key.kind == .account && accounts[place.row].id == key.id : others[place.row].key == key
    }

    func entry(at place: Place) -> StateEntry? {
        place.isAccount ? .account(accounts[place.row].account) : others[place.row].entry
    }

    /// Hands over every entry, or those of a kind, in no order.
    func walk(_ kind: StateKey.Kind?, _ body: (StateKey, StateEntry) throws -> Void) rethrows {
        if kind == nil || kind == .account {
            try accounts.forEach { try body(StateKey(.account, $0.id), .account($0.account)) }
        }
        guard kind != .account else { return }
        try others.forEach { row in
            guard let entry = row.entry, kind == nil || row.key.kind == kind else { return }
            try body(row.key, entry)
        }
    }

    mutating func insert(_ key: StateKey, _ entry: StateEntry) -> Place {
        if case .account(let account) = entry {
            return Place(packed: accounts.insert(AccountRow(id: key.id, account: account)) << 1 | 1)
        }
        return Place(packed: others.insert(Row(key: key, entry: entry)) << 1)
    }

    /// By an entry of the same kind.
    mutating func replace(_ place: Place, with entry: StateEntry) {
        if case .account(let account) = entry {
            accounts[place.row].account = account
        } else {
            others[place.row].entry = entry
        }
    }

    mutating func remove(_ place: Place) {
        if place.isAccount { return accounts.remove(place.row) }
        others[place.row].entry = nil  // gives its memory back
        others.remove(place.row)
    }
}
