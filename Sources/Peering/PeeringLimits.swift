public import Primitives

/// What a node spends on its peers at most, and how long it waits for them. Every number has its reason beside it.
///
/// With the defaults 41 links of at most 4 MiB to send, and of one frame (1 MiB) and one read (64 KiB) to receive, are
/// bounded; in practice a link at rest costs some 60 kB, most of it TLS.
public struct PeeringLimits: Sendable {
    // MARK: Links

    /// Links this node dials. Eight in different networks: an eclipse needs all of them (Heilman et al., USENIX Security 2015).
    public var outboundLinks = 8
    /// Links others dial. A board of 512 MB serves the network with these, and lives by its outbound ones.
    public var inboundLinks = 32
    /// A household behind one address has a few stations.
    public var inboundPerAddress = 3
    /// Of one /24 (IPv4) or one /64 (IPv6): what one tenant of a data centre gets for the price of one address.
    public var inboundPerGroup = 6
    /// A handshake costs about 2 ms on the smallest board: with ten a second it is 2 % busy.
    public var acceptsPerSecond = 10
    /// TCP, TLS and hello together. A slow radio needs three seconds; whoever needs more is holding a place.
    public var handshake = Nanoseconds.seconds(10)
    /// Peers that were there longest are dialled first after a restart, so that a restart is no chance for an eclipse.
    public var anchors = 2

    // MARK: One link

    /// Also keeps translators' entries alive, which last two minutes at the least (RFC 4787, 4.3).
    public var quietBeforePing = Nanoseconds.seconds(30)
    /// Three pings without a word.
    public var silence = Nanoseconds.seconds(90)
    /// Without one frame leaving in this time the peer reads too slowly: at the largest frame that is 17 kB/s.
    public var stalledWrites = Nanoseconds.seconds(60)
    /// How often a link looks at its clocks.
    public var tick = Nanoseconds.seconds(5)
    /// To one peer, not yet taken by its socket: four of the largest frames.
    public var queuedBytes = 4 << 20
    /// What a link may receive in a second: bandwidth belongs to clients. Some 600 blocks a second of one payment and 21 signatures each.
    public var bytesPerSecond = 2 << 20
    /// A round of 21 delegates is some 50 frames; inventories come in batches.
    public var framesPerSecond = 200
    /// So long a peer may keep the frame bucket empty before each penalty. Sending keeps to the same rate, so honest peers stay below.
    public var floodPatience = Nanoseconds.seconds(10)

    // MARK: Dialling again

    public var redialFirst = Nanoseconds.seconds(5)
    public var redialLast = Nanoseconds.seconds(3600)
    /// A peer of another chain or version is left alone so long.
    public var redialStranger = Nanoseconds.seconds(86_400)

    // MARK: Book and events

    /// Flash is scarce: a changed book waits so long to be written, whatever happens.
    public var bookInterval = Nanoseconds.seconds(600)
    /// Addresses are asked of a peer, and told to it, at most so often.
    public var addressInterval = Nanoseconds.seconds(600)
    /// Events nobody took yet; then links stop reading.
    public var queuedEvents = 256
    public var queuedEventBytes = 4 << 20

    public init() {}
}

/// What a peer's faults cost it, of `PeerStandings.limit`.
public enum Penalty {
    /// Not a frame, not of a known type, too long, or out of turn: no version of this software sends it.
    public static let malformed: UInt32 = 50
    /// The frame bucket kept empty for `floodPatience`.
    public static let flood: UInt32 = 34
    /// To an address: no TLS, no valid certificate, no hello in time. Broken routers do that too, so ten are forgiven.
    public static let handshake: UInt32 = 10
    /// To the address of a peer that was banned: a new key costs nothing, a new address does.
    public static let bannedPeer: UInt32 = 50
}
