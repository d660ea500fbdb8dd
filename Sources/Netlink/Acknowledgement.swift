import CNetlink

/// The kernel's answer to one request: done (0) or an error number, with its words if it had any
/// (linux/netlink.h, `struct nlmsgerr`, `enum nlmsgerr_attrs`).
public struct Acknowledgement: Hashable, Sendable {
    public var errno: Int32
    public var detail: String?
    /// Where in the request the offending attribute starts.
    public var offset: UInt32?

    /// nil if `message` is no NLMSG_ERROR, or not whole.
    public init?(_ message: Message) {
        guard message.type == Int(NLMSG_ERROR) else { return nil }
        self.init(payload: message.payload, flags: message.flags)
    }

    init?(payload: WireBytes, flags: Int) {
        guard let code = payload.native(Int32.self), code <= 0, code > -4096,
            let length = payload.native(UInt32.self, at: 4)
        else { return nil }
        errno = -code
        guard flags & Int(NLM_F_ACK_TLVS) != 0 else { return }
        // The refused request's header is always echoed; its body only if the ack is not capped.
        let echoed = flags & Int(NLM_F_CAPPED) != 0 ? Message.headerSize : netlinkAligned(Int(length))
        guard let rest = payload.dropping(4 + echoed) else { return }
        for attribute in Attributes(rest) {
            switch attribute.type {
            case Int(NLMSGERR_ATTR_MSG.rawValue): detail = attribute.value.text
            case Int(NLMSGERR_ATTR_OFFS.rawValue): offset = attribute.value.native()
            default: break
            }
        }
    }

    /// The first answer in a whole datagram; for tests and fuzzing.
    public static func decode(datagram: [UInt8]) -> Acknowledgement? {
        WireBytes.read(datagram) { bytes in
            var messages = Messages(bytes)
            return messages.next().flatMap { Acknowledgement($0) }
        }
    }
}
