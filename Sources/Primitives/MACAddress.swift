/// A 48-bit IEEE 802 MAC address; its text form is lower-case with colons.
///
/// It names a device on a link. It is a hint, never an identity: anyone can wear it.
public struct MACAddress: Hashable, Comparable, Sendable {
    /// The six octets, the first on the wire in the most significant place.
    public let value: UInt64

    public init(value: UInt64) { self.value = value & 0xffff_ffff_ffff }

    /// nil unless `octets` holds exactly six bytes, in wire order.
    public init?(octets: some Collection<UInt8>) {
        guard octets.count == 6 else { return nil }
        value = octets.reduce(0) { $0 << 8 | UInt64($1) }
    }

    public var octets: [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: value >> (40 - 8 * $0)) } }
    public var isMulticast: Bool { value >> 40 & 1 == 1 }

    public static func < (left: MACAddress, right: MACAddress) -> Bool { left.value < right.value }
}

extension MACAddress: LosslessStringConvertible, Codable {
    public var description: String { octets.map { Hex.encode([$0]) }.joined(separator: ":") }

    public init?(_ description: String) {
        let parts = description.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 6 else { return nil }
        var octets: [UInt8] = []
        for part in parts {
            guard let octet = Hex.decode(part, count: 1) else { return nil }
            octets += octet
        }
        self.init(octets: octets)
    }

    public init(from decoder: any Decoder) throws {
        self = try decodeText(from: decoder, as: "a MAC address like 02:00:00:00:00:11")
    }
    public func encode(to encoder: any Encoder) throws { try encodeText(self, to: encoder) }
}

extension MACAddress: Canonical {
    public init() { value = 0 }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        var raw = value
        try coder.integer(&raw)
        guard raw >> 48 == 0 else { throw .invalid("a MAC address has 48 bits") }
        self = MACAddress(value: raw)
    }
}
