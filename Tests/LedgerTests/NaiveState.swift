import Ledger
import Primitives
import PublishedVectors
import SimulatedHAL

/// The state tree by its definition alone: a dictionary, and a root that is computed anew from all of it.
struct NaiveState {
    var values: [Bytes32: Bytes32] = [:]

    var sorted: [(path: Bytes32, value: Bytes32)] { values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }

    var root: Bytes32 { Self.root(of: sorted.map { ($0.path.bytes, $0.value.bytes) }[...], level: 0) }

    mutating func update(_ changes: [StateTree.Change]) { for change in changes { values[change.path] = change.value } }

    private static func root(of leaves: ArraySlice<(path: [UInt8], value: [UInt8])>, level: Int) -> Bytes32 {
        guard let first = leaves.first else { return Bytes32(Array(repeating: 0, count: 32))! }
        if leaves.count == 1 { return TaggedHash.digest(tag: "qlink/state-leaf", first.path + first.value) }
        let middle: Int = leaves.firstIndex(where: { $0.path[level / 8] & 0x80 >> UInt8(level % 8) != 0 }) ?? leaves.endIndex
        let (left, right) = (root(of: leaves[..<middle], level: level + 1), root(of: leaves[middle...], level: level + 1))
        return TaggedHash.digest(tag: "qlink/state-node", left.bytes + right.bytes)
    }
}

extension SplitMix64 {
    mutating func digest() -> Bytes32 { Bytes32(bytes(32))! }

    /// `count` different paths. A third of them share up to 255 bits with another, as an attacker would like them to.
    mutating func paths(_ count: Int) -> [Bytes32] {
        var paths: [Bytes32] = []
        while paths.count < count {
            let path = paths.isEmpty || chance(2, in: 3) ? digest() : pick(paths).flipped(number(0...255))
            if !paths.contains(path) { paths.append(path) }
        }
        return paths
    }
}

extension Bytes32 {
    func flipped(_ bit: Int) -> Bytes32 {
        var bytes = bytes
        bytes[bit / 8] ^= 0x80 >> UInt8(bit % 8)
        return Bytes32(bytes)!
    }
}

/// Tests/Vectors/state-tree.json, written by state-tree.py beside it from the protocol's definition.
struct StateVectors: Decodable {
    struct Leaf: Decodable { let path, value: Bytes32 }
    struct Proof: Decodable {
        let path: Bytes32
        let value: Bytes32?
        let proof: String
    }
    struct Case: Decodable, CustomStringConvertible {
        let name: String
        let leaves: [Leaf]
        let root: Bytes32
        let proofs: [Proof]
        var description: String { name }
    }
    let cases: [Case]

    static let cases: [Case] = PublishedVectors.load("state-tree.json", as: StateVectors.self).cases
}
