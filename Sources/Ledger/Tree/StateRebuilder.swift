public import Primitives

/// Computes a state's root from its leaves in ascending order of their paths, without keeping them: for snapshots.
///
/// Holds the last leaf and, for each level at which its path leads right, the finished subtree to the left: at most 256 hashes.
/// The same subtrees are siblings in the last leaf's `StateProof`. So a chunk's last proof shows that every leaf up to there is right and
/// none is left out; and one may start in the middle, behind any leaf that is proved.
public struct StateRebuilder: Sendable {
    private var last: StateLeaf?
    /// Finished subtrees to the left of the way to `last`, by the bit that they stand beside, from the root on.
    private var finished: [(bit: Int, hash: Bytes32)] = []

    public init() {}

    /// Goes on behind the leaf at `path`, as if all before it had been given. Throws if `proof` does not prove that leaf under `root`.
    public init(after path: Bytes32, _ proof: StateProof, under root: Bytes32) throws(LedgerProofError) {
        guard let value = try proof.value(at: path, under: root) else { throw .leavesDiffer(upTo: path) }
        last = StateLeaf(path: path, value: value)
        finished = Self.left(of: path, proof)
    }

    /// Takes the next leaf. Throws if its path is not behind the one before.
    public mutating func append(path: Bytes32, value: Bytes32) throws(LedgerProofError) {
        if let last {
            guard path > last.path else { throw .outOfOrder(path: path, after: last.path) }
            let bit = path.commonPrefix(with: last.path)
            finished.append((bit, close(upTo: bit, last)))
        }
        last = StateLeaf(path: path, value: value)
    }

    /// The root of a state that has the leaves given so far, and no more.
    public var root: Bytes32 {
        var copy = self
        return last.map { copy.close(upTo: -1, $0) } ?? .zero
    }

    /// Throws unless the leaves so far are exactly those that `root` commits to, up to the last of them. `proof` is that one's.
    public func check(_ proof: StateProof, under root: Bytes32) throws(LedgerProofError) {
        guard let last else {
            if root != .zero { throw .leavesDiffer(upTo: .zero) }
            return
        }
        guard try proof.value(at: last.path, under: root) == last.value,
            Self.left(of: last.path, proof).elementsEqual(finished, by: ==)
        else { throw .leavesDiffer(upTo: last.path) }
    }

    /// The subtree that ends with `last`, as seen right below `bit`: takes from the finished ones those that belong into it.
    private mutating func close(upTo bit: Int, _ last: StateLeaf) -> Bytes32 {
        var hash = last.hash
        // A leaf is itself at any height.
        var depth: Int?
        while let left = finished.last, left.bit > bit {
            finished.removeLast()
            if let depth { hash = TreeHash.lift(hash, along: last.path, from: depth, to: left.bit + 1) }
            hash = TreeHash.node(left.hash, hash)
            depth = left.bit
        }
        return depth.map { TreeHash.lift(hash, along: last.path, from: $0, to: bit + 1) } ?? hash
    }

    private static func left(of path: Bytes32, _ proof: StateProof) -> [(bit: Int, hash: Bytes32)] {
        proof.way.enumerated().compactMap { bit, sibling in path.bit(bit) ? sibling.map { (bit, $0) } : nil }
    }
}
