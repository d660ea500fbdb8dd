import Primitives

/// The entries of a state, and the tree over them.
struct StateContents: Sendable {
    private(set) var tree = StateTree()
    private(set) var entries: StateTable
    /// Kinds that are few: gone through at an epoch's end, or searched.
    private(set) var listed: [StateKey.Kind: Set<StateKey>] = [:]
    /// Not in the tree yet.
    private var changes: [StateTree.Change] = []

    init(expecting count: Int) { entries = StateTable(expecting: count) }

    subscript(key: StateKey) -> StateEntry? { entries[key] }

    func contains(_ key: StateKey) -> Bool { entries.contains(key) }

    var unsettledCount: Int { changes.count }

    /// nil removes it. Each key once before `settle`.
    mutating func set(_ key: StateKey, to entry: StateEntry?) {
        entries.set(key, to: entry)
        changes.append((path: key.path, value: entry?.hash))
        guard key.kind.isListed else { return }
        if entry == nil { listed[key.kind]?.remove(key) } else { listed[key.kind, default: []].insert(key) }
    }

    /// Brings the tree up to what was set.
    mutating func settle() {
        tree.update(changes)
        changes = []
    }
}

extension StateKey.Kind {
    fileprivate var isListed: Bool {
        switch self {
        case .delegate, .unbonding, .vesting, .asset, .proposal: true
        default: false
        }
    }
}
