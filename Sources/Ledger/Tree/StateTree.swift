public import Primitives

/// The authenticated map of the ledger: 32-byte paths to 32-byte value hashes, under one root that depends on the content alone.
///
/// A compact sparse Merkle tree over 256 levels. A path is the tagged hash of a key; its bits lead from the root, 0 left and 1 right.
///
///                 root                    leaf  = tagged "qlink/state-leaf" (path ‖ value hash)
///               0 /  \ 1                  node  = tagged "qlink/state-node" (left ‖ right)
///             leaf    node                empty = 32 zero bytes
///                   0 /  \ 1
///                leaf    leaf             a subtree that has one leaf *is* that leaf
///
/// So an insertion or removal touches one path, removal restores the very same root, and what is absent can be proved absent.
/// Memory: 104 bytes a leaf, in two arrays without a pointer in them. A copy shares them until one of the two is changed.
public struct StateTree: Sendable {
    var leaves = Arena<StateLeaf>()
    var branches = Arena<StateBranch>()
    var top = StateLink.empty

    public init() {}

    /// `.zero` when empty.
    public var root: Bytes32 { hash(of: top) }

    public var count: Int { leaves.count }

    public func value(at path: Bytes32) -> Bytes32? {
        guard let leaf = leaf(under: top, along: path), leaf.path == path else { return nil }
        return leaf.value
    }

    /// The hash of a subtree as what is above it sees it.
    func hash(of link: StateLink) -> Bytes32 {
        switch link {
        case .empty: .zero
        case .leaf(let index): leaves[index].hash
        case .branch(let index): branches[index].hash
        }
    }

    /// The leaf that the bits of `path` lead to, where paths part: if not its own, then one that shares most of its bits.
    func leaf(under link: StateLink, along path: Bytes32) -> StateLeaf? {
        var link = link
        while case .branch(let index) = link {
            let branch = branches[index]
            link = branch.side(path.bit(branch.bit))
        }
        guard case .leaf(let index) = link else { return nil }
        return leaves[index]
    }

    /// The hash of the branch at `index` as seen at `depth`, from its two sides. `path` is one that leads to it.
    func hash(ofBranch index: Int, at depth: Int, along path: Bytes32) -> Bytes32 {
        let branch = branches[index]
        let hash = TreeHash.node(hash(of: branch.left), hash(of: branch.right))
        return TreeHash.lift(hash, along: path, from: branch.bit, to: depth)
    }
}
