import Glibc
public import HAL
public import Logging
public import Netlink
public import Primitives
import Synchronization

/// Whether the board has anything to do, by rtnetlink, /proc and packet sockets.
///
/// Without CAP_NET_RAW it looks at the ports' counters 50 times a second instead of listening, and says so once.
public final class LinuxIdleSensor: IdleSensor {
    /// How long a packet may stay unseen where listening is not permitted.
    static let glance = Nanoseconds.milliseconds(20)

    private let ports: Set<String>
    private let uplink: String?
    private let namespace: NetworkNamespace?
    private let proc: String
    private let ticks = Int64(sysconf(Int32(_SC_CLK_TCK)))
    private let logger: Logger
    private let state = Mutex(State())

    // Unchecked: the socket is used under the lock only.
    private struct State: @unchecked Sendable {
        var socket: RouteSocket?
        var counters = PortCounters()
        var handicap: HALError?
    }

    /// - Parameters:
    ///   - ports: that clients are on
    ///   - proc: `/proc`
    public init(
        ports: [String], uplink: String?, in namespace: NetworkNamespace? = nil, proc: String = "/proc", logger: Logger
    ) {
        (self.ports, self.uplink, self.namespace, self.proc, self.logger) = (Set(ports), uplink, namespace, proc, logger)
    }

    /// Why packets are not listened for; nil while they are, and before it was tried.
    public var handicap: HALError? { state.withLock { $0.handicap } }

    public func activity() async throws(HALError) -> BoardActivity {
        let processor = try ProcessorFigures(TextFile.read("\(proc)/stat"), ticks: ticks)
        let memory = try MemoryFigures(TextFile.read("\(proc)/meminfo"))
        let backlog = try backlogDrops(TextFile.read("\(proc)/net/softnet_stat"))
        let links = try links()
        let (packets, withoutRoom) = state.withLock { state in
            state.counters.take(links, clients: ports, uplink: uplink)
            return (state.counters.clientPackets, state.counters.withoutRoom)
        }
        return BoardActivity(
            clientPackets: packets, packetsDropped: withoutRoom.saturatingAdd(backlog), busy: processor.busy,
            cores: processor.cores, memoryAvailable: memory.available, memoryTotal: memory.total)
    }

    public func processorTime(of pid: Int32) async throws(HALError) -> Nanoseconds? {
        guard pid > 0 else { return nil }
        let text: String
        do throws(HALError) { text = try TextFile.read("\(proc)/\(pid)/stat") } catch {
            guard error.kind == .missing else { throw error }
            return nil
        }
        // A process that ended between opening and reading leaves nothing.
        return text.isEmpty ? nil : try processTime(text, ticks: ticks)
    }

    public func firstPacket() async throws {
        let listener: ClientListener
        do throws(HALError) { listener = try ClientListener(on: ports, in: namespace) } catch {
            guard error.kind == .notPermitted else { throw error }
            note(error)
            return try await glanceForPackets()
        }
        let outcome: ClientListener.Outcome = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                do throws(HALError) {
                    try startThread { continuation.resume(returning: listener.wait()) }
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        } onCancel: {
            listener.stop()
        }
        try Task.checkCancellation()
        switch outcome {
        case .packet: return
        case .failed(let error): throw error
        case .stopped: throw HALError(.broken, "listening for packets ended", mend: "try again")
        }
    }

    private func note(_ error: HALError) {
        let isNews = state.withLock { state in
            defer { state.handicap = error }
            return state.handicap != error
        }
        if isNews {
            logger.warning("\(error); until then the ports' counters are read every 20 ms, at some cost of processor time")
        }
    }

    /// What `firstPacket` does where it may not listen.
    package func glanceForPackets() async throws {
        let before = try received()
        while try received().allSatisfy({ before[$0.key, default: 0] == $0.value }) {
            try await Task.sleep(for: Self.glance.duration)
        }
    }

    /// What came in, by the interface's index: a port that goes is no packet.
    private func received() throws(HALError) -> [Int32: UInt64] {
        let pairs = try links().filter { ports.contains($0.name) }.map { ($0.index, $0.packetsReceived) }
        return Dictionary(pairs) { first, _ in first }
    }

    private static let attempts = 8

    private func links() throws(HALError) -> [LinkMessage] {
        let outcome = state.withLock { state -> Result<[LinkMessage], NetlinkError> in
            do throws(NetlinkError) {
                if state.socket == nil { state.socket = try RouteSocket(in: namespace) }
                guard let socket = state.socket else { preconditionFailure("just made") }
                for _ in 1..<Self.attempts {
                    do throws(NetlinkError) { return .success(try socket.links()) } catch {
                        guard error == .interrupted else { throw error }
                    }
                }
                return .success(try socket.links())
            } catch {
                state.socket = nil
                return .failure(error)
            }
        }
        return try netlink("read the interfaces") { () throws(NetlinkError) in try outcome.get() }
    }
}
