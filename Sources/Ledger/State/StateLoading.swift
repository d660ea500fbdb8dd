public import Primitives

/// A state that comes entry by entry, from a disk or from peers. Nothing of it is held twice meanwhile.
public struct StateLoading: Sendable {
    private var contents: StateContents
    private var found = QLC.zero

    /// Entries that wait for the tree, in 300 kB. They mostly come by path, so that few of its nodes are hashed in two batches.
    private static let batch = 4_096

    /// - Parameter count: room is made for so many at once, so that it is not found anew while they come; only from whom one trusts.
    public init(expecting count: Int = 0) { contents = StateContents(expecting: count) }

    /// Takes the next entry, in any order.
    /// - Throws: `stateDamaged` if it is of another kind than its key, or its key is there already.
    public mutating func add(_ key: StateKey, _ entry: StateEntry) throws(LedgerError) {
        guard key.kind == entry.kind else { throw .stateDamaged("under \(key.kind) stands \(entry.kind)") }
        guard !contents.contains(key) else { throw .stateDamaged("a \(key.kind) stands twice") }
        found += entry.amount
        contents.set(key, to: entry)
        if contents.unsettledCount == Self.batch { contents.settle() }
    }

    /// The state that all these are.
    /// - Throws: `stateDamaged` if they cannot be one, `supplyBroken` if they do not hold the supply.
    public consuming func state(chainID: Bytes32, head: LedgerState.Head) throws(LedgerError) -> LedgerState {
        guard found == .supply else { throw .supplyBroken(expected: .supply, found: found) }
        contents.settle()
        return try LedgerState(chainID: chainID, head: head, contents)
    }
}
