/// Places for values of one kind, found by number; a removed one's place is given to the next.
///
/// Kept in blocks, so that growing neither copies what is there nor leaves a hole of its size behind, and a change to a copy of the whole
/// copies only the blocks that it touches.
struct Arena<Element: Sendable>: Sendable {
    private static var blockBits: Int { 9 }
    private static var blockSize: Int { 1 << blockBits }

    private var blocks: [[Element]] = []
    private var free: [UInt32] = []
    private var used = 0

    var count: Int { used - free.count }

    subscript(index: Int) -> Element {
        get { blocks[index >> Self.blockBits][index & (Self.blockSize - 1)] }
        set { blocks[index >> Self.blockBits][index & (Self.blockSize - 1)] = newValue }
        _modify { yield &blocks[index >> Self.blockBits][index & (Self.blockSize - 1)] }
    }

    mutating func insert(_ element: Element) -> Int {
        if let place = free.popLast() {
            self[Int(place)] = element
            return Int(place)
        }
        if used == blocks.count << Self.blockBits {
            blocks.append([])
            blocks[blocks.count - 1].reserveCapacity(Self.blockSize)
        }
        blocks[blocks.count - 1].append(element)
        used += 1
        return used - 1
    }

    mutating func remove(_ index: Int) { free.append(UInt32(index)) }

    /// Hands over every value that is there, by place.
    func forEach(_ body: (Element) throws -> Void) rethrows {
        let removed = Set(free)
        for index in 0..<used where removed.isEmpty || !removed.contains(UInt32(index)) { try body(self[index]) }
    }
}
