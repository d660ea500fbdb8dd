import Primitives

/// What the state tree hashes, and how.
enum TreeHash {
    private static let leafTag = TaggedHash.Tag("qlink/state-leaf")
    private static let nodeTag = TaggedHash.Tag("qlink/state-node")

    static func leaf(_ path: Bytes32, _ value: Bytes32) -> Bytes32 { leafTag.digest(of: path, value) }
    static func node(_ left: Bytes32, _ right: Bytes32) -> Bytes32 { nodeTag.digest(of: left, right) }

    /// A node whose one side is the subtree `hash` that `path` leads into at `bit`.
    static func node(_ hash: Bytes32, beside sibling: Bytes32, at bit: Int, of path: Bytes32) -> Bytes32 {
        path.bit(bit) ? node(sibling, hash) : node(hash, sibling)
    }

    /// The subtree of two leaves or more that stands at `depth`, seen from `higher` up: everything beside it is empty.
    static func lift(_ hash: Bytes32, along path: Bytes32, from depth: Int, to higher: Int) -> Bytes32 {
        var hash = hash
        for bit in (higher..<depth).reversed() { hash = node(hash, beside: .zero, at: bit, of: path) }
        return hash
    }
}

/// A path through the tree: bit 0 is the highest bit of the first byte and leads left when it is 0.
extension Bytes32 {
    static let bits = 256

    func bit(_ index: Int) -> Bool {
        let (a, b, c, d) = words
        let word =
            switch index >> 6 {
            case 0: a
            case 1: b
            case 2: c
            default: d
            }
        return word >> UInt64(63 - index & 63) & 1 == 1
    }

    /// How many bits are the same from the start.
    func commonPrefix(with other: Bytes32) -> Int {
        let (mine, others) = (words, other.words)
        if mine.0 != others.0 { return (mine.0 ^ others.0).leadingZeroBitCount }
        if mine.1 != others.1 { return 64 + (mine.1 ^ others.1).leadingZeroBitCount }
        if mine.2 != others.2 { return 128 + (mine.2 ^ others.2).leadingZeroBitCount }
        return 192 + (mine.3 ^ others.3).leadingZeroBitCount
    }
}
