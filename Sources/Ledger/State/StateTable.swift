import Primitives

/// The entries of a state by their keys, in little memory.
///
/// ```
///  key ─ hash ─▶ index ─ place ─┬─▶ accounts: id, balance, sequence: 48 bytes, and 5 to 9 of the index
///                               └─▶ others: key and entry, of which large ones are in a box
/// ```
///
/// A copy shares everything until one of the two is changed; then it copies the index and the blocks of rows that the change touches.
struct StateTable: Sendable {
    private var index = PlaceIndex()
    private var rows = StateRows()

    /// - Parameter count: room is made for so many at once.
    init(expecting count: Int = 0) { index.reserve(count) { _ in preconditionFailure("an empty index has a place") } }

    var count: Int { index.count }

    subscript(key: StateKey) -> StateEntry? { find(key, key.hashValue).flatMap { rows.entry(at: $0) } }

    func contains(_ key: StateKey) -> Bool { find(key, key.hashValue) != nil }

    /// nil removes it.
    mutating func set(_ key: StateKey, to entry: StateEntry?) {
        precondition(entry.map { $0.kind == key.kind } ?? true, "an entry is of its key's kind")
        let hash = key.hashValue
        switch (find(key, hash), entry) {
        case (nil, nil): break
        case (nil, let entry?):
            let place = rows.insert(key, entry)
            index.insert(place.packed, hash, hashes)
        case (let place?, let entry?): rows.replace(place, with: entry)
        case (let place?, nil):
            index.remove(place.packed, hash, hashes)
            rows.remove(place)
        }
    }

    /// Hands over every entry, or those of a kind, in no order.
    func walk(_ kind: StateKey.Kind?, _ body: (StateKey, StateEntry) throws -> Void) rethrows { try rows.walk(kind, body) }

    private func find(_ key: StateKey, _ hash: Int) -> StateRows.Place? {
        index.find(hash) { rows.holds(key, at: StateRows.Place(packed: $0)) }.map { StateRows.Place(packed: $0) }
    }

    /// Of what lies at each place.
    private var hashes: (Int) -> Int {
        { [rows] in rows.key(at: StateRows.Place(packed: $0)).hashValue }
    }
}
