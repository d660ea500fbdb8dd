public import Primitives

extension StateTree {
    /// The leaves behind `path` in ascending order of their paths; all without it. What this gives is of the tree as it is now.
    public func leaves(after path: Bytes32? = nil) -> Leaves { Leaves(of: self, after: path) }

    /// A walk over leaves, resumable behind any path. Remembers at most 256 places.
    public struct Leaves: Sequence, IteratorProtocol, Sendable {
        private let tree: StateTree
        /// What is still to be walked, the next on top.
        private var pending: [StateLink] = []

        init(of tree: StateTree, after path: Bytes32?) {
            self.tree = tree
            guard let path else {
                pending = [tree.top]
                return
            }
            guard let nearest = tree.leaf(under: tree.top, along: path) else { return }
            let shared = path.commonPrefix(with: nearest.path)
            var link = tree.top
            while case .branch(let index) = link, case let branch = tree.branches[index], branch.bit < shared {
                if !path.bit(branch.bit) { pending.append(branch.right) }
                link = branch.side(path.bit(branch.bit))
            }
            if nearest.path > path { pending.append(link) }
        }

        public mutating func next() -> (path: Bytes32, value: Bytes32)? {
            while let link = pending.popLast() {
                switch link {
                case .empty: return nil
                case .leaf(let index): return (tree.leaves[index].path, tree.leaves[index].value)
                case .branch(let index):
                    pending.append(tree.branches[index].right)
                    pending.append(tree.branches[index].left)
                }
            }
            return nil
        }
    }
}
