import Primitives
import PublishedVectors
import SimulatedHAL
import Testing

@Suite struct MerkleTreeTests {
    struct File: Decodable {
        struct Path: Decodable, Sendable { var index: Int, count: Int, path: [String] }
        var entries: [String], roots: [String], paths: [Path]
    }
    static let file: File = PublishedVectors.load("merkle-rfc6962.json")
    static let entries = file.entries.map { Hex.decode($0)! }

    @Test(arguments: 0...8) func rootsAreThePublishedOnes(count: Int) {
        #expect(MerkleTree.root(Array(Self.entries.prefix(count))).description == Self.file.roots[count])
    }

    @Test(arguments: file.paths) func pathsAreThePublishedOnes(_ vector: File.Path) {
        let path = vector.path.map { Bytes32($0)! }
        let entries = Array(Self.entries.prefix(vector.count))
        #expect(MerkleTree.path(to: vector.index, in: entries) == path)
        #expect(
            MerkleTree.contains(
                entries[vector.index], at: vector.index, of: vector.count, path: path,
                root: Bytes32(Self.file.roots[vector.count])!))
    }

    @Test(arguments: Array(1...33) + [64, 65, 100]) func everyEntryIsProved(count: Int) {
        var random = SplitMix64(seed: UInt64(count))
        let entries = (0..<count).map { [UInt8($0)] + random.bytes(random.number(0...40)) }
        let root = MerkleTree.root(entries)
        for index in entries.indices {
            let path = MerkleTree.path(to: index, in: entries)
            #expect(MerkleTree.contains(entries[index], at: index, of: count, path: path, root: root))
            #expect(!MerkleTree.contains(entries[index] + [0], at: index, of: count, path: path, root: root))
            #expect(!MerkleTree.contains(entries[index], at: index, of: count, path: path + [root], root: root))
            #expect(!MerkleTree.contains(entries[index], at: count, of: count, path: path, root: root))
            #expect(!MerkleTree.contains(entries[index], at: -1, of: count, path: path, root: root))
            if count > 1 {
                #expect(!MerkleTree.contains(entries[index], at: index ^ 1, of: count, path: path, root: root))
                #expect(!MerkleTree.contains(entries[index], at: index, of: count, path: Array(path.dropLast()), root: root))
            }
        }
    }
}
