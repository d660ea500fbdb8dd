public import HAL
public import Primitives
import Synchronization

/// What a simulated board does: its clients' traffic as the world carries it, and the processor and memory as a test or a person sets them.
public final class SimulatedIdleSensor: Sendable {
    /// What is broken.
    public enum Fault: String, Hashable, Sendable, CaseIterable {
        /// The counters cannot be read.
        case countersUnreadable
        /// Nothing tells of a first packet: it must be seen in the counters.
        case listeningNotPermitted
        /// Of every packet one more has no room.
        case congested
    }

    private struct State {
        var others: Int64 = 0
        var processes: [Int32: Process] = [:]
        var busy = Nanoseconds.zero
        var at: Instant
        var available = ByteCount(bytes: 3 << 30)
        var total = ByteCount(bytes: 4 << 30)
        var dropped: UInt64 = 0
        var carried: UInt64 = 0
        var faults: Set<Fault> = []
    }
    private struct Process {
        var share: Int64
        var time = Nanoseconds.zero
    }

    public static let processLimit = 64

    public let cores: Int
    private let station: SimulatedStation
    private let state: Mutex<State>

    public init(_ station: SimulatedStation, cores: Int = 4) {
        (self.station, self.cores) = (station, cores)
        state = Mutex(State(at: station.world.elapsed))
    }

    // MARK: what is done to it

    /// - Parameter permille: of one core, that programs without a number use
    public func set(othersPermille permille: Int) {
        settle { $0.others = Int64(min(max(permille, 0), 1_000 * self.cores)) }
    }

    /// A process runs from now on, or uses more or less.
    /// - Returns: false if there are too many
    @discardableResult
    public func run(_ pid: Int32, permille: Int) -> Bool {
        settle { state in
            guard state.processes[pid] != nil || state.processes.count < Self.processLimit else { return false }
            state.processes[pid, default: Process(share: 0)].share = Int64(min(max(permille, 0), 1_000 * self.cores))
            return true
        }
    }

    public func end(_ pid: Int32) { settle { $0.processes[pid] = nil } }

    public func set(available: ByteCount, of total: ByteCount) {
        settle { ($0.available, $0.total) = (min(available, total), total) }
    }

    public func begin(_ fault: Fault) { settle { _ = $0.faults.insert(fault) } }
    public func end(_ fault: Fault) { settle { _ = $0.faults.remove(fault) } }

    /// Lets what ran since have its time, then changes.
    private func settle<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        let world = station.world
        let packets = world.packets.received + world.packets.sent
        return state.withLock { state in
            let passed = max(.zero, world.elapsed - state.at)
            var shares = state.others
            for (pid, process) in state.processes {
                state.processes[pid]?.time += Nanoseconds(passed.count / 1_000 * process.share)
                shares += process.share
            }
            state.busy += Nanoseconds(passed.count / 1_000 * min(shares, 1_000 * Int64(cores)))
            if state.faults.contains(.congested) { state.dropped += packets.saturatingSubtract(state.carried) }
            (state.at, state.carried) = (max(state.at, world.elapsed), packets)
            return body(&state)
        }
    }
}

extension SimulatedIdleSensor: IdleSensor {
    public func activity() async throws(HALError) -> BoardActivity {
        let state = settle { $0 }
        guard !state.faults.contains(.countersUnreadable) else {
            throw HALError(.broken, "the simulated counters cannot be read", mend: "end the fault")
        }
        return BoardActivity(
            clientPackets: state.carried, packetsDropped: state.dropped, busy: state.busy, cores: cores,
            memoryAvailable: state.available, memoryTotal: state.total)
    }

    public func processorTime(of pid: Int32) async throws(HALError) -> Nanoseconds? {
        settle { $0.processes[pid]?.time }
    }

    public func firstPacket() async throws {
        guard !state.withLock({ $0.faults.contains(.listeningNotPermitted) }) else {
            throw HALError(.notPermitted, "cannot listen for packets on the simulated board", mend: "end the fault")
        }
        try await station.firstPacket()
    }
}
