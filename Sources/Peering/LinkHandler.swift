import NIOCore
import NIOTLS
import Primitives

/// What a link tells the network, in order.
enum LinkEvent: Sendable {
    /// First of all: who is there, and that the hello was good.
    case opened(PeerID, Hello)
    case frame(Frame)
    /// Frames came too fast for `floodPatience`, once more.
    case flooded
}

/// Asks a link's handler, from outside, to say goodbye.
struct EndLink: Sendable {
    let reason: Goodbye
}

/// What both ends of a link are held to.
struct LinkTerms: Sendable {
    var identity: PeerID
    /// Whom the dialler wants to find; nil when it takes anybody.
    var expected: PeerID?
    var limits: PeeringLimits
    var frames: FrameLimits
    /// Asked at the end of the handshake, when a clock may have been set.
    var hello: @Sendable () -> Hello
}

/// One link between the bytes of TLS and the frames of the network: handshake, hello, limits and clocks. Lives on its event loop.
///
/// ```
///  securing ──TLS──▶ greeting ──hello──▶ open ──▶ ended
///     └── error, late ──┴── wrong, late ───┴── malformed, silent, slow, goodbye ──▶ ended
/// ```
final class LinkHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = LinkEvent
    typealias OutboundIn = Frame
    typealias OutboundOut = ByteBuffer

    private enum Phase { case securing, greeting, open, ended }

    private let terms: LinkTerms
    private let proven: ProvenKey
    private let counters: LinkCounters
    private var phase = Phase.securing
    private var decoder: FrameDecoder
    private var throttle: Throttle
    private var deadline: Scheduled<Void>?
    private var clock: Scheduled<Void>?
    private var resumption: Scheduled<Void>?

    private var heardAt: Instant
    private var ping: (number: UInt64, at: Instant)?
    private var pingNumber: UInt64 = 0
    private var isReadWanted = false
    private var isPaused = false

    init(_ terms: LinkTerms, proven: ProvenKey, counters: LinkCounters) {
        (self.terms, self.proven, self.counters) = (terms, proven, counters)
        heardAt = .now
        decoder = FrameDecoder(limits: terms.frames)
        throttle = Throttle(terms.limits, at: heardAt)
    }

    // MARK: Clocks

    func handlerAdded(context: ChannelHandlerContext) {
        // Also ends what came while the network was shutting down, and nobody took over.
        deadline = schedule(terms.limits.handshake, context) {
            if $0.phase != .open || !$0.counters.isServed { $0.end(.late, context) }
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { stopClocks() }

    private func schedule(
        _ wait: Nanoseconds, _ context: ChannelHandlerContext, _ body: @escaping (LinkHandler) -> Void
    ) -> Scheduled<Void> {
        context.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(wait.count)) { body(self) }
    }

    private func stopClocks() {
        deadline?.cancel()
        clock?.cancel()
        resumption?.cancel()
        (deadline, clock, resumption) = (nil, nil, nil)
    }

    private func tick(_ context: ChannelHandlerContext) {
        guard phase == .open else { return }
        let now = Instant.now
        clock = schedule(terms.limits.tick, context) { $0.tick(context) }
        if counters.isStalled(longerThan: terms.limits.stalledWrites, at: now) { return end(.slowReader, context) }
        // While frames wait here, the silence is our own.
        if isPaused || counters.areFramesWaiting { heardAt = now }
        let quiet = now - heardAt
        if quiet >= terms.limits.silence { return end(.silent, context) }
        if quiet >= terms.limits.quietBeforePing, ping.map({ now - $0.at >= terms.limits.quietBeforePing }) ?? true {
            sendPing(context, now)
        }
    }

    private func sendPing(_ context: ChannelHandlerContext, _ now: Instant) {
        pingNumber += 1
        ping = (pingNumber, now)
        put(FrameType.ping, ByteBuffer(integer: pingNumber), context)
    }

    // MARK: From the wire

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let agreed)? = event as? TLSUserEvent { secured(agreed, context) }
        context.fireUserInboundEventTriggered(event)
    }

    private func secured(_ agreed: String?, _ context: ChannelHandlerContext) {
        guard phase == .securing else { return }
        guard agreed == PeerIdentity.applicationProtocol, let peer = proven.key else {
            return fail(.failed("the other end speaks TLS, but not \(PeerIdentity.applicationProtocol)"), context)
        }
        phase = .greeting
        guard peer != terms.identity else { return end(.isSelf, context) }
        guard terms.expected == nil || terms.expected == peer else { return end(.impostor, context) }
        put(FrameType.hello, ByteBuffer(bytes: terms.hello().canonicalBytes), context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase != .ended else { return }
        let part = unwrapInboundIn(data)
        let now = Instant.now
        heardAt = now
        counters.received(bytes: part.readableBytes)
        throttle.received(bytes: part.readableBytes, at: now)
        decoder.append(part)
        if !isPaused { drain(context, now) }
    }

    /// Looks at frames as long as the throttle lets it, then pauses.
    private func drain(_ context: ChannelHandlerContext, _ now: Instant) {
        do {
            while phase != .ended, throttle.pause(at: now) == .zero, let frame = try decoder.next() {
                throttle.receivedFrame(at: now)
                counters.receivedFrame()
                take(frame, context, now)
            }
        } catch {
            return end(.malformed, context)
        }
        guard phase != .ended else { return }
        if throttle.isFlooded(at: now) { deliver(.flooded, context) }
        let pause = throttle.pause(at: now)
        guard pause > .zero else { return }
        isPaused = true
        // Not for a single token: twenty milliseconds' worth costs less.
        resumption = schedule(max(pause, .milliseconds(20)), context) { $0.resume(context) }
    }

    private func resume(_ context: ChannelHandlerContext) {
        guard phase != .ended else { return }
        isPaused = false
        drain(context, .now)
        context.fireChannelReadComplete()
        guard phase != .ended, !isPaused, isReadWanted else { return }
        isReadWanted = false
        context.read()
    }

    private func take(_ frame: Frame, _ context: ChannelHandlerContext, _ now: Instant) {
        switch (phase, frame.type) {
        case (.greeting, FrameType.hello): greet(frame, context, now)
        case (_, FrameType.goodbye):
            let reason = frame.payload.getInteger(at: frame.payload.readerIndex, as: UInt8.self).flatMap(Goodbye.init)
            fail(reason.map { .told($0) } ?? .lost("the peer left for a reason unknown here"), context)
        case (.open, FrameType.ping):
            // To a peer that does not read, no answers are piled up.
            if context.channel.isWritable { put(FrameType.pong, frame.payload, context) }
        case (.open, FrameType.pong):
            guard let sent = ping, frame.payload.getInteger(at: frame.payload.readerIndex) == sent.number else { return }
            ping = nil
            counters.measured(roundTrip: now - sent.at)
        case (.open, let type) where type != FrameType.hello: deliver(.frame(frame), context)
        default: end(.malformed, context)
        }
    }

    private func deliver(_ event: LinkEvent, _ context: ChannelHandlerContext) {
        counters.delivered()
        context.fireChannelRead(wrapInboundOut(event))
    }

    private func greet(_ frame: Frame, _ context: ChannelHandlerContext, _ now: Instant) {
        let bytes = Array(frame.payload.readableBytesView)
        // The version stands first in every version of the hello; what follows may not be readable.
        guard bytes.count >= 2 else { return end(.malformed, context) }
        guard UInt16(bytes[0]) | UInt16(bytes[1]) << 8 == Hello.currentVersion else { return end(.wrongVersion, context) }
        guard let hello = try? Hello(canonicalBytes: bytes), let peer = proven.key else { return end(.malformed, context) }
        guard hello.chainID == terms.hello().chainID else { return end(.wrongChain, context) }
        phase = .open
        deliver(.opened(peer, hello), context)
        clock = schedule(terms.limits.tick, context) { $0.tick(context) }
        sendPing(context, now)
    }

    // MARK: Ends

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(phase == .securing ? .failed("\(error)") : .lost("\(error)"), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(phase == .securing ? .failed("closed during the handshake") : .lost("closed without a word"), context)
        context.fireChannelInactive()
    }

    /// Tells the peer why, and closes.
    private func end(_ reason: Goodbye, _ context: ChannelHandlerContext) {
        if phase == .greeting || phase == .open { put(FrameType.goodbye, ByteBuffer(integer: reason.rawValue), context) }
        fail(phase == .securing ? .failed("\(reason)") : .ended(reason), context)
    }

    private func fail(_ reason: DisconnectReason, _ context: ChannelHandlerContext) {
        guard phase != .ended else { return }
        phase = .ended
        stopClocks()
        context.fireErrorCaught(reason)
        context.close(promise: nil)
    }

    // MARK: To the wire

    func read(context: ChannelHandlerContext) {
        guard !isPaused else { return isReadWanted = true }
        context.read()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard phase == .open else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        write(unwrapOutboundIn(data), context, promise)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let order = event as? EndLink else { return context.triggerUserOutboundEvent(event, promise: promise) }
        end(order.reason, context)
        promise?.succeed()
    }

    /// Whoever closes without a reason is leaving.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if phase == .greeting || phase == .open { put(FrameType.goodbye, ByteBuffer(integer: Goodbye.leaving.rawValue), context) }
        phase = .ended
        stopClocks()
        context.close(mode: mode, promise: promise)
    }

    private func put(_ type: UInt8, _ payload: ByteBuffer, _ context: ChannelHandlerContext) {
        write(Frame(type: type, payload: payload), context, nil)
        context.flush()
    }

    private func write(_ frame: Frame, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        var header = context.channel.allocator.buffer(capacity: Frame.headerLength)
        frame.writeHeader(to: &header)
        counters.sent(bytes: frame.length)
        context.write(wrapOutboundOut(header), promise: frame.payload.readableBytes == 0 ? promise : nil)
        if frame.payload.readableBytes > 0 { context.write(wrapOutboundOut(frame.payload), promise: promise) }
    }
}

extension Instant {
    /// The event loops' clock; its zero is not the boot's.
    static var now: Instant { Instant(nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds)) }
}
