import CNetlink

/// One received netlink message (linux/netlink.h, `struct nlmsghdr`), borrowed from the receive buffer.
public struct Message {
    public static let headerSize = 16

    public let type: Int
    public let flags: Int
    public let sequence: UInt32
    public let port: UInt32
    public let payload: WireBytes

    public var wasInterrupted: Bool { flags & Int(NLM_F_DUMP_INTR) != 0 }
}

/// The messages of one datagram. A message that is not whole ends it, with `isBroken` set.
public struct Messages: Sequence, IteratorProtocol {
    private let bytes: WireBytes
    private var offset = 0
    public private(set) var isBroken = false

    public init(_ bytes: WireBytes) { self.bytes = bytes }

    public mutating func next() -> Message? {
        guard offset < bytes.count, !isBroken else { return nil }
        guard let length = bytes.native(UInt32.self, at: offset), Int(length) >= Message.headerSize,
            let type = bytes.native(UInt16.self, at: offset + 4), let flags = bytes.native(UInt16.self, at: offset + 6),
            let sequence = bytes.native(UInt32.self, at: offset + 8), let port = bytes.native(UInt32.self, at: offset + 12),
            let payload = bytes.slice(at: offset + Message.headerSize, count: Int(length) - Message.headerSize)
        else {
            isBroken = true
            return nil
        }
        offset += netlinkAligned(Int(length))
        return Message(type: Int(type), flags: Int(flags), sequence: sequence, port: port, payload: payload)
    }
}
