import CNetlink
import Glibc
public import HAL
import Netlink
public import Primitives

/// Links, addresses and neighbours by rtnetlink.
public actor LinuxLinks: Links {
    private let namespace: String?
    private var socket: NetlinkSocket?

    /// - Parameter namespace: for tests, the network namespace to look into, by name.
    public init(namespace: String? = nil) { self.namespace = namespace }

    private var path: String? { namespace.map { "/run/netns/\($0)" } }

    private func route<T>(_ what: String, _ body: (NetlinkSocket) throws(NetlinkError) -> T) throws(HALError) -> T {
        do throws(NetlinkError) {
            if socket == nil { socket = try NetlinkSocket(NETLINK_ROUTE, namespace: path) }
            return try body(socket!)
        } catch {
            self.socket = nil  // an answer may still be on its way; a new socket knows nothing of it
            throw HALError(error, doing: what)
        }
    }

    public func links() async throws(HALError) -> [Link] {
        try route("reading the interfaces") { socket throws(NetlinkError) in try RouteReader.links(on: socket) }
    }

    public func neighbours(on port: String) async throws(HALError) -> [Neighbour] {
        let index = try index(of: port)
        return try route("reading the neighbours") { socket throws(NetlinkError) in
            var found: [Neighbour] = []
            try RouteReader.neighbours(on: socket) { entry, mac, address in
                if entry == index { found.append(Neighbour(port: port, mac: mac, address: address)) }
            }
            return found
        }
    }

    private func index(of port: String) throws(HALError) -> Int32 {
        let link = try route("looking for \(port)") { socket throws(NetlinkError) in try RouteReader.link(named: port, on: socket)
        }
        guard let link else { throw HALError(.missing, port: port) }
        return link.index
    }

    public func pin(_ neighbour: Neighbour) async throws(HALError) { try set(neighbour, isPinned: true) }
    public func unpin(_ neighbour: Neighbour) async throws(HALError) { try set(neighbour, isPinned: false) }

    private func set(_ neighbour: Neighbour, isPinned: Bool) throws(HALError) {
        let index = try index(of: neighbour.port)
        try route("fixing \(neighbour.address) to \(neighbour.mac)") { socket throws(NetlinkError) in
            try RouteReader.setNeighbour(neighbour, index: index, isPinned: isPinned, on: socket)
        }
    }

    public func events() async throws(HALError) -> AsyncStream<LinkEvent> {
        let names = try await Dictionary(links().map { ($0.index, $0.name) }) { $1 }
        do { return try LinkListener.start(namespace: path, names: names) } catch {
            throw HALError(error, doing: "listening for link events")
        }
    }
}

/// Reads rtnetlink's multicast events on a thread of its own, since a blocking read has no place on Swift's threads.
/// The thread ends within a second of its listener losing interest.
private final class LinkListener {
    private let socket: NetlinkSocket
    private var names: [Int32: String]

    private static let bufferedEvents = 4_096

    private init(socket: NetlinkSocket, names: [Int32: String]) {
        self.socket = socket
        self.names = names
    }

    static func start(namespace: String?, names: [Int32: String]) throws(NetlinkError) -> AsyncStream<LinkEvent> {
        let socket = try NetlinkSocket(NETLINK_ROUTE, namespace: namespace, timeoutSeconds: 1)
        for group in [RTNLGRP_LINK, RTNLGRP_NEIGH] { try socket.join(group: Int32(group.rawValue)) }
        let (stream, continuation) = AsyncStream.makeStream(of: LinkEvent.self, bufferingPolicy: .bufferingNewest(bufferedEvents))
        let stopped = Flag()
        continuation.onTermination = { _ in stopped.set() }
        let listener = LinkListener(socket: socket, names: names)
        Thread.detach { listener.listen(continuation, until: stopped) }
        return stream
    }

    private func listen(_ events: AsyncStream<LinkEvent>.Continuation, until stopped: Flag) {
        while !stopped.isSet {
            do {
                for message in try Message.all(in: socket.receive()) { take(message, events) }
            } catch {
                switch error {
                case .socket(let errno) where errno == EAGAIN: continue
                case .overrun: yield(.resync, events)
                default:
                    events.finish()
                    return
                }
            }
        }
    }

    private func take(_ message: Message, _ events: AsyncStream<LinkEvent>.Continuation) {
        switch Int(message.type) {
        case Int(RTM_NEWLINK):
            guard let link = RouteReader.link(in: message.body) else { return }
            names[link.index] = link.name
            yield(link.isUp && link.hasCarrier ? .linkUp(port: link.name) : .linkDown(port: link.name), events)
        case Int(RTM_DELLINK):
            if let link = RouteReader.link(in: message.body) { yield(.linkDown(port: link.name), events) }
        case Int(RTM_NEWNEIGH), Int(RTM_DELNEIGH):
            guard let found = RouteReader.neighbour(in: message.body), let port = names[found.index] else { return }
            let neighbour = Neighbour(port: port, mac: found.mac, address: found.address)
            let isThere = Int(message.type) == Int(RTM_NEWNEIGH) && found.isUsable
            yield(isThere ? .neighbour(neighbour) : .neighbourGone(neighbour), events)
        default: return
        }
    }

    /// A dropped event means that somebody has to look for himself.
    private func yield(_ event: LinkEvent, _ events: AsyncStream<LinkEvent>.Continuation) {
        if case .dropped = events.yield(event), event != .resync { _ = events.yield(.resync) }
    }
}
