import CNetlink
import Glibc

/// A family of generic netlink, as the kernel numbers it since it was started (linux/genetlink.h).
public struct GenericFamily: Hashable, Sendable {
    public var id: UInt16
    /// Its multicast groups by name.
    public var groups: [String: UInt32]

    init?(payload: WireBytes) {
        guard let attributes = GenericMessage.attributes(payload),
            let id = attributes[Int(CTRL_ATTR_FAMILY_ID)]?.native(UInt16.self)
        else { return nil }
        self.id = id
        groups = [:]
        for group in attributes[Int(CTRL_ATTR_MCAST_GROUPS)].map(Attributes.init) ?? Attributes(.empty) {
            guard let name = group.nested[Int(CTRL_ATTR_MCAST_GRP_NAME)]?.text,
                let number = group.nested[Int(CTRL_ATTR_MCAST_GRP_ID)]?.native(UInt32.self)
            else { continue }
            groups[name] = number
        }
    }

    /// For tests and fuzzing.
    public static func decode(payload: [UInt8]) -> GenericFamily? { WireBytes.read(payload) { GenericFamily(payload: $0) } }
}

/// `struct genlmsghdr`: a command of the family, and attributes.
enum GenericMessage {
    static let headerSize = 4

    static func command(_ payload: WireBytes) -> Int? { payload[0].map(Int.init) }
    static func attributes(_ payload: WireBytes) -> Attributes? { payload.dropping(headerSize).map(Attributes.init) }
}

/// Requests to one family. One thread at a time.
public final class GenericSocket {
    private let socket: NetlinkSocket
    public let family: GenericFamily

    /// Throws `.refused` with ENOENT when the kernel has no such family: its module is not loaded.
    public init(family name: String, in namespace: NetworkNamespace? = nil) throws(NetlinkError) {
        socket = try NetlinkSocket(Int32(NETLINK_GENERIC), in: namespace)
        var builder = MessageBuilder()
        builder.message(type: Int(GENL_ID_CTRL), flags: 0) { builder in
            builder.append([UInt8(CTRL_CMD_GETFAMILY), 1, 0, 0])
            builder.attribute(Int(CTRL_ATTR_FAMILY_NAME), text: name)
        }
        var found: GenericFamily?
        let what = "look for the kernel's \(name)"
        try socket.request(what, builder) { message throws(NetlinkError) in
            guard let family = GenericFamily(payload: message.payload) else { throw .malformed(what) }
            found = family
        }
        guard let found else { throw .malformed(what) }
        family = found
    }

    func request(
        _ what: String, _ command: Int, _ attributes: (inout MessageBuilder) -> Void,
        _ body: (WireBytes) throws(NetlinkError) -> Void = { _ in }
    ) throws(NetlinkError) {
        try socket.request(what, message(command, flags: 0, attributes)) { message throws(NetlinkError) in
            try body(message.payload)
        }
    }

    func dump(
        _ what: String, _ command: Int, _ attributes: (inout MessageBuilder) -> Void = { _ in },
        _ body: (WireBytes) throws(NetlinkError) -> Void
    ) throws(NetlinkError) {
        try socket.dump(what, message(command, flags: Int(NLM_F_DUMP), attributes)) { message throws(NetlinkError) in
            try body(message.payload)
        }
    }

    private func message(_ command: Int, flags: Int, _ attributes: (inout MessageBuilder) -> Void) -> MessageBuilder {
        var builder = MessageBuilder()
        builder.message(type: Int(family.id), flags: flags) { builder in
            builder.append([UInt8(truncatingIfNeeded: command), 0, 0, 0])
            attributes(&builder)
        }
        return builder
    }
}
