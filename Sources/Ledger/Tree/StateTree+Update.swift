public import Primitives

extension StateTree {
    /// A path and the hash of its new value; nil removes it.
    public typealias Change = (path: Bytes32, value: Bytes32?)

    /// Applies a whole block's changes at once, in any order, each path once. A node that changes is hashed once, however many
    /// changes are below it; twice where a new branch comes to stand above it.
    public mutating func update(_ changes: [Change]) {
        let changes = changes.sorted { $0.path < $1.path }
        for (one, next) in zip(changes, changes.dropFirst()) { precondition(one.path != next.path, "\(one.path) changes twice") }
        let insertions = changes.count { $0.value != nil }
        precondition(count + insertions <= StateBranch.leavesMax, "more than \(StateBranch.leavesMax) leaves")
        top = apply(changes, changes.indices, to: top, at: 0, guide: nil)
    }

    /// The subtree that is left of `link`, which stands at `depth`, after the changes in `range`: these are sorted and all belong below it.
    /// `guide` is the leaf of it that the first change's bits lead to, where the caller knows it.
    private mutating func apply(
        _ changes: [Change], _ range: Range<Int>, to link: StateLink, at depth: Int, guide: Bytes32?
    ) -> StateLink {
        guard !range.isEmpty else { return link }
        let first = changes[range.lowerBound].path
        let last = changes[range.upperBound - 1].path
        switch link {
        case .empty:
            if range.count == 1 { return changes[range.lowerBound].value.map { insert(first, $0) } ?? .empty }
            let bit = first.commonPrefix(with: last)
            let middle = split(changes, range, at: bit)
            let left = apply(changes, range.lowerBound..<middle, to: .empty, at: bit + 1, guide: nil)
            let right = apply(changes, middle..<range.upperBound, to: .empty, at: bit + 1, guide: nil)
            return join(left, right, at: bit, seenAt: depth, along: first)
        case .leaf(let index):
            let path = leaves[index].path
            let bit = min(path.commonPrefix(with: first), path.commonPrefix(with: last))
            guard bit == Bytes32.bits else { return part(changes, range, from: link, at: depth, bit: bit, guide: path) }
            return change(index, to: changes[range.lowerBound].value)
        case .branch(let index):
            let branch = branches[index]
            var guide = guide
            if branch.bit > depth {
                let path = guide ?? leaf(under: link, along: first)!.path
                let bit = min(path.commonPrefix(with: first), path.commonPrefix(with: last))
                guard bit >= branch.bit else { return part(changes, range, from: link, at: depth, bit: bit, guide: path) }
                guide = path
            }
            let middle = split(changes, range, at: branch.bit)
            let goesLeft = middle > range.lowerBound
            let left = apply(
                changes, range.lowerBound..<middle, to: branch.left, at: branch.bit + 1, guide: goesLeft ? guide : nil)
            let right = apply(
                changes, middle..<range.upperBound, to: branch.right, at: branch.bit + 1, guide: goesLeft ? nil : guide)
            return rejoin(left, right, in: index, seenAt: depth, along: first)
        }
    }

    /// Some changes leave the way to `link` at `bit`, before its paths part: there a branch is made, if anything comes to be on its other side.
    private mutating func part(
        _ changes: [Change], _ range: Range<Int>, from link: StateLink, at depth: Int, bit: Int, guide: Bytes32
    ) -> StateLink {
        let middle = split(changes, range, at: bit)
        let (lower, upper) = (range.lowerBound..<middle, middle..<range.upperBound)
        let isRight = guide.bit(bit)
        let fresh = apply(changes, isRight ? lower : upper, to: .empty, at: bit + 1, guide: nil)
        let others = isRight ? upper : lower
        guard fresh != .empty else { return apply(changes, others, to: link, at: depth, guide: nil) }
        // Also when there are other changes below: they may be removals of what is not there, and leave it as it is.
        if case .branch(let index) = link { branches[index].hash = hash(ofBranch: index, at: bit + 1, along: guide) }
        let rest = apply(changes, others, to: link, at: bit + 1, guide: nil)
        return join(isRight ? fresh : rest, isRight ? rest : fresh, at: bit, seenAt: depth, along: guide)
    }

    /// Two sides that stand below `bit`, as one subtree seen at `depth`.
    private mutating func join(
        _ left: StateLink, _ right: StateLink, at bit: Int, seenAt depth: Int, along path: Bytes32
    ) -> StateLink {
        guard left != .empty, right != .empty else {
            return raise(left, right, from: bit, to: depth, along: path)
        }
        let index = branches.insert(StateBranch(bit: bit, left: left, right: right))
        branches[index].hash = hash(ofBranch: index, at: depth, along: path)
        return .branch(index)
    }

    /// The same for a branch that is there.
    private mutating func rejoin(
        _ left: StateLink, _ right: StateLink, in index: Int, seenAt depth: Int, along path: Bytes32
    ) -> StateLink {
        let bit = branches[index].bit
        guard left != .empty, right != .empty else {
            branches.remove(index)
            return raise(left, right, from: bit, to: depth, along: path)
        }
        branches[index].connect(left: left, right: right)
        branches[index].hash = hash(ofBranch: index, at: depth, along: path)
        return .branch(index)
    }

    /// What is left where one side has become empty. A leaf is itself at any height; of a branch the empty places on the way up are hashed in.
    private mutating func raise(
        _ left: StateLink, _ right: StateLink, from bit: Int, to depth: Int, along path: Bytes32
    ) -> StateLink {
        let link = left == .empty ? right : left
        if case .branch(let index) = link {
            let hash = branches[index].hash
            let node = left == .empty ? TreeHash.node(.zero, hash) : TreeHash.node(hash, .zero)
            branches[index].hash = TreeHash.lift(node, along: path, from: bit, to: depth)
        }
        return link
    }

    private mutating func insert(_ path: Bytes32, _ value: Bytes32) -> StateLink {
        .leaf(leaves.insert(StateLeaf(path: path, value: value)))
    }

    private mutating func change(_ index: Int, to value: Bytes32?) -> StateLink {
        guard let value else {
            leaves.remove(index)
            return .empty
        }
        leaves[index].value = value
        return .leaf(index)
    }

    /// Where the changes begin whose `bit` is 1.
    private func split(_ changes: [Change], _ range: Range<Int>, at bit: Int) -> Int {
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].path.bit(bit) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
