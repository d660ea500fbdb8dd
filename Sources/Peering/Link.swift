import NIOCore
import NIOPosix
import NIOSSL
import Primitives
import Synchronization

/// What a link has carried and still has to. Shared by the link's event loop and the network.
final class LinkCounters: Sendable {
    struct Values: Sendable {
        var bytesReceived: UInt64 = 0
        var bytesSent: UInt64 = 0
        var framesReceived: UInt64 = 0
        var roundTrip: Nanoseconds?
        fileprivate var isServed = false
        /// Events the network has not taken yet.
        fileprivate var waiting = 0
        fileprivate var queuedBytes = 0
        /// Since when frames are queued and none has left.
        fileprivate var stalledSince: Instant?
        fileprivate var allowance: TokenBucket
    }

    private let limits: PeeringLimits
    private let state: Mutex<Values>

    init(_ limits: PeeringLimits) {
        self.limits = limits
        state = Mutex(
            Values(
                allowance: TokenBucket(
                    perSecond: max(1, limits.framesPerSecond * 9 / 10), burst: max(1, limits.framesPerSecond), at: .now)))
    }

    var values: Values { state.withLock { $0 } }

    func received(bytes: Int) { state.withLock { $0.bytesReceived += UInt64(bytes) } }
    func receivedFrame() { state.withLock { $0.framesReceived += 1 } }
    /// The network has taken the link over.
    func serve() { state.withLock { $0.isServed = true } }
    var isServed: Bool { state.withLock { $0.isServed } }

    func delivered() { state.withLock { $0.waiting += 1 } }
    func taken() { state.withLock { $0.waiting -= 1 } }
    var areFramesWaiting: Bool { state.withLock { $0.waiting > 0 } }
    func sent(bytes: Int) { state.withLock { $0.bytesSent += UInt64(bytes) } }
    func measured(roundTrip: Nanoseconds) { state.withLock { $0.roundTrip = roundTrip } }

    /// Whether a frame of `bytes` may be queued: the peer takes no more frames in a second than it lets us send, and no more bytes
    /// than memory allows.
    func reserve(bytes: Int, at now: Instant) -> Bool {
        state.withLock { values in
            guard values.queuedBytes + bytes <= limits.queuedBytes, values.allowance.takeIfThere(1, at: now) else { return false }
            values.queuedBytes += bytes
            values.stalledSince = values.stalledSince ?? now
            return true
        }
    }

    func left(bytes: Int, at now: Instant) {
        state.withLock { values in
            values.queuedBytes -= bytes
            values.stalledSince = values.queuedBytes > 0 ? now : nil
        }
    }

    func isStalled(longerThan patience: Nanoseconds, at now: Instant) -> Bool {
        state.withLock { $0.stalledSince.map { now - $0 >= patience } ?? false }
    }
}

/// A link to a peer that said hello.
final class Link: Sendable {
    let peer: PeerID
    let info: PeerInfo
    let counters: LinkCounters
    private let channel: any Channel

    init(peer: PeerID, info: PeerInfo, on channel: LinkChannel) {
        (self.peer, self.info, self.counters, self.channel) = (peer, info, channel.counters, channel.stream.channel)
    }

    /// Whether the frame was queued.
    func send(_ frame: Frame) -> Bool {
        guard channel.isActive, counters.reserve(bytes: frame.length, at: .now) else { return false }
        channel.writeAndFlush(frame).whenComplete { [counters] _ in counters.left(bytes: frame.length, at: .now) }
        return true
    }

    func end(_ reason: Goodbye) { channel.triggerUserOutboundEvent(EndLink(reason: reason), promise: nil) }
}

/// A connection on its way to become a link.
struct LinkChannel: Sendable {
    /// Frames are written to the channel itself: a writer of its own must be finished also when nobody takes the connection over.
    let stream: NIOAsyncChannel<LinkEvent, Never>
    let counters: LinkCounters
    let remote: Endpoint

    /// Builds the pipeline; on the channel's event loop.
    init(on channel: any Channel, isInbound: Bool, identity: PeerIdentity, terms: LinkTerms) throws {
        let proven = ProvenKey()
        let counters = LinkCounters(terms.limits)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(identity.makeHandler(isInbound: isInbound, proven: proven))
        try pipeline.addHandler(LinkHandler(terms, proven: proven, counters: counters))
        stream = try NIOAsyncChannel(
            wrappingChannelSynchronously: channel,
            // A few frames ahead of their reader; beyond them the socket is not read.
            configuration: .init(backPressureStrategy: .init(lowWatermark: 1, highWatermark: 4)))
        self.counters = counters
        remote = channel.remoteAddress.flatMap(Endpoint.init) ?? Endpoint(address: .v4(0), port: 0)
    }

    private init(_ other: LinkChannel, remote: Endpoint) {
        (stream, counters, self.remote) = (other.stream, other.counters, remote)
    }

    /// With the address that the dialler found out by connecting.
    var connected: LinkChannel { LinkChannel(self, remote: stream.channel.remoteAddress.flatMap(Endpoint.init) ?? remote) }

    /// One read of 64 KiB at most before its frames are looked at.
    static let messagesPerRead: UInt = 1
    /// What stands ready for TCP; the rest of the queue waits.
    static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 32 << 10, high: 128 << 10)
}

extension Endpoint {
    init?(_ address: SocketAddress) {
        guard let text = address.ipAddress, let port = address.port, let ip = IPAddress(text) else { return nil }
        self.init(address: ip.unmapped, port: UInt16(clamping: port))
    }
}
