/// A point of edwards25519 as 32 bytes: y, little-endian, and the sign of x in the top bit (RFC 8032, section 5.1.2).
enum EncodedPoint {
    /// Whether libraries agree about it: y is below p = 2²⁵⁵ − 19, and the point is not one of the eight of small order.
    static func isAcceptable(_ point: Bytes32) -> Bool {
        var y = point.words
        y.3 &= ~0x80
        return !isAtLeastP(y) && !smallOrder.contains(Bytes32(words: y))
    }

    /// The bytes of p are `ed ff … ff 7f`: only the first can be larger.
    private static func isAtLeastP(_ y: (UInt64, UInt64, UInt64, UInt64)) -> Bool {
        y.3 == 0xffff_ffff_ffff_ff7f && y.2 == .max && y.1 == .max && y.0 | 0xff << 56 == .max && y.0 >> 56 >= 0xed
    }

    /// The y of the points whose order divides 8: 1 and −1 (orders 1 and 2), 0 (order 4), and ±y₈ (order 8).
    private static let smallOrder: [Bytes32] = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ].map { Bytes32($0)! }
}
