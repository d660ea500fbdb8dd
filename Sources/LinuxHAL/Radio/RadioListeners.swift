import CLinux
import Glibc
import HAL
import Netlink
import Primitives
import Synchronization

/// One stream of news, fed by the kernel's events and hostapd's, each read by a thread that may wait.
final class RadioListeners: Sendable {
    /// A consumer that is further behind is told to look at everything again.
    static let newsLimit = 1_024

    private let continuation: AsyncStream<WirelessNews>.Continuation
    let stream: AsyncStream<WirelessNews>
    private let wake: WakeEnd
    private let state = Mutex(State())

    private struct State {
        var isClosed = false
        var kernelIsHeard = false
        /// The ports whose hostapd is listened to.
        var ports: Set<String> = []
        /// Names of the interfaces, since the kernel's events give numbers.
        var names: [UInt32: String] = [:]
    }

    init() throws(HALError) {
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.newsLimit))
        wake = try WakeEnd(for: "listen to the radio")
    }

    func close() {
        state.withLock { $0.isClosed = true }
        wake.up()
        continuation.finish()
    }

    func know(_ names: [UInt32: String]) { state.withLock { $0.names = names } }

    private func tell(_ news: WirelessNews) {
        if case .dropped = continuation.yield(news), news != .changed { continuation.yield(.changed) }
    }
}

extension RadioListeners {
    /// Listens to the kernel, if that is not done already.
    func hearKernel() throws(HALError) {
        guard state.withLock({ !$0.kernelIsHeard && !$0.isClosed }) else { return }
        let events = try netlink("listen to the radios") { () throws(NetlinkError) in try WirelessEvents() }
        let source = KernelSource(events: events)
        state.withLock { $0.kernelIsHeard = true }
        try start(forgetting: { $0.kernelIsHeard = false }) { [self] in
            while clinux_poll_two(source.events.descriptor, wake.descriptor) == 1 {
                do throws(NetlinkError) {
                    for event in try source.events.next() { if let news = self.news(event) { tell(news) } }
                } catch {
                    guard error == .overrun else { break }
                    tell(.changed)
                }
            }
        }
    }

    /// A thread; what it stands for in the state is forgotten when it ends, or cannot begin.
    private func start(
        forgetting forget: @escaping @Sendable (inout State) -> Void, _ body: @escaping @Sendable () -> Void
    ) throws(HALError) {
        do throws(HALError) {
            try startThread { [self] in
                body()
                state.withLock { forget(&$0) }
                tell(.changed)
            }
        } catch {
            state.withLock { forget(&$0) }
            throw error
        }
    }

    /// The socket belongs to the thread once it runs.
    private struct KernelSource: @unchecked Sendable { let events: WirelessEvents }

    private func news(_ event: WirelessEvent) -> WirelessNews? {
        let name = { (index: UInt32) in self.state.withLock { $0.names[index] } }
        switch event {
        case .joined(let interface, let mac): return name(interface).map { .began(port: $0, mac: mac) } ?? .changed
        case .left(let interface, let mac): return name(interface).map { .left(port: $0, mac: mac) } ?? .changed
        case .changed, .regulatory: return .changed
        case .radar: return .radar
        case .scanned: return nil
        }
    }

    /// Listens to hostapd of a port until it is gone, if that is not done already. That it is gone is told as `.changed`.
    func hear(port: String, at path: String) throws(HALError) {
        guard state.withLock({ !$0.isClosed && $0.ports.insert(port).inserted }) else { return }
        let source: HostapdSource
        do throws(HALError) {
            source = HostapdSource(
                control: try HostapdControl(path: path, timeoutSeconds: 1), asking: try HostapdControl(path: path))
            try source.control.attach()
        } catch {
            state.withLock { _ = $0.ports.remove(port) }
            throw error
        }
        try start(forgetting: { _ = $0.ports.remove(port) }) { [self] in
            while !state.withLock({ $0.isClosed }) {
                guard let event = try? source.control.nextEvent() else {
                    // Silence, or the end: a dead hostapd refuses the question.
                    guard (try? source.asking.ask("PING", for: "answer")) != nil else { break }
                    continue
                }
                if event == .terminating { break }
                tell(Self.news(event, port))
            }
        }
    }

    private struct HostapdSource: @unchecked Sendable {
        let control: HostapdControl
        /// Answers come by another socket than events.
        let asking: HostapdControl
    }

    private static func news(_ event: HostapdEvent, _ port: String) -> WirelessNews {
        switch event {
        case .connected(let mac, _): .joined(port: port, mac: mac)
        case .disconnected(let mac): .left(port: port, mac: mac)
        case .wrongPassphrase(let mac): .refused(port: port, mac: mac)
        case .onAir, .offAir, .terminating: .changed
        }
    }
}
