import Ledger
import Primitives
import SimulatedHAL
import Testing

@Suite struct StateProofTests {
    static func state(_ leaves: Int, seed: UInt64) -> (tree: StateTree, paths: [Bytes32], absent: [Bytes32]) {
        var random = SplitMix64(seed: seed)
        let paths = random.paths(leaves * 2)
        var tree = StateTree()
        tree.update(paths.prefix(leaves).map { ($0, random.digest()) })
        return (tree, Array(paths.prefix(leaves)), paths.suffix(leaves) + [random.digest()])
    }

    @Test func proofsAreTheDefinitions() throws {
        for vector in StateVectors.cases {
            var tree = StateTree()
            tree.update(vector.leaves.map { ($0.path, $0.value) })
            #expect(!vector.proofs.isEmpty)
            for expected in vector.proofs {
                let proof = tree.proof(of: expected.path)
                #expect(Hex.encode(proof.canonicalBytes) == expected.proof, "\(vector)")
                let read = try StateProof(canonicalBytes: Hex.decode(expected.proof)!)
                #expect(read == proof)
                #expect(try read.value(at: expected.path, under: vector.root) == expected.value)
            }
        }
    }

    @Test(arguments: [0, 1, 2, 3, 10, 200], 0..<3 as Range<UInt64>) func whatIsThereAndWhatIsNotIsProved(
        leaves: Int, seed: UInt64
    ) throws {
        let (tree, paths, absent) = Self.state(leaves, seed: seed)
        for path in paths {
            let value = try #require(tree.value(at: path))
            #expect(try tree.proof(of: path).value(at: path, under: tree.root) == value)
        }
        for path in absent {
            #expect(tree.value(at: path) == nil)
            #expect(try tree.proof(of: path).value(at: path, under: tree.root) == nil)
        }
    }

    @Test(arguments: [1, 2, 3, 12, 40]) func aProofHoldsForNoOtherRootAndNoOtherPath(leaves: Int) throws {
        let (tree, paths, absent) = Self.state(leaves, seed: 7)
        var changed = tree
        changed.update([(paths[0], nil)])
        for path in paths + absent {
            let proof = tree.proof(of: path)
            #expect(throws: LedgerProofError.self) { try proof.value(at: path, under: .zero) }
            #expect(throws: LedgerProofError.self) { try proof.value(at: path, under: changed.root) }
            // Of another path it says nothing, or nothing false: one empty place is the absence of many paths.
            for other in paths + absent where other != path {
                guard let claim = Self.claimed(proof.canonicalBytes, at: other, under: tree.root) else { continue }
                #expect(claim == tree.value(at: other))
            }
        }
        for path in paths {
            for other in paths where other != path {
                #expect(throws: LedgerProofError.self) { try tree.proof(of: other).value(at: path, under: tree.root) }
            }
        }
    }

    @Test(arguments: [0, 1, 2, 5, 30]) func everyFlippedBitIsRefused(leaves: Int) throws {
        let (tree, paths, absent) = Self.state(leaves, seed: 3)
        for path in paths.prefix(2) + absent.prefix(3) {
            let bytes = tree.proof(of: path).canonicalBytes
            for bit in 0..<bytes.count * 8 {
                var flipped = bytes
                flipped[bit / 8] ^= 1 << UInt8(bit % 8)
                #expect(Self.claimed(flipped, at: path, under: tree.root) == nil, "bit \(bit) of \(Hex.encode(bytes))")
            }
        }
    }

    @Test func presenceCannotBeTurnedIntoAbsenceNorBack() throws {
        let (tree, paths, absent) = Self.state(20, seed: 4)
        for path in paths {
            let bytes = tree.proof(of: path).canonicalBytes
            let (value, siblings) = (Array(bytes[1..<33]), Array(bytes[33...]))
            // The leaf left out; the leaf called another's, under its own path and under a neighbour's.
            #expect(Self.claimed([0] + siblings, at: path, under: tree.root) == nil)
            #expect(Self.claimed([2] + path.bytes + value + siblings, at: path, under: tree.root) == nil)
            #expect(Self.claimed([2] + path.flipped(255).bytes + value + siblings, at: path, under: tree.root) == nil)
            // A leaf that stands elsewhere, called the only one here.
            for other in paths.prefix(5) where other != path {
                var foreign = tree.proof(of: other).canonicalBytes
                foreign.replaceSubrange(0..<1, with: [2] + other.bytes)
                guard let claim = Self.claimed(foreign, at: path, under: tree.root) else { continue }
                Issue.record("\(other) proved that \(path) has \(claim as Any)")
            }
        }
        for path in absent {
            var bytes = tree.proof(of: path).canonicalBytes
            if bytes[0] == 2 {
                bytes.replaceSubrange(0..<33, with: [1])
            } else {
                bytes.replaceSubrange(0..<1, with: [1] + Bytes32.zero.bytes)
            }
            #expect(Self.claimed(bytes, at: path, under: tree.root) == nil)
        }
    }

    /// A proof has one form: empty siblings are never written out, the last one is never empty, and the two lists agree.
    @Test(arguments: [
        ("03", "no such end"),
        ("00 01000000 00 00000000", "the last sibling is empty"),
        ("00 02000000 0100 01000000 11", "the last sibling is empty"),
        ("00 01000000 01 00000000", "a sibling is missing"),
        ("00 01000000 01 02000000 11 11", "a sibling is too many"),
        ("00 00000000 01000000 11", "a sibling is too many"),
        ("00 01000000 03 02000000 11 zz", "an empty sibling is written out"),
        ("00 21000000", "longer than a path"),
        ("00 ffffffff", "longer than a path"),
        ("00 00000000 01010000", "more siblings than bits"),
        ("00 00000000 ffffffff", "more siblings than bits"),
        ("00 00000000 00000000 00", "more than a proof"),
        ("01 11 00000000", "truncated"),
        ("", "truncated"),
    ]) func otherFormsAreRefused(form: String, why: String) throws {
        let bytes = form.split(separator: " ").flatMap { part in
            switch part {
            case "11": [UInt8](repeating: 0x11, count: 32)
            case "zz": [UInt8](repeating: 0, count: 32)
            default: Hex.decode(part)!
            }
        }
        #expect(throws: CanonicalError.self, "\(why)") { try StateProof(canonicalBytes: bytes) }
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func hostileBytesAreRefusedAndNeverTrap(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let (tree, paths, absent) = Self.state(30, seed: seed)
        for round in 0..<300 {
            let path = random.pick(paths + absent)
            let honest = tree.proof(of: path).canonicalBytes
            var bytes = honest
            switch round % 4 {
            case 0: bytes = random.bytes(random.number(0...200))
            case 1: bytes = Array(bytes.prefix(random.number(0...bytes.count - 1)))
            case 2: bytes.insert(contentsOf: random.bytes(random.number(1...40)), at: random.number(0...bytes.count))
            default:
                for _ in 0...random.number(0...4) { bytes[random.number(0...bytes.count - 1)] = UInt8(random.number(0...255)) }
            }
            guard bytes != honest else { continue }
            #expect(Self.claimed(bytes, at: path, under: tree.root) == nil, "seed \(seed), round \(round)")
        }
    }

    @Test func theLongestWayIsProved() throws {
        var random = SplitMix64(seed: 9)
        let path = random.digest()
        var tree = StateTree()
        tree.update((0..<256).map { (path.flipped($0), random.digest()) } + [(path, random.digest())])
        let proof = tree.proof(of: path)
        #expect(proof.canonicalBytes.count == 1 + 32 + 4 + 32 + 4 + 256 * 32)
        #expect(try StateProof(canonicalBytes: proof.canonicalBytes).value(at: path, under: tree.root) == tree.value(at: path))
        tree.update([(path, nil)])
        #expect(try tree.proof(of: path).value(at: path, under: tree.root) == nil)
    }

    /// What the bytes prove at `path`; nil when they are no proof of it.
    static func claimed(_ bytes: [UInt8], at path: Bytes32, under root: Bytes32) -> Bytes32?? {
        guard let proof = try? StateProof(canonicalBytes: bytes) else { return nil }
        #expect(proof.canonicalBytes == bytes, "a second form of one proof")
        do { return .some(try proof.value(at: path, under: root)) } catch { return nil }
    }
}
