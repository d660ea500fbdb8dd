/// Thirty-two bytes without an allocation: a digest, a key, an identifier. Text form: 64 hexadecimal digits.
public struct Bytes32: Hashable, Comparable, Sendable {
    /// The bytes as four big-endian words, so that words compare as the bytes do.
    @usableFromInline var a: UInt64, b: UInt64, c: UInt64, d: UInt64

    public static let zero = Bytes32()

    public static func random(using random: inout some RandomNumberGenerator) -> Bytes32 {
        Bytes32(words: (random.next(), random.next(), random.next(), random.next()))
    }

    public init() { (a, b, c, d) = (0, 0, 0, 0) }

    @inlinable public init(words: (UInt64, UInt64, UInt64, UInt64)) { (a, b, c, d) = words }

    /// The first 32 of `raw`.
    @usableFromInline init(loading raw: UnsafeRawBufferPointer) {
        precondition(raw.count >= 32, "32 bytes are loaded from \(raw.count)")
        a = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        b = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        c = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        d = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
    }

    /// nil unless `bytes` holds exactly 32.
    @inlinable public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        if let value = bytes.withContiguousStorageIfAvailable({ Bytes32(loading: UnsafeRawBufferPointer($0)) }) {
            self = value
        } else {
            self = Array(bytes).withUnsafeBytes { Bytes32(loading: $0) }
        }
    }

    /// The bytes as four big-endian words, for whoever walks them bit by bit.
    @inlinable public var words: (UInt64, UInt64, UInt64, UInt64) { (a, b, c, d) }

    public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// The bytes where they are, for hashing and writing without an array.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        Swift.withUnsafeBytes(of: (a.bigEndian, b.bigEndian, c.bigEndian, d.bigEndian), body)
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
    @inlinable public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.fixed(&self) }
}
