public import Primitives

/// What is known of a peer from its link.
public struct PeerInfo: Hashable, Sendable {
    /// As this node sees it; of an inbound link the port is a passing one.
    public var endpoint: Endpoint
    public var isInbound: Bool
    public var hello: Hello
    /// When the link was made, on the boot-time clock.
    public var since: Instant
}

/// What happened, in order for each peer: connected, received any number of times, disconnected.
public enum PeerEvent: Sendable {
    case connected(PeerID, PeerInfo)
    /// A frame of a type from `FrameType.firstOfOthers` on, no longer than its limit.
    case received(PeerID, type: UInt8, [UInt8])
    case disconnected(PeerID, DisconnectReason)

    /// What it holds in memory beside itself.
    var size: Int { if case .received(_, _, let payload) = self { payload.count } else { 0 } }
}

/// The events of a network, for one reader. Links stop reading while it lags.
public struct PeerEvents: AsyncSequence, Sendable {
    public struct AsyncIterator: AsyncIteratorProtocol {
        let queue: EventQueue
        public mutating func next() async -> PeerEvent? { await queue.next() }
    }

    let queue: EventQueue
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(queue: queue) }
}

/// One line of `chain peers`.
public struct PeerSnapshot: Hashable, Sendable {
    public var peer: PeerID
    public var info: PeerInfo
    public var bytesReceived: UInt64
    public var bytesSent: UInt64
    public var framesReceived: UInt64
    /// Of the last ping that was answered.
    public var roundTrip: Nanoseconds?
    /// Of `PeerStandings.limit`.
    public var penaltyPoints: UInt32
}
