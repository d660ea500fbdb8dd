/// Places for values of one kind, found by number; a removed one's place is given to the next.
struct Arena<Element: Sendable>: Sendable {
    private var elements: [Element] = []
    private var free: [UInt32] = []

    var count: Int { elements.count - free.count }

    subscript(index: Int) -> Element {
        get { elements[index] }
        set { elements[index] = newValue }
    }

    /// Makes room for `more`. Grows by an eighth, not twofold as an array does by itself: memory is what a small board has least of.
    mutating func reserve(_ more: Int) {
        let needed = elements.count + max(0, more - free.count)
        if needed > elements.capacity { elements.reserveCapacity(needed + needed / 8) }
    }

    mutating func insert(_ element: Element) -> Int {
        guard let place = free.popLast() else {
            elements.append(element)
            return elements.count - 1
        }
        elements[Int(place)] = element
        return Int(place)
    }

    mutating func remove(_ index: Int) { free.append(UInt32(index)) }
}
