import CLinux
import Glibc
import HAL
import Primitives
import Synchronization

/// One thread that waits for the button's edges and tells one stream.
///
/// Unchecked: `line` is read by the thread and asked for its value by others, each one system call on a descriptor; `wake` is
/// only ever written to.
final class ButtonWatcher: @unchecked Sendable {
    /// A press and its bounces; who is slower than this has lost edges, and asks for the line's value before it matters.
    static let edgeLimit = 64
    /// Linux 6.1 wakes nobody when a chip goes: whether the line is there is looked at so often.
    static let lookMilliseconds: Int32 = 5_000

    private let line: GPIOLine
    private let wake: WakeEnd
    private let continuation: AsyncStream<ButtonEdge>.Continuation
    private let running = Atomic(true)

    init(_ line: consuming GPIOLine, _ continuation: AsyncStream<ButtonEdge>.Continuation) throws(HALError) {
        wake = try WakeEnd(for: "listen to the button")
        self.line = line
        self.continuation = continuation
    }

    var isRunning: Bool { running.load(ordering: .acquiring) }
    func isPressed() throws(HALError) -> Bool { try line.isOn() }

    func start() throws(HALError) {
        do throws(HALError) { try startThread { [self] in run() } } catch {
            running.store(false, ordering: .releasing)
            continuation.finish()
            throw error
        }
    }

    /// The thread ends at once, and the stream with it.
    func stop() { wake.up() }

    private func run() {
        defer {
            running.store(false, ordering: .releasing)
            continuation.finish()
        }
        while let isWaiting = waitForEdge() {
            guard isWaiting else {
                if (try? line.isOn()) == nil { return }
                continue
            }
            guard let edge = try? line.nextEdge() else { return }  // the chip is gone: the stream's end says so
            let (boot, monotonic) = (clinux_nanoseconds(CLOCK_BOOTTIME), clinux_nanoseconds(CLOCK_MONOTONIC))
            tell(edge.isOn, at: Self.bootTime(of: edge.monotonic, monotonic: monotonic, boot: boot))
            // The kernel makes one of edges that come faster than it looks, and keeps sixteen: the last word is the line's own.
            if !anEdgeWaits, let isOn = try? line.isOn(), isOn != edge.isOn { tell(isOn, at: Instant(nanoseconds: boot)) }
        }
    }

    private func tell(_ isPressed: Bool, at time: Instant) { continuation.yield(ButtonEdge(isPressed: isPressed, at: time)) }

    /// Whether one came before the line is to be looked at; nil when the end is wanted.
    private func waitForEdge() -> Bool? {
        var ends = [line.descriptor, wake.descriptor].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let count = poll(&ends, 2, Self.lookMilliseconds)
        return ends[1].revents != 0 || (count < 0 && errno != EINTR) ? nil : ends[0].revents != 0
    }

    private var anEdgeWaits: Bool {
        var end = pollfd(fd: line.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&end, 1, 0) != 0
    }

    /// The edge's time on the boot-time clock, which goes on while the board sleeps. A time that cannot be (older kernels stamp
    /// by the wall clock) is taken for now.
    static func bootTime(of edge: Int64, monotonic: Int64, boot: Int64) -> Instant {
        let (age, overflow) = monotonic.subtractingReportingOverflow(edge)
        let isCredible = !overflow && (0...60_000_000_000).contains(age)
        return Instant(nanoseconds: isCredible ? boot - age : boot)
    }
}
