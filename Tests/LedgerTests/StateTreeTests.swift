import Ledger
import Primitives
import SimulatedHAL
import Testing

@Suite struct StateTreeTests {
    @Test func theEmptyStateHasTheZeroRoot() {
        #expect(StateTree().root == .zero)
        #expect(StateTree().count == 0)
        #expect(Array(StateTree().leaves()).isEmpty)
    }

    @Test func rootsAreTheDefinitions() {
        #expect(StateVectors.cases.count == 6)
        for vector in StateVectors.cases {
            var tree = StateTree()
            tree.update(vector.leaves.map { ($0.path, $0.value) })
            #expect(tree.root == vector.root, "\(vector)")
            #expect(tree.count == vector.leaves.count, "\(vector)")
        }
    }

    /// A random history: what is there changes, goes and comes, a block at a time.
    @Test(arguments: 0..<25 as Range<UInt64>) func anyHistoryLeadsToTheRootOfItsContent(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let paths = random.paths(40)
        var (tree, naive, root) = (StateTree(), NaiveState(), Bytes32.zero)
        for block in 0..<10 {
            let changes = Self.changes(of: paths, &random)
            let before = (tree: tree, root: root)
            tree.update(changes)
            naive.update(changes)
            root = naive.root
            let place = "seed \(seed), block \(block)"
            #expect(tree.root == root, "\(place)")
            #expect(tree.count == naive.values.count, "\(place)")
            #expect(paths.allSatisfy { tree.value(at: $0) == naive.values[$0] }, "\(place)")
            #expect(Array(tree.leaves()).elementsEqual(naive.sorted, by: ==), "\(place)")
            #expect(before.tree.root == before.root, "a copy changed with the original: \(place)")
        }
    }

    @Test(arguments: 100..<120 as Range<UInt64>) func neitherOrderNorBlocksMatter(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let leaves: [StateTree.Change] = random.paths(50).map { ($0, random.digest()) }
        var whole = StateTree()
        whole.update(leaves)
        var single = StateTree()
        for leaf in leaves.shuffled(using: &random) { single.update([leaf]) }
        #expect(single.root == whole.root, "seed \(seed)")
        var blocks = StateTree()
        var rest = leaves.shuffled(using: &random)[...]
        while !rest.isEmpty {
            let block = rest.prefix(random.number(1...9))
            blocks.update(Array(block))
            rest = rest.dropFirst(block.count)
        }
        #expect(blocks.root == whole.root, "seed \(seed)")
    }

    @Test(arguments: 200..<220 as Range<UInt64>) func removalRestoresTheVerySameRoot(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let paths = random.paths(40)
        var tree = StateTree()
        var roots: [Bytes32] = []
        for path in paths {
            roots.append(tree.root)
            tree.update([(path, random.digest())])
        }
        #expect(Set(roots).count == paths.count)
        for (path, root) in zip(paths, roots).reversed() {
            tree.update([(path, nil)])
            #expect(tree.root == root, "seed \(seed)")
        }
        #expect(tree.root == .zero)
        #expect(tree.count == 0)
    }

    @Test func removingWhatIsNotThereChangesNothing() {
        var random = SplitMix64(seed: 1)
        let paths = random.paths(40)
        var tree = StateTree()
        tree.update([(paths[0], nil)])
        #expect(tree.root == .zero)
        tree.update(paths.prefix(20).map { ($0, random.digest()) })
        let root = tree.root
        tree.update(paths.suffix(20).map { ($0, nil) })
        #expect(tree.root == root)
        #expect(tree.count == 20)
    }

    /// Every path shares 250 bits with every other: the deepest tree that there is.
    @Test func sharedPrefixesOfTwoHundredAndFiftyBitsAreBorne() throws {
        var random = SplitMix64(seed: 2)
        let base = random.digest().bytes
        let paths = (0..<64).map { Bytes32(base.dropLast() + [base[31] & 0xc0 | $0])! }.shuffled(using: &random)
        var (tree, naive) = (StateTree(), NaiveState())
        for block in [paths[..<1], paths[1..<40], paths[40...]] {
            let changes: [StateTree.Change] = block.map { ($0, random.digest()) }
            tree.update(changes)
            naive.update(changes)
            #expect(tree.root == naive.root)
        }
        for path in paths { #expect(try tree.proof(of: path).value(at: path, under: tree.root) == naive.values[path]) }
        let removed: [StateTree.Change] = paths.prefix(63).map { ($0, nil) }
        tree.update(removed)
        naive.update(removed)
        #expect(tree.root == naive.root)
    }

    @Test(arguments: 300..<310 as Range<UInt64>) func leavesGoOnBehindAnyPath(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let paths = random.paths(60)
        var (tree, naive) = (StateTree(), NaiveState())
        let changes: [StateTree.Change] = paths.prefix(40).map { ($0, random.digest()) }
        tree.update(changes)
        naive.update(changes)
        let ends = [Bytes32.zero, Bytes32(Array(repeating: 0xff, count: 32))!]
        for path in paths + ends + paths.map({ $0.flipped(random.number(0...255)) }) {
            let expected = naive.sorted.filter { $0.path > path }
            #expect(Array(tree.leaves(after: path)).elementsEqual(expected, by: ==), "seed \(seed), after \(path)")
        }
    }

    /// Some of `paths`, each with a new value or none.
    static func changes(of paths: [Bytes32], _ random: inout SplitMix64) -> [StateTree.Change] {
        paths.shuffled(using: &random).prefix(random.number(1...30)).map { path in
            (path, random.chance(1, in: 3) ? nil : random.digest())
        }
    }
}
