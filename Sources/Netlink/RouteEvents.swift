import CNetlink

/// News of links and neighbours.
public enum RouteEvent: Hashable, Sendable {
    case link(LinkMessage)
    case linkGone(LinkMessage)
    case neighbour(NeighbourMessage)
    case neighbourGone(NeighbourMessage)

    /// nil for other messages, and for malformed ones.
    init?(_ message: Message) {
        switch message.type {
        case Int(RTM_NEWLINK), Int(RTM_DELLINK):
            // Bridges tell of their ports in the same group, in another family.
            guard message.payload[0] == 0, let link = LinkMessage(payload: message.payload) else { return nil }
            self = message.type == Int(RTM_NEWLINK) ? .link(link) : .linkGone(link)
        case Int(RTM_NEWNEIGH), Int(RTM_DELNEIGH):
            guard let neighbour = NeighbourMessage(payload: message.payload) else { return nil }
            self = message.type == Int(RTM_NEWNEIGH) ? .neighbour(neighbour) : .neighbourGone(neighbour)
        default: return nil
        }
    }

    /// The events in one datagram; for tests and fuzzing.
    public static func decode(datagram: [UInt8]) -> [RouteEvent] {
        WireBytes.read(datagram) { Messages($0).compactMap { RouteEvent($0) } }
    }
}

/// Listens to links and neighbours. One thread at a time.
public final class RouteEventSocket {
    private let socket: NetlinkSocket

    public init(in namespace: NetworkNamespace? = nil) throws(NetlinkError) {
        let groups = [RTNLGRP_LINK, RTNLGRP_NEIGH].map { UInt32($0.rawValue) }
        socket = try NetlinkSocket(Int32(NETLINK_ROUTE), groups: groups, in: namespace)
    }

    /// For poll(2).
    public var descriptor: Int32 { socket.descriptor }

    /// Waits for the next datagram. Throws `.overrun` when some were lost.
    public func receive(_ body: (RouteEvent) -> Void) throws(NetlinkError) {
        try socket.receive { message in RouteEvent(message).map(body) }
    }
}
