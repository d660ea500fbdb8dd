public import Primitives

/// A Merkle tree whose nodes say the sums of what stands below them (Maxwell's proof of liabilities): who finds his own entry under the root knows
/// that it is part of the sums, and that nobody was shown others.
///
/// Its shape is RFC 6962's (section 2.1). A node is `{hash, work, amount}`; the hash is over both children's hashes and sums.
public enum SumTree {
    public struct Node: Hashable, Sendable {
        public var hash: Bytes32
        public var work: UInt64
        public var amount: QLC

        public init(hash: Bytes32, work: UInt64, amount: QLC) { (self.hash, self.work, self.amount) = (hash, work, amount) }
    }

    /// - Parameter lines: one at least; their sums fit 64 bits
    public static func root(_ lines: [PoolLine]) -> Node { root(of: lines.map(leaf)[...]) }

    /// The siblings from the line at `index` up to the root.
    public static func path(to index: Int, in lines: [PoolLine]) -> [Node] { path(to: index, in: lines.map(leaf)[...]) }

    /// Whether `line` stands at `index` of `count` under `root`, and is part of its sums.
    public static func contains(_ line: PoolLine, at index: Int, of count: Int, path: [Node], root: Node) -> Bool {
        guard (0..<max(0, count)).contains(index), path.count <= Int.bitWidth else { return false }
        var (place, last, node) = (index, count - 1, leaf(line))
        for sibling in path {
            guard last > 0 else { return false }
            let isRight = place % 2 == 1 || place == last
            guard let parent = isRight ? parent(sibling, node) : parent(node, sibling) else { return false }
            node = parent
            if isRight { while place % 2 == 0, place > 0 { (place, last) = (place / 2, last / 2) } }
            (place, last) = (place / 2, last / 2)
        }
        return last == 0 && node == root
    }

    private static func root(of nodes: ArraySlice<Node>) -> Node {
        guard nodes.count > 1 else { return nodes[nodes.startIndex] }
        let middle = nodes.startIndex + split(nodes.count)
        guard let node = parent(root(of: nodes[..<middle]), root(of: nodes[middle...])) else {
            preconditionFailure("a statement's sums are within 64 bits")
        }
        return node
    }

    private static func path(to index: Int, in nodes: ArraySlice<Node>) -> [Node] {
        guard nodes.count > 1 else { return [] }
        let middle = nodes.startIndex + split(nodes.count)
        let (left, right) = (nodes[..<middle], nodes[middle...])
        return index < middle
            ? path(to: index, in: left) + [root(of: right)] : path(to: index, in: right) + [root(of: left)]
    }

    /// The largest power of two below `count`.
    private static func split(_ count: Int) -> Int { 1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount) }

    private static let leafTag = TaggedHash.Tag("qlink/pool-line")
    private static let nodeTag = TaggedHash.Tag("qlink/pool-sums")

    private static func leaf(_ line: PoolLine) -> Node {
        Node(hash: leafTag.digest(line.canonicalBytes), work: line.windowWork, amount: line.amount)
    }

    /// nil: no true sum is so large.
    private static func parent(_ left: Node, _ right: Node) -> Node? {
        let (work, tooMuch) = left.work.addingReportingOverflow(right.work)
        let (units, tooHigh) = left.amount.units.addingReportingOverflow(right.amount.units)
        guard !tooMuch, !tooHigh else { return nil }
        return Node(
            hash: nodeTag.digest(left.canonicalBytes + right.canonicalBytes), work: work, amount: QLC(units: units))
    }
}

extension SumTree.Node: Canonical {
    public init() { self.init(hash: .zero, work: 0, amount: .zero) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.fixed(&hash)
        try coder.integer(&work)
        try coder.nested(&amount)
    }
}
