import Consensus
import Primitives

/// A state and what a block has changed of it so far. What a transaction changed can be taken back alone.
struct Draft {
    let base: LedgerState
    let parameters: Parameters
    let height: UInt64
    let time: BlockTime
    private(set) var changes: [StateKey: StateEntry?] = [:]
    /// What stood there before this transaction.
    private var undo: [(key: StateKey, before: StateEntry??)] = []

    /// - Parameter transactions: room is made for what so many usually change.
    init(_ base: LedgerState, at time: BlockTime, for transactions: Int = 0) {
        (self.base, self.time, height, parameters) = (base, time, base.head.height + 1, base.parameters)
        changes.reserveCapacity(2 * transactions)
    }

    subscript(key: StateKey) -> StateEntry? {
        get { changes[key] ?? base[key] }
        set {
            undo.append((key, changes.updateValue(newValue, forKey: key)))
        }
    }

    /// What was changed so far stays.
    mutating func keep() { undo.removeAll(keepingCapacity: true) }

    /// Back to where `keep` was called last.
    mutating func takeBack() {
        for (key, before) in undo.reversed() { changes[key] = before }
        keep()
    }

    /// All entries of a kind that is listed, in the order of their keys.
    func keys(of kind: StateKey.Kind) -> [StateKey] {
        var keys = base.keys(of: kind)
        for (key, entry) in changes where key.kind == kind {
            if entry == nil { keys.remove(key) } else { keys.insert(key) }
        }
        return keys.sorted()
    }

    /// What really differs from the state before, and whether QLC came or went.
    func finished() throws(LedgerError) -> [StateKey: StateEntry?] {
        var (before, after) = (QLC.zero, QLC.zero)
        let real = changes.filter { key, entry in
            let old = base[key]
            before += old?.amount ?? .zero
            after += entry?.amount ?? .zero
            return old != entry
        }
        guard before == after else { throw .supplyBroken(expected: before, found: after) }
        return real
    }
}

extension Draft {
    func account(_ key: PublicKey) -> Account {
        if case .account(let account)? = self[.account(key)] { account } else { Account() }
    }

    func delegate(_ key: PublicKey) -> DelegateRecord? {
        if case .delegate(let delegate)? = self[.delegate(key)] { delegate } else { nil }
    }

    mutating func set(_ account: Account, of key: PublicKey) {
        self[.account(key)] = account == Account() ? nil : .account(account)
    }

    mutating func credit(_ key: PublicKey, _ amount: QLC) {
        guard amount > .zero else { return }
        var account = account(key)
        account.balance += amount
        set(account, of: key)
    }

    mutating func debit(_ key: PublicKey, _ amount: QLC) throws(Refusal) {
        var account = account(key)
        guard account.balance >= amount else { throw .balanceTooLow }
        account.balance = account.balance - amount
        set(account, of: key)
    }

    var funds: Funds {
        get { if case .funds(let funds)? = self[.funds] { funds } else { Funds() } }
        set { self[.funds] = .funds(newValue) }
    }

    var epoch: Epoch {
        if case .epoch(let epoch)? = self[.epoch] { epoch } else { base.epoch }
    }
}
