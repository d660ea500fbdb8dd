public import Logging
public import NIOCore
public import NIOPosix
public import Primitives

/// Bounded frames between authenticated peers, and the choice of peers. What frames mean is decided elsewhere.
///
/// ```
///  PeerBook ──whom to dial──▶ PeerNetwork ──▶ Link ──▶ LinkHandler ──▶ TLS 1.3 ──▶ socket
///      ▲                          │  ▲                     │ limits, clocks, goodbye
///      └── learnt, failed, banned ┘  └──── frames ─────────┘
///                                 ▼
///                               events (bounded: while nobody reads them, sockets are not read either)
/// ```
/// `run` owns every task and connection; when it is cancelled peers are told goodbye and the book is written.
public actor PeerNetwork {
    public struct Configuration: Sendable {
        /// Hash of the genesis block.
        public var chainID: Bytes32
        /// Where to accept peers; nil behind a translator, where outbound links are enough. Port 0 lets the system choose.
        public var listen: Endpoint?
        /// Dialled whenever there are too few links.
        public var configuredPeers: [ConfiguredPeer] = []
        public var frames: FrameLimits
        public var limits = PeeringLimits()
        /// Name and version of this program: at most 64 bytes.
        public var software: String
        /// Takes addresses from others that are not global: in a laboratory.
        public var acceptsPrivateAddresses = false

        public init(chainID: Bytes32, frames: FrameLimits, software: String) {
            (self.chainID, self.frames, self.software) = (chainID, frames, software)
        }
    }

    public nonisolated let events: PeerEvents
    public nonisolated var id: PeerID { identity.id }

    let configuration: Configuration
    let identity: PeerIdentity
    let book: PeerBook
    nonisolated let gate: AcceptGate
    let loops: any EventLoopGroup
    let now: @Sendable () -> Moment
    let logger: Logger
    var random: Dice

    var links: [PeerID: Link] = [:]
    var slots: [Int: DialSlot] = [:]
    var nextSlot = 0
    /// When to dial each of the configured peers.
    var redials: [Redial]
    var anchorsLeft: [Endpoint]
    var lastFeeler: Instant
    var listeningPort: UInt16 = 0
    /// When addresses were last asked of a peer, and told to it. Of those that are connected.
    var addressesAsked: [PeerID: Instant] = [:]
    var addressesTold: [PeerID: Instant] = [:]

    /// `now` gives the boot-time clock, which times everything, and the wall clock, which is only told to others.
    public init(
        _ configuration: Configuration, identity: PeerIdentity, book: PeerBook, now: @escaping @Sendable () -> Moment,
        logger: Logger,
        loops: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        (self.configuration, self.identity, self.book, self.now) = (configuration, identity, book, now)
        (self.logger, self.loops, self.random) = (logger, loops, Dice(source: random))
        let limits = configuration.limits
        events = PeerEvents(queue: EventQueue(events: limits.queuedEvents, bytes: limits.queuedEventBytes))
        gate = AcceptGate(limits, book: book, now: now)
        redials = configuration.configuredPeers.map { _ in Redial() }
        anchorsLeft = book.read { $0.anchors }
        lastFeeler = now().boot
    }

    /// Accepts and dials until it is cancelled, then returns. Throws when it cannot listen where it should. Once only.
    public func run() async throws {
        defer { events.queue.finish() }
        var server: Server?
        if let endpoint = configuration.listen { server = try await bind(endpoint) }
        await withDiscardingTaskGroup { group in
            if let server { group.addTask { await self.accept(from: server) } }
            group.addTask { await self.keepDialling() }
            group.addTask { await self.keepBook() }
        }
        // Nothing else is left to do, so it may block; and a task that is cancelled is not served by the thread pool.
        do { try book.save(at: now().boot) } catch { logBook(error) }
    }

    /// The port that others reach this node at, once it listens.
    public var port: UInt16? { listeningPort == 0 ? nil : listeningPort }

    // MARK: Frames

    /// Queues a frame. False when there is no such peer, or it has more to read than it may: then it misses this one.
    @discardableResult
    public func send(_ payload: [UInt8], type: UInt8, to peer: PeerID) -> Bool {
        checkFrame(payload, type)
        return links[peer]?.send(Frame(type: type, payload: ByteBuffer(bytes: payload))) ?? false
    }

    /// Queues a frame for every peer but `excluded`. Returns how many will get it.
    @discardableResult
    public func broadcast(_ payload: [UInt8], type: UInt8, except excluded: PeerID? = nil) -> Int {
        checkFrame(payload, type)
        let frame = Frame(type: type, payload: ByteBuffer(bytes: payload))
        return links.values.filter { $0.peer != excluded && $0.send(frame) }.count
    }

    /// Peers would end the link over such a frame.
    private func checkFrame(_ payload: [UInt8], _ type: UInt8) {
        guard type >= FrameType.firstOfOthers, let limit = configuration.frames[type], payload.count <= limit else {
            preconditionFailure("a frame of type \(type) with \(payload.count) bytes is outside this network's own limits")
        }
    }

    // MARK: Standing

    /// Adds to a peer's penalty points; at `PeerStandings.limit` it is banned.
    public func punish(_ peer: PeerID, points: UInt32, why: String) {
        let moment = now().boot
        let isBanned = book.change { $0.standings.punish(.peer(peer), points, at: moment) }
        logger.info("peer punished", metadata: ["peer": "\(peer)", "points": "\(points)", "reason": "\(why)"])
        if isBanned { banned(peer, why: why) }
    }

    /// Ends the link and lets the peer in no more for a day.
    public func ban(_ peer: PeerID, why: String) {
        let moment = now().boot
        book.change { $0.standings.ban(.peer(peer), at: moment) }
        banned(peer, why: why)
    }

    private func banned(_ peer: PeerID, why: String) {
        logger.notice("peer banned", metadata: ["peer": "\(peer)", "reason": "\(why)"])
        guard let link = links[peer] else { return }
        link.end(.banned)
        if link.info.isInbound { punishAddress(link.info.endpoint.address, Penalty.bannedPeer) }
    }

    func punishAddress(_ address: IPAddress, _ points: UInt32) {
        let moment = now().boot
        if book.change({ $0.standings.punish(.subscriber(.subscriber(address)), points, at: moment) }) {
            logger.notice("address banned", metadata: ["address": "\(address)"])
        }
    }

    /// Everybody connected, by identity.
    public var peers: [PeerSnapshot] {
        let moment = now().boot
        return links.values.map { link in
            let values = link.counters.values
            return PeerSnapshot(
                peer: link.peer, info: link.info, bytesReceived: values.bytesReceived, bytesSent: values.bytesSent,
                framesReceived: values.framesReceived, roundTrip: values.roundTrip,
                penaltyPoints: book.read { $0.standings.points(of: .peer(link.peer), at: moment) })
        }.sorted { $0.peer < $1.peer }
    }

    // MARK: Book

    private func keepBook() async {
        let (book, now) = (book, now)
        while !Task.isCancelled {
            await sleep(configuration.limits.bookInterval)
            if Task.isCancelled { return }  // the last time is after the last link
            do {
                try await NIOThreadPool.singleton.runIfActive { try book.save(at: now().boot) }
            } catch {
                logBook(error)
            }
        }
    }

    private func logBook(_ error: any Error) {
        logger.warning("the peer book is not saved", metadata: ["reason": "\(error)"])
    }

    /// The outbound peers that are there longest. Noted when a link is made, not when one is lost: a board that was cut off
    /// still knows whom it trusted.
    func noteAnchors() {
        let oldest = links.values.filter { !$0.info.isInbound }.sorted { $0.info.since < $1.info.since }
        book.keep(anchors: oldest.prefix(configuration.limits.anchors).map(\.info.endpoint))
    }

    /// Until `time` is over or the task is cancelled.
    func sleep(_ time: Nanoseconds) async {
        try? await Task.sleep(for: time.duration)  // throws only when cancelled, which the caller looks at
    }
}

/// Whichever source of randomness was handed in.
struct Dice: RandomNumberGenerator, Sendable {
    var source: any RandomNumberGenerator & Sendable
    mutating func next() -> UInt64 { source.next() }
}
