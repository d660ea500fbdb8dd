import Crypto

/// `TaggedHash` of two times 32 bytes, for trees: the tag's own digest is kept, and nothing is allocated for the message.
public struct PairHash: Sendable {
    private let prefix: (UInt64, UInt64, UInt64, UInt64)

    public init(tag: String) {
        prefix = Self.words(of: SHA256.hash(data: Array(tag.utf8)))
    }

    /// `SHA256(SHA256(tag) ‖ SHA256(tag) ‖ left ‖ right)`.
    public func digest(of left: Bytes32, _ right: Bytes32) -> Bytes32 {
        let (l, r) = (left.words, right.words)
        let message = (
            prefix.0.bigEndian, prefix.1.bigEndian, prefix.2.bigEndian, prefix.3.bigEndian,
            prefix.0.bigEndian, prefix.1.bigEndian, prefix.2.bigEndian, prefix.3.bigEndian,
            l.0.bigEndian, l.1.bigEndian, l.2.bigEndian, l.3.bigEndian,
            r.0.bigEndian, r.1.bigEndian, r.2.bigEndian, r.3.bigEndian
        )
        var hash = SHA256()
        withUnsafeBytes(of: message) { hash.update(bufferPointer: $0) }
        return Bytes32(words: Self.words(of: hash.finalize()))
    }

    private static func words(of digest: SHA256.Digest) -> (UInt64, UInt64, UInt64, UInt64) {
        digest.withUnsafeBytes { bytes in
            func word(_ index: Int) -> UInt64 {
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
            }
            return (word(0), word(1), word(2), word(3))
        }
    }
}
