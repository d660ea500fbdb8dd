import CNetlink
import Glibc

/// A netlink socket: sends requests, and believes an answer only after its sender, port, sequence and length are checked.
///
/// One thread at a time: its owner sees to that. It closes when it is let go.
public final class NetlinkSocket {
    /// The kernel packs dumps into pieces of at most 32 KiB; events are smaller.
    static let receiveSize = 64 << 10
    /// Room for the errors of a big batch, and for events that come in a burst.
    static let receiveQueue = 4 << 20
    /// The kernel answers at once; a minute means that it never will.
    static let timeoutMilliseconds: Int32 = 60_000

    public let descriptor: Int32
    let port: UInt32
    private let buffer: UnsafeMutableRawBufferPointer
    private var sequence: UInt32 = 1
    private var sendQueue: Int32 = 0

    /// - Parameters:
    ///   - kind: NETLINK_ROUTE, NETLINK_NETFILTER, ... (linux/netlink.h)
    ///   - groups: multicast groups to listen to; a listening socket is for `receive` alone
    public init(_ kind: Int32, groups: [UInt32] = [], in namespace: NetworkNamespace? = nil) throws(NetlinkError) {
        var port: UInt32 = 0
        let opened = try namespace.run { cnetlink_open(kind, &port) }
        guard opened >= 0 else { throw .system(call: "open a netlink socket", errno: -opened) }
        descriptor = opened
        self.port = port
        buffer = .allocate(byteCount: Self.receiveSize, alignment: 16)
        _ = cnetlink_set_buffers(opened, 0, Int32(Self.receiveQueue))  // smaller buffers work too, for less
        _ = cnetlink_set_receive_timeout(opened, Self.timeoutMilliseconds)
        for group in groups {
            let error = cnetlink_join(opened, group)
            guard error == 0 else { throw .system(call: "listen to netlink group \(group)", errno: -error) }
        }
    }

    deinit {
        close(descriptor)
        buffer.deallocate()
    }

    /// Sends all messages of `builder` in one piece; the last asks for an answer. Returns the first sequence number.
    func send(_ builder: consuming MessageBuilder, acknowledgeLast: Bool, what: String) throws(NetlinkError) -> UInt32 {
        guard !builder.isTooLong, builder.bytes.count < 1 << 30 else { throw .tooLong(what) }
        let first = sequence
        sequence &+= UInt32(builder.count)
        builder.number(from: first)
        if acknowledgeLast { builder.acknowledge(message: builder.count - 1) }
        let needed = Int32(builder.bytes.count) + 4096
        if needed > max(sendQueue, 150_000) {
            _ = cnetlink_set_buffers(descriptor, needed, 0)  // if refused, sending says EMSGSIZE
            sendQueue = needed
        }
        let error = builder.bytes.withUnsafeBytes { cnetlink_send(descriptor, $0.baseAddress, $0.count) }
        guard error == 0 else { throw .system(call: what, errno: -error) }
        return first
    }

    /// One request that is answered by an acknowledgement; data that comes before it goes to `body`.
    public func request(
        _ what: String, _ builder: consuming MessageBuilder, _ body: (Message) throws(NetlinkError) -> Void = { _ in }
    ) throws(NetlinkError) {
        let count = UInt32(builder.count)
        let first = try send(builder, acknowledgeLast: true, what: what)
        var failure: NetlinkError?
        var done = false
        while !done {
            try eachAnswer(to: first, count: count, what: what) { message throws(NetlinkError) in
                guard let answer = Acknowledgement(message) else { return try body(message) }
                if answer.errno != 0, failure == nil {
                    failure = .refused(request: what, errno: answer.errno, detail: answer.detail)
                }
                if message.sequence == first &+ (count - 1) { done = true }
            }
        }
        if let failure { throw failure }
    }

    /// Reads a whole table. Throws `.interrupted` if it changed meanwhile; what `body` got is then to be thrown away.
    public func dump(
        _ what: String, _ builder: consuming MessageBuilder, _ body: (Message) throws(NetlinkError) -> Void
    ) throws(NetlinkError) {
        let first = try send(builder, acknowledgeLast: false, what: what)
        var done = false
        // The first failure is kept and the rest is read away: an unfinished dump would make the next one "busy".
        var failure: NetlinkError?
        while !done {
            try eachAnswer(to: first, count: 1, what: what) { message throws(NetlinkError) in
                if message.wasInterrupted { failure = failure ?? .interrupted }
                if message.type == Int(NLMSG_DONE) {
                    done = true
                    let code = message.payload.native(Int32.self) ?? 0
                    if code < 0 { failure = failure ?? Self.refusal(what, errno: code == .min ? EIO : -code, detail: nil) }
                } else if let answer = Acknowledgement(message) {
                    done = true
                    failure = failure ?? Self.refusal(what, errno: answer.errno, detail: answer.detail)
                } else if failure == nil {
                    do throws(NetlinkError) { try body(message) } catch { failure = error }
                }
            }
        }
        if let failure { throw failure }
    }

    private static func refusal(_ what: String, errno: Int32, detail: String?) -> NetlinkError {
        errno == EINTR ? .interrupted : .refused(request: what, errno: errno, detail: detail)
    }

    /// The next datagram's messages, whoever asked for them: for multicast events. `.overrun` when some were lost.
    public func receive(_ body: (Message) -> Void) throws(NetlinkError) {
        var messages = try datagram(what: "listen to the kernel")
        while let message = messages.next() { body(message) }
    }

    /// One datagram; hands over the messages that answer requests `first..<first + count`, skips older ones.
    func eachAnswer(
        to first: UInt32, count: UInt32, what: String, _ body: (Message) throws(NetlinkError) -> Void
    ) throws(NetlinkError) {
        var messages = try datagram(what: what)
        while let message = messages.next() {
            guard message.port == port, message.sequence &- first < count else { continue }
            try body(message)
        }
        if messages.isBroken { throw .malformed("\(what): a message is cut short") }
    }

    private func datagram(what: String) throws(NetlinkError) -> Messages {
        while true {
            var sender: UInt32 = 0
            let count = cnetlink_receive(descriptor, buffer.baseAddress, buffer.count, 0, &sender)
            switch -Int32(truncatingIfNeeded: min(count, 0)) {
            case 0: break
            case EAGAIN: throw .timedOut(request: what)
            case ENOBUFS: throw .overrun
            case let error: throw .system(call: what, errno: error)
            }
            // Any process may send to our port; only the kernel's is 0.
            guard sender == 0 else { continue }
            return Messages(WireBytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])))
        }
    }
}
