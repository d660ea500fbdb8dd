/// Thirty-two bytes without an allocation: a digest, a key, an identifier. Text form: 64 hexadecimal digits.
public struct Bytes32: Hashable, Comparable, Sendable {
    @usableFromInline var a: UInt64, b: UInt64, c: UInt64, d: UInt64

    public static let zero = Bytes32()

    public init() { (a, b, c, d) = (0, 0, 0, 0) }

    /// nil unless `bytes` holds exactly 32.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for (index, byte) in bytes.enumerated() {
            switch index / 8 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            default: words.3 = words.3 << 8 | UInt64(byte)
            }
        }
        (a, b, c, d) = words
    }

    /// The bytes as four big-endian words, for whoever walks or hashes them without an allocation.
    @inlinable public init(words: (UInt64, UInt64, UInt64, UInt64)) { (a, b, c, d) = words }
    @inlinable public var words: (UInt64, UInt64, UInt64, UInt64) { (a, b, c, d) }

    public var bytes: [UInt8] {
        [a, b, c, d].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } }
    }

    public static func < (left: Bytes32, right: Bytes32) -> Bool {
        (left.a, left.b, left.c, left.d) < (right.a, right.b, right.c, right.d)
    }
}

extension Bytes32: LosslessStringConvertible, Codable {
    public var description: String { Hex.encode(bytes) }
    public init?(_ description: String) {
        guard let bytes = Hex.decode(description, count: 32) else { return nil }
        self.init(bytes)
    }
    public init(from decoder: any Decoder) throws { self = try decodeText(from: decoder, as: "64 hexadecimal digits") }
    public func encode(to encoder: any Encoder) throws { try encodeText(self, to: encoder) }
}

extension Bytes32: Canonical {
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        var raw = bytes
        try coder.fixed(&raw, count: 32)
        self = Bytes32(raw)!
    }
}
