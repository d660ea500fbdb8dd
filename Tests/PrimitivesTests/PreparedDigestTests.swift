import Crypto
@testable import Primitives
import SimulatedHAL
import Testing

/// Against the library's own SHA-256, on every length at which padding changes its form.
@Suite struct PreparedDigestTests {
    @Test(arguments: 0..<130) func areSHA256WhateverTheLengths(prefix: Int) {
        var random = SplitMix64(seed: UInt64(prefix))
        let bytes = random.bytes(prefix + 260)
        let prepared = PreparedDigest(prefix: Array(bytes[..<prefix]))
        for end in prefix...bytes.count {
            let expected = Array(SHA256.hash(data: bytes[..<end]))
            #expect(prepared.digest(Array(bytes[prefix..<end])).bytes == expected, "\(prefix) bytes and \(end - prefix)")
        }
    }

    /// More than the stack is used for.
    @Test(arguments: [1_023, 1_024, 65_537, 1 << 20]) func areSHA256OfLongMessages(length: Int) {
        var random = SplitMix64(seed: UInt64(length))
        let bytes = random.bytes(length)
        #expect(PreparedDigest().digest(bytes).bytes == Array(SHA256.hash(data: bytes)))
        #expect(PreparedDigest(prefix: Array(bytes[..<100])).digest(bytes[100...]).bytes == Array(SHA256.hash(data: bytes)))
    }
}
