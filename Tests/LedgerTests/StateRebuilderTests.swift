import Ledger
import Primitives
import SimulatedHAL
import Testing

@Suite struct StateRebuilderTests {
    typealias Leaf = (path: Bytes32, value: Bytes32)

    static func state(_ leaves: Int, seed: UInt64) -> StateTree {
        var random = SplitMix64(seed: seed)
        var tree = StateTree()
        tree.update(random.paths(leaves).map { ($0, random.digest()) })
        return tree
    }

    @Test(arguments: [0, 1, 2, 3, 10, 300], 0..<5 as Range<UInt64>) func sortedLeavesGiveTheTreesRoot(
        leaves: Int, seed: UInt64
    ) throws {
        let tree = Self.state(leaves, seed: seed)
        var rebuilder = StateRebuilder()
        var part = StateTree()
        for leaf in tree.leaves() {
            try rebuilder.append(path: leaf.path, value: leaf.value)
            guard leaves <= 10 else { continue }
            part.update([(leaf.path, leaf.value)])
            #expect(rebuilder.root == part.root, "seed \(seed)")
        }
        #expect(rebuilder.root == tree.root, "seed \(seed)")
    }

    @Test func leavesOutOfOrderAreRefused() throws {
        let leaves = Array(Self.state(3, seed: 1).leaves())
        var rebuilder = StateRebuilder()
        try rebuilder.append(path: leaves[1].path, value: leaves[1].value)
        for leaf in leaves[...1] {
            #expect(throws: LedgerProofError.outOfOrder(path: leaf.path, after: leaves[1].path)) {
                try rebuilder.append(path: leaf.path, value: leaf.value)
            }
        }
        try rebuilder.append(path: leaves[2].path, value: leaves[2].value)
    }

    /// Chunks as they come from a peer: each is believed as soon as its last leaf's proof is there.
    @Test(arguments: [1, 7, 64], 0..<5 as Range<UInt64>) func everyHonestChunkIsBelieved(size: Int, seed: UInt64) throws {
        let tree = Self.state(100, seed: seed)
        let chunks = Self.chunks(of: tree, size)
        var inOrder = StateRebuilder()
        var before: Leaf?
        for chunk in chunks {
            let last = try #require(chunk.last)
            let proof = tree.proof(of: last.path)
            // By itself, behind the proved last leaf of the one before; and as the next of all.
            var alone =
                try before.map { try StateRebuilder(after: $0.path, tree.proof(of: $0.path), under: tree.root) }
                ?? StateRebuilder()
            for leaf in chunk {
                try alone.append(path: leaf.path, value: leaf.value)
                try inOrder.append(path: leaf.path, value: leaf.value)
            }
            try alone.check(proof, under: tree.root)
            try inOrder.check(proof, under: tree.root)
            #expect(alone.root == inOrder.root)
            before = last
        }
        #expect(inOrder.root == tree.root)
    }

    enum Lie: CaseIterable { case omission, omissionAtTheStart, omissionAtTheEnd, invention, otherValue, otherLastValue }

    @Test(arguments: Lie.allCases, 0..<10 as Range<UInt64>) func aFakeChunkIsRefusedAtOnce(lie: Lie, seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let tree = Self.state(100, seed: seed)
        let chunks = Self.chunks(of: tree, 20)
        let number = random.number(1...chunks.count - 1)
        var chunk = chunks[number]
        let place = random.number(1...chunk.count - 2)
        switch lie {
        case .omission: chunk.remove(at: place)
        case .omissionAtTheStart: chunk.removeFirst()
        case .omissionAtTheEnd: chunk.remove(at: chunk.count - 2)
        case .invention:
            let between = try #require(
                (0...255).map { chunk[place].path.flipped($0) }.first {
                    $0 > chunk[place].path && $0 < chunk[place + 1].path
                })
            chunk.insert((between, random.digest()), at: place + 1)
        case .otherValue: chunk[place].value = random.digest()
        case .otherLastValue: chunk[chunk.count - 1].value = random.digest()
        }
        let before = try #require(chunks[number - 1].last)
        var rebuilder = try StateRebuilder(after: before.path, tree.proof(of: before.path), under: tree.root)
        for leaf in chunk { try rebuilder.append(path: leaf.path, value: leaf.value) }
        let last = try #require(chunk.last)
        #expect(throws: LedgerProofError.self, "seed \(seed)") {
            try rebuilder.check(tree.proof(of: last.path), under: tree.root)
        }
    }

    @Test func oneCannotStartBehindALeafThatIsNotThere() throws {
        let tree = Self.state(30, seed: 5)
        var random = SplitMix64(seed: 6)
        let absent = random.digest()
        #expect(throws: LedgerProofError.leavesDiffer(upTo: absent)) {
            try StateRebuilder(after: absent, tree.proof(of: absent), under: tree.root)
        }
        let leaf = try #require(Array(tree.leaves()).first)
        #expect(throws: LedgerProofError.self) { try StateRebuilder(after: leaf.path, tree.proof(of: leaf.path), under: absent) }
    }

    /// A state without leaves has none to prove: a rebuilder that was given none has its root and nothing else to show.
    @Test func nothingProvesNothing() throws {
        #expect(StateRebuilder().root == .zero)
        #expect(throws: LedgerProofError.self) {
            try StateRebuilder().check(StateProof(), under: Self.state(3, seed: 1).root)
        }
    }

    static func chunks(of tree: StateTree, _ size: Int) -> [[Leaf]] {
        var chunks: [[Leaf]] = []
        while true {
            let chunk = Array(tree.leaves(after: chunks.last?.last?.path).prefix(size))
            if chunk.isEmpty { return chunks }
            chunks.append(chunk)
        }
    }
}
