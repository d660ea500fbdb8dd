public import HAL
public import Netlink
import Primitives
import Synchronization

/// The board's interfaces and the devices on them, by rtnetlink.
///
/// Each stream of events has a socket and a thread of its own; all end with `close`.
public final class LinuxLinks: Links {
    /// A consumer that is further behind is told to read everything anew.
    public static let eventsMax = 1_024

    private let namespace: NetworkNamespace?
    private let state: Mutex<State>

    // Unchecked: the socket is used under the lock only.
    private struct State: @unchecked Sendable {
        var socket: RouteSocket?
        var watchers: [ObjectIdentifier: LinkWatcher] = [:]
        var isClosed = false
    }

    public init(in namespace: NetworkNamespace? = nil) {
        self.namespace = namespace
        state = Mutex(State())
    }

    deinit { close() }

    /// Ends all streams of events.
    public func close() {
        let watchers = state.withLock { state in
            state.isClosed = true
            return Array(state.watchers.values)
        }
        for watcher in watchers { watcher.stop() }
    }

    public func links() throws(HALError) -> [Link] {
        try route("read the interfaces") { socket throws(NetlinkError) in
            let addresses = Dictionary(grouping: try socket.addresses(), by: \.index)
            return try socket.links().map { link in
                Link(
                    name: link.name, index: link.index, mac: link.mac, isUp: link.isUp, hasCarrier: link.hasCarrier,
                    mtu: link.mtu, addresses: (addresses[link.index] ?? []).map(\.address).sorted(),
                    bytesReceived: link.bytesReceived, bytesSent: link.bytesSent)
            }
        }
    }

    public func neighbours(on port: String) throws(HALError) -> [Neighbour] {
        let index = try index(of: port)
        return try route("read the neighbours on \(port)") { socket throws(NetlinkError) in
            try socket.neighbours().compactMap { message in
                guard message.index == index, message.isKnown, let mac = message.mac else { return nil }
                return Neighbour(port: port, mac: mac, address: message.address)
            }
        }
    }

    public func events() throws(HALError) -> AsyncStream<LinkEvent> {
        let (stream, continuation) = AsyncStream.makeStream(of: LinkEvent.self, bufferingPolicy: .bufferingNewest(Self.eventsMax))
        let watcher = try LinkWatcher(in: namespace, continuation)
        let isClosed = state.withLock { state in
            if !state.isClosed { state.watchers[ObjectIdentifier(watcher)] = watcher }
            return state.isClosed
        }
        guard !isClosed else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self, weak watcher] _ in
            guard let watcher else { return }
            watcher.stop()
            self?.state.withLock { _ = $0.watchers.removeValue(forKey: ObjectIdentifier(watcher)) }
        }
        watcher.start()
        return stream
    }

    public func pin(_ neighbour: Neighbour) throws(HALError) {
        let index = try index(of: neighbour.port)
        try route("pin \(neighbour.address) to \(neighbour.mac) on \(neighbour.port)") { socket throws(NetlinkError) in
            try socket.setPermanentNeighbour(neighbour.address, mac: neighbour.mac, index: index)
        }
    }

    public func unpin(_ neighbour: Neighbour) throws(HALError) {
        let index = try index(of: neighbour.port)
        try route("unpin \(neighbour.address) on \(neighbour.port)") { socket throws(NetlinkError) in
            try socket.deleteNeighbour(neighbour.address, index: index)
        }
    }

    private func index(of port: String) throws(HALError) -> Int32 {
        let link = try route("look for \(port)") { socket throws(NetlinkError) in try socket.link(port) }
        if let link { return link.index }
        let all = try route("read the interfaces") { socket throws(NetlinkError) in try socket.links() }
        throw .missing(interface: port, among: all.map(\.name))
    }

    /// A dump that was disturbed is made again; after so many it is the caller's to decide.
    private static let attempts = 8

    private func route<Result: Sendable>(
        _ what: String, _ body: (RouteSocket) throws(NetlinkError) -> Result
    ) throws(HALError) -> Result {
        let outcome = state.withLock { state -> Swift.Result<Result, NetlinkError> in
            do throws(NetlinkError) {
                if state.socket == nil { state.socket = try RouteSocket(in: namespace) }
                guard let socket = state.socket else { preconditionFailure("just made") }
                for _ in 1..<Self.attempts {
                    do throws(NetlinkError) { return .success(try body(socket)) } catch {
                        guard error == .interrupted else { throw error }
                    }
                }
                return .success(try body(socket))
            } catch {
                return .failure(error)
            }
        }
        return try netlink(what) { () throws(NetlinkError) in try outcome.get() }
    }
}
