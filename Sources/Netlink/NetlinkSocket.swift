import CNetlink
import Glibc

/// One netlink socket. Not for use by two at once: whoever owns it serialises.
public final class NetlinkSocket {
    private let socket: OpaquePointer
    public let fd: Int32
    private let localPort: UInt32
    private var sequence: UInt32 = 1
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)

    /// Batches of tens of thousands of elements, and their refusals, fit into it.
    private static let bufferBytes: Int32 = 64 << 20

    /// - Parameters:
    ///   - protocolNumber: e.g. `NETLINK_NETFILTER`.
    ///   - namespace: path of the network namespace to open it in, e.g. `/run/netns/lab`. nil: this one.
    public init(_ protocolNumber: Int32, namespace: String? = nil, timeoutSeconds: Int32 = 10) throws(NetlinkError) {
        guard let socket = nl_socket_alloc() else { throw .socket(errno: ENOMEM) }
        let result =
            namespace.map { path in path.withCString { cnl_connect(socket, protocolNumber, $0) } }
            ?? cnl_connect(socket, protocolNumber, nil)
        guard result == 0 else {
            nl_socket_free(socket)
            throw .socket(errno: -result)
        }
        self.socket = socket
        fd = nl_socket_get_fd(socket)
        localPort = nl_socket_get_local_port(socket)
        cnl_tune(fd, Self.bufferBytes, timeoutSeconds)
    }

    deinit { nl_socket_free(socket) }

    public func join(group: Int32) throws(NetlinkError) {
        guard nl_socket_add_membership(socket, group) == 0 else { throw .socket(errno: Glibc.errno) }
    }

    public func nextSequence() -> UInt32 {
        defer { sequence &+= 1 }
        return sequence
    }

    public func send(_ bytes: [UInt8]) throws(NetlinkError) {
        let sent = bytes.withUnsafeBytes { Glibc.send(fd, $0.baseAddress, $0.count, 0) }
        guard sent == bytes.count else { throw .socket(errno: sent < 0 ? Glibc.errno : EMSGSIZE) }
    }

    /// The next datagram. A socket that lost events says so with `overrun`.
    public func receive() throws(NetlinkError) -> [UInt8] {
        while true {
            let length = recv(fd, &buffer, buffer.count, 0)
            if length >= 0 { return Array(buffer[..<length]) }
            switch Glibc.errno {
            case EINTR: continue
            case ENOBUFS: throw .overrun
            default: throw .socket(errno: Glibc.errno)
            }
        }
    }

    /// Sends one request and hands each answering message to `body`, until the kernel is done.
    ///
    /// Sequence and port of each answer are checked; what belongs to another request is skipped.
    public func request(
        _ type: UInt16, flags: Int32, header: [UInt8], attributes: (inout MessageBuilder) -> Void = { _ in },
        _ body: (Message) -> Void = { _ in }
    ) throws(NetlinkError) {
        let sequence = nextSequence()
        var builder = MessageBuilder()
        builder.begin(type: type, flags: UInt16(NLM_F_REQUEST | NLM_F_ACK | flags), sequence: sequence, header: header)
        attributes(&builder)
        builder.end()
        try send(builder.bytes)
        var wasInterrupted = false
        while true {
            for message in try Message.all(in: receive()) where message.sequence == sequence && message.port == localPort {
                wasInterrupted = wasInterrupted || message.flags & UInt16(NLM_F_DUMP_INTR) != 0
                switch Int32(message.type) {
                case NLMSG_ERROR:
                    if let error = Self.refusal(in: message, index: nil) { throw error }
                    if flags & NLM_F_DUMP != NLM_F_DUMP { return }
                case NLMSG_DONE:
                    let code = message.body.native(Int32.self)
                    if code < 0 { throw .refused(errno: -code, index: nil, words: "") }
                    if wasInterrupted { throw .interrupted }
                    return
                default: body(message)
                }
            }
        }
    }

    /// The error in an `NLMSG_ERROR`; nil for a plain acknowledgement. Public for the fuzzer: it reads what the kernel wrote.
    public static func refusal(in message: Message, index: Int?) -> NetlinkError? {
        let code = message.body.native(Int32.self)
        guard code != 0 else { return nil }
        var words = ""
        let isCapped = message.flags & UInt16(NLM_F_CAPPED) != 0
        if message.flags & UInt16(NLM_F_ACK_TLVS) != 0 {
            let original = isCapped ? 16 : Int(message.body.native(UInt32.self, at: 4))
            let attributes = message.body.dropping(4 + (max(16, original) + 3) & ~3)
            words = attributes.attribute(UInt16(NLMSGERR_ATTR_MSG.rawValue))?.text ?? ""
        }
        return .refused(errno: code == .min ? EIO : -code, index: index, words: words)
    }
}
