import CNetlink

/// One attribute: its type without the flag bits, and its value.
public struct Attribute {
    public let type: Int
    public let value: WireBytes

    public var nested: Attributes { Attributes(value) }
}

/// The attributes in a stretch of bytes, in order (linux/netlink.h, `struct nlattr`).
///
/// Iteration ends at the first attribute that is not whole; `isWellFormed` says whether there was one.
public struct Attributes: Sequence, IteratorProtocol {
    static let headerSize = 4
    private let bytes: WireBytes
    private var offset = 0

    public init(_ bytes: WireBytes) { self.bytes = bytes }

    public mutating func next() -> Attribute? {
        guard let length = bytes.native(UInt16.self, at: offset), let type = bytes.native(UInt16.self, at: offset + 2),
            Int(length) >= Self.headerSize,
            let value = bytes.slice(at: offset + Self.headerSize, count: Int(length) - Self.headerSize)
        else { return nil }
        offset += netlinkAligned(Int(length))
        return Attribute(type: Int(type) & 0x3fff, value: value)  // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
    }

    public subscript(type: Int) -> WireBytes? {
        for attribute in self where attribute.type == type { return attribute.value }
        return nil
    }

    /// False when bytes are left over that are no attribute.
    public var isWellFormed: Bool {
        var walk = self
        while walk.next() != nil {}
        return walk.offset >= bytes.count
    }
}

/// Messages and attributes start at multiples of four.
func netlinkAligned(_ length: Int) -> Int { (length + 3) & ~3 }
