/// Places in some storage by the hashes of what lies there: four bytes a slot, of which at most seven in eight are taken.
///
/// Open addressing with linear probing. A slot holds a place, and four bits of its hash, which save most looks at what does not match. Nothing
/// else is remembered of the hash: whoever asks says it again. It must be one that strangers cannot foresee (`Hasher`), or they make all
/// places collide.
struct PlaceIndex: Sendable {
    /// Places are below it.
    static let limit = 1 << placeBits - 1

    private static let placeBits = 28
    private static let empty = UInt32.max
    private static let leastSlots = 16

    private var slots = Array(repeating: empty, count: leastSlots)
    private(set) var count = 0

    /// The place under that hash of which `isIt` says so.
    func find(_ hash: Int, _ isIt: (Int) -> Bool) -> Int? {
        var slot = home(of: hash)
        while slots[slot] != Self.empty {
            let (tag, place) = Self.unpack(slots[slot])
            if tag == Self.tag(of: hash), isIt(place) { return place }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// Adds a place that is not there. `hashOf` gives the hash of each that is.
    mutating func insert(_ place: Int, _ hash: Int, _ hashOf: (Int) -> Int) {
        precondition(place < Self.limit, "an index has only \(Self.limit) places")
        reserve(count + 1, hashOf)
        put(place, hash)
        count += 1
    }

    /// Takes a place out that is there. Those behind it move up, so that no search ends too early.
    mutating func remove(_ place: Int, _ hash: Int, _ hashOf: (Int) -> Int) {
        var hole = home(of: hash)
        let packed = Self.pack(place, hash)
        while slots[hole] != packed {
            precondition(slots[hole] != Self.empty, "place \(place) is not in the index")
            hole = (hole + 1) & mask
        }
        var slot = (hole + 1) & mask
        while slots[slot] != Self.empty {
            let start = home(of: hashOf(Self.unpack(slots[slot]).place))
            if (slot - start) & mask >= (slot - hole) & mask {
                slots[hole] = slots[slot]
                hole = slot
            }
            slot = (slot + 1) & mask
        }
        slots[hole] = Self.empty
        count -= 1
    }

    /// Makes room for so many places in all.
    mutating func reserve(_ count: Int, _ hashOf: (Int) -> Int) {
        var size = slots.count
        while count > size / 8 * 7 { size *= 2 }
        guard size > slots.count else { return }
        let old = slots
        slots = Array(repeating: Self.empty, count: size)
        for slot in old where slot != Self.empty {
            let place = Self.unpack(slot).place
            put(place, hashOf(place))
        }
    }

    private mutating func put(_ place: Int, _ hash: Int) {
        var slot = home(of: hash)
        while slots[slot] != Self.empty { slot = (slot + 1) & mask }
        slots[slot] = Self.pack(place, hash)
    }

    private var mask: Int { slots.count - 1 }
    private func home(of hash: Int) -> Int { hash & mask }

    private static func tag(of hash: Int) -> UInt32 { UInt32(truncatingIfNeeded: UInt64(bitPattern: Int64(hash)) >> 60) }
    private static func pack(_ place: Int, _ hash: Int) -> UInt32 { tag(of: hash) << placeBits | UInt32(place) }
    private static func unpack(_ slot: UInt32) -> (tag: UInt32, place: Int) {
        (slot >> placeBits, Int(slot & (1 << placeBits - 1)))
    }
}
