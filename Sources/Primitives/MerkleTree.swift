/// The Merkle tree over a list (RFC 6962, section 2.1): SHA-256, leaves behind a 0 byte, nodes behind a 1, so that neither passes for
/// the other.
public enum MerkleTree {
    /// Of `entries` in their order; of none, the hash of nothing.
    public static func root(_ entries: [[UInt8]]) -> Bytes32 { root(of: entries.map(leaf)[...]) }

    /// The siblings from the entry at `index` up to the root.
    public static func path(to index: Int, in entries: [[UInt8]]) -> [Bytes32] {
        precondition(entries.indices.contains(index), "no entry \(index) of \(entries.count)")
        return path(to: index, in: entries.map(leaf)[...])
    }

    /// Whether `entry` stands at `index` of `count` entries under `root` (section 2.1.1; the walk is RFC 9162's, section 2.1.3.2).
    public static func contains(_ entry: [UInt8], at index: Int, of count: Int, path: [Bytes32], root: Bytes32) -> Bool {
        guard (0..<max(0, count)).contains(index), path.count <= Int.bitWidth else { return false }
        var (place, last, hash) = (index, count - 1, leaf(entry))
        for sibling in path {
            guard last > 0 else { return false }
            if place % 2 == 1 || place == last {
                hash = node(sibling, hash)
                while place % 2 == 0, place > 0 { (place, last) = (place / 2, last / 2) }
            } else {
                hash = node(hash, sibling)
            }
            (place, last) = (place / 2, last / 2)
        }
        return last == 0 && hash == root
    }

    private static func root(of leaves: ArraySlice<Bytes32>) -> Bytes32 {
        guard leaves.count > 1 else { return leaves.first ?? PreparedDigest().digest([]) }
        let middle = leaves.startIndex + split(leaves.count)
        return node(root(of: leaves[..<middle]), root(of: leaves[middle...]))
    }

    private static func path(to index: Int, in leaves: ArraySlice<Bytes32>) -> [Bytes32] {
        guard leaves.count > 1 else { return [] }
        let middle = leaves.startIndex + split(leaves.count)
        let (left, right) = (leaves[..<middle], leaves[middle...])
        return index < left.count
            ? path(to: index, in: left) + [root(of: right)] : path(to: index - left.count, in: right) + [root(of: left)]
    }

    /// The largest power of two below `count`.
    private static func split(_ count: Int) -> Int { 1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount) }

    private static let leaves = PreparedDigest(prefix: [0])
    private static let nodes = PreparedDigest(prefix: [1])

    private static func leaf(_ entry: [UInt8]) -> Bytes32 { leaves.digest(entry) }
    private static func node(_ left: Bytes32, _ right: Bytes32) -> Bytes32 { nodes.digest(left, right) }
}
