import CDigest

/// SHA-256 (FIPS 180-4) of messages that all begin with the same bytes: what these add is computed once.
///
/// A digest costs its blocks and no more: nothing is on the heap for a message of up to about 1,000 bytes.
struct PreparedDigest: Sendable {
    private typealias State = (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32)

    private static let blockSize = 64
    /// Behind a message: the bit 1, zeros, and its length in bits.
    private static let lengthSize = 8
    /// Section 5.3.3.
    private static let initial: State = (
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19
    )

    /// After the prefix's whole blocks, `blocks` bytes; what is left of it comes before every message.
    private var state = initial
    private var blocks = 0
    private var rest: [UInt8]

    init(prefix: [UInt8] = []) {
        blocks = prefix.count / Self.blockSize * Self.blockSize
        rest = Array(prefix[blocks...])
        let count = blocks / Self.blockSize
        if count > 0 { prefix.withUnsafeBytes { Self.take($0.baseAddress!, count, into: &state) } }
    }

    /// `SHA256(prefix ‖ message)`.
    func digest(_ message: UnsafeRawBufferPointer) -> Bytes32 {
        let filled = rest.count + message.count
        let size = (filled + 1 + Self.lengthSize + Self.blockSize - 1) / Self.blockSize * Self.blockSize
        var state = state
        withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { padded in
            padded.copyBytes(from: rest)
            UnsafeMutableRawBufferPointer(rebasing: padded[rest.count...]).copyMemory(from: message)
            UnsafeMutableRawBufferPointer(rebasing: padded[filled...]).initializeMemory(as: UInt8.self, repeating: 0)
            padded[filled] = 0x80
            let bits = UInt64(blocks + filled) * 8
            padded.storeBytes(of: bits.bigEndian, toByteOffset: size - Self.lengthSize, as: UInt64.self)
            Self.take(padded.baseAddress!, size / Self.blockSize, into: &state)
        }
        let (a, b, c, d, e, f, g, h) = state
        return Bytes32(words: (Self.join(a, b), Self.join(c, d), Self.join(e, f), Self.join(g, h)))
    }

    func digest(_ message: [UInt8]) -> Bytes32 { message.withUnsafeBytes(digest) }
    func digest(_ message: ArraySlice<UInt8>) -> Bytes32 { message.withUnsafeBytes(digest) }
    func digest(_ message: Bytes32) -> Bytes32 { message.withUnsafeBytes(digest) }

    /// Of 64 bytes: every node of a tree.
    func digest(_ first: Bytes32, _ second: Bytes32) -> Bytes32 {
        let ((a, b, c, d), (e, f, g, h)) = (first.words, second.words)
        let words = (a.bigEndian, b.bigEndian, c.bigEndian, d.bigEndian, e.bigEndian, f.bigEndian, g.bigEndian, h.bigEndian)
        return withUnsafeBytes(of: words, digest)
    }

    private static func take(_ bytes: UnsafeRawPointer, _ count: Int, into state: inout State) {
        withUnsafeMutableBytes(of: &state) { state in
            cdigest_sha256_blocks(
                state.baseAddress!.assumingMemoryBound(to: UInt32.self), bytes.assumingMemoryBound(to: UInt8.self), count)
        }
    }

    private static func join(_ high: UInt32, _ low: UInt32) -> UInt64 { UInt64(high) << 32 | UInt64(low) }
}
