public import Primitives

/// Reads a block from its first byte on, and never past its last.
struct BlockReader {
    /// What a template says that it cannot be.
    struct Malformed: Error { let what: String }

    let bytes: [UInt8]
    private(set) var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func byte(_ what: String) throws(Malformed) -> UInt8 {
        guard place < bytes.count else { throw Malformed(what: "it ends before its \(what)") }
        defer { place += 1 }
        return bytes[place]
    }

    mutating func skip(_ count: UInt64, _ what: String) throws(Malformed) {
        guard count <= UInt64(bytes.count - place) else { throw Malformed(what: "it ends within its \(what)") }
        place += Int(count)
    }

    /// Seven bits a byte, the lowest first; at most 64 bits (Monero `common/varint.h`).
    mutating func varint(_ what: String) throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let byte = try byte(what)
            guard shift < 63 || byte <= 1 else { break }
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 {
                guard byte != 0 || shift == 0 else { break }
                return value
            }
        }
        throw Malformed(what: "its \(what) is no number")
    }
}

enum Varint {
    static func bytes(_ value: UInt64) -> [UInt8] {
        var (rest, bytes) = (value, [UInt8]())
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}

/// The root of a block's transactions (Monero `crypto/tree-hash.c`): a binary tree whose lowest level is filled up from the right.
public enum TreeHash {
    /// - Parameter leaves: one at least
    public static func root(_ leaves: [Bytes32]) -> Bytes32 {
        guard leaves.count > 2 else {
            return leaves.count == 1 ? leaves[0] : pair(leaves[0], leaves[1])
        }
        // The largest power of two below the number of leaves is the width of the level above.
        var width = 1
        while width * 2 < leaves.count { width *= 2 }
        let single = 2 * width - leaves.count
        var level = Array(leaves[..<single])
        for index in stride(from: single, to: leaves.count, by: 2) { level.append(pair(leaves[index], leaves[index + 1])) }
        while level.count > 1 { level = stride(from: 0, to: level.count, by: 2).map { pair(level[$0], level[$0 + 1]) } }
        return level[0]
    }

    private static func pair(_ left: Bytes32, _ right: Bytes32) -> Bytes32 { Keccak256.hash(left.bytes + right.bytes) }
}
