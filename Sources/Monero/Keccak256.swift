public import Primitives

/// Keccak with 256 bits and its authors' own padding (0x01), as Monero hashes: not SHA-3, whose padding is 0x06.
///
/// Source: The Keccak reference, version 3.0 (https://keccak.team), section 1.2; Monero `crypto/keccak.c`.
public enum Keccak256 {
    private static let rate = 136

    public static func hash(_ bytes: some Collection<UInt8>) -> Bytes32 {
        var state = [UInt64](repeating: 0, count: 25)
        var block = [UInt8](repeating: 0, count: rate)
        var filled = 0
        for byte in bytes {
            block[filled] = byte
            filled += 1
            if filled == rate {
                absorb(block, into: &state)
                filled = 0
            }
        }
        for index in filled..<rate { block[index] = 0 }
        block[filled] ^= 0x01
        block[rate - 1] ^= 0x80
        absorb(block, into: &state)
        return Bytes32((0..<32).map { UInt8(truncatingIfNeeded: state[$0 / 8] >> (8 * UInt64($0 % 8))) })!
    }

    private static func absorb(_ block: [UInt8], into state: inout [UInt64]) {
        for lane in 0..<rate / 8 {
            var word: UInt64 = 0
            for index in (lane * 8..<lane * 8 + 8).reversed() { word = word << 8 | UInt64(block[index]) }
            state[lane] ^= word
        }
        permute(&state)
    }

    /// Keccak-f[1600]: theta, rho and pi, chi, iota; 24 rounds.
    private static func permute(_ a: inout [UInt64]) {
        var c = [UInt64](repeating: 0, count: 5)
        var b = [UInt64](repeating: 0, count: 25)
        for constant in roundConstants {
            for x in 0..<5 { c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] }
            for x in 0..<5 {
                let d = c[(x + 4) % 5] ^ rotated(c[(x + 1) % 5], by: 1)
                for y in 0..<5 { a[x + 5 * y] ^= d }
            }
            for x in 0..<5 {
                for y in 0..<5 { b[y + 5 * ((2 * x + 3 * y) % 5)] = rotated(a[x + 5 * y], by: offsets[x + 5 * y]) }
            }
            for y in 0..<5 {
                for x in 0..<5 { a[x + 5 * y] = b[x + 5 * y] ^ (~b[(x + 1) % 5 + 5 * y] & b[(x + 2) % 5 + 5 * y]) }
            }
            a[0] ^= constant
        }
    }

    private static func rotated(_ lane: UInt64, by count: UInt64) -> UInt64 {
        count == 0 ? lane : lane << count | lane >> (64 - count)
    }

    private static let offsets: [UInt64] = [
        0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14,
    ]

    /// From the linear feedback shift register x⁸ + x⁶ + x⁵ + x⁴ + 1 (reference, section 1.2): bit 2^j - 1 of round i is its output 7i + j.
    private static let roundConstants: [UInt64] = {
        var register: UInt8 = 1
        return (0..<24).map { _ in
            var constant: UInt64 = 0
            for power in 0..<7 {
                if register & 1 == 1 { constant |= 1 << UInt64((1 << power) - 1) }
                register = register << 1 ^ (register & 0x80 != 0 ? 0x71 : 0)
            }
            return constant
        }
    }()
}
