public import HAL
public import Primitives
import Synchronization

/// A simulated board that a whole daemon can run on: the world behind a lock, and the HAL's protocols in front of it.
///
/// ```
///  SimulatedClocks ─┐
///  SimulatedGate ───┼─▶ SimulatedStation ─▶ SimulatedWorld
///  SimulatedLinks ──┘         ▲
///                             └── advance(to:) in tests, run(by:) in real time
/// ```
/// A class with a lock, not an actor, because a clock is read without waiting.
public final class SimulatedStation: Sendable {
    private struct State {
        var world: SimulatedWorld
        var sleepers: [UInt64: Sleeper] = [:]
        var cancelled: Set<UInt64> = []
        var nextSleeper: UInt64 = 0
        var listeners: [UInt64: AsyncStream<LinkEvent>.Continuation] = [:]
        var nextListener: UInt64 = 0
    }

    private struct Sleeper {
        var wakes: Wake
        var continuation: CheckedContinuation<Void, any Error>
    }

    enum Wake: Hashable {
        /// Since the world began.
        case at(Instant)
        /// More packets than these came in from clients.
        case packetsPast(UInt64)

        func isDue(in world: SimulatedWorld) -> Bool {
            switch self {
            case .at(let instant): world.elapsed >= instant
            case .packetsPast(let count): world.packets.received > count
            }
        }

        /// In which order they wake.
        var order: Instant { if case .at(let instant) = self { instant } else { .zero } }
    }

    private let state: Mutex<State>

    /// Link events that one listener may leave unread; then it is told to read everything anew.
    static let eventLimit = 256
    static let listenerLimit = 16

    public init(_ world: SimulatedWorld) { state = Mutex(State(world: world)) }

    /// - Parameter clients: how many there are from the start
    public convenience init(seed: UInt64, wall: WallTime? = nil, clients: Int = 0) {
        var settings = SimulatedWorld.Settings(seed: seed)
        if let wall { settings.wall = wall }
        let numbers = clients > 0 ? Array(1...clients) : []
        self.init(SimulatedWorld(settings, script: numbers.map { SimulatedScriptStep(at: .zero, .join($0)) }))
        advance(to: .zero)
    }

    public var gate: SimulatedGate { SimulatedGate(station: self) }
    public var links: SimulatedLinks { SimulatedLinks(station: self) }
    public var clocks: SimulatedClocks { SimulatedClocks(station: self) }

    /// A copy of the world as it is now.
    public var world: SimulatedWorld { state.withLock { $0.world } }

    public var isDiskFull: Bool { state.withLock { $0.world.isDiskFull } }

    // MARK: time

    /// Lets virtual time go on until `target`, since the world began; wakes who slept until then.
    public func advance(to target: Instant) {
        mustChange { $0.advance(to: target) }
    }

    public func advance(by interval: Nanoseconds) {
        mustChange { $0.advance(by: interval) }
    }

    /// Keeps the world in step with a real clock until the task is cancelled.
    public func run(by clocks: any Clocks, every tick: Nanoseconds = .milliseconds(50)) async throws {
        var last = clocks.now().boot
        while true {
            try await clocks.sleep(tick)
            let now = clocks.now().boot
            advance(by: max(.zero, now - last))
            last = now
        }
    }

    func now() -> Moment { state.withLock { $0.world.now } }
    var bootID: String { state.withLock { $0.world.bootID } }

    func sleep(_ interval: Nanoseconds) async throws {
        try await wait { .at($0.elapsed + interval) }
    }

    /// Until a client's packet comes in.
    func firstPacket() async throws { try await wait { .packetsPast($0.packets.received) } }

    private func wait(_ what: (SimulatedWorld) -> Wake) async throws {
        let (id, wakes) = state.withLock { state in
            state.nextSleeper += 1
            return (state.nextSleeper, what(state.world))
        }
        defer { state.withLock { _ = $0.cancelled.remove(id) } }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if state.cancelled.contains(id) { return .failure(CancellationError()) }
                    if wakes.isDue(in: state.world) { return .success(()) }
                    state.sleepers[id] = Sleeper(wakes: wakes, continuation: continuation)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                state.cancelled.insert(id)
                return state.sleepers.removeValue(forKey: id)
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Changes the world, then tells whoever waited for what came of it. Nobody is resumed under the lock.
    private func change<Result: Sendable>(_ body: (inout SimulatedWorld) throws(HALError) -> Result) throws(HALError) -> Result {
        let (result, woken, listeners, events) = try state.withLock {
            state throws(HALError) in
            let result = try body(&state.world)
            let world = state.world
            let due = state.sleepers.filter { $0.value.wakes.isDue(in: world) }.sorted {
                ($0.value.wakes.order, $0.key) < ($1.value.wakes.order, $1.key)
            }
            for (id, _) in due { state.sleepers[id] = nil }
            return (result, due.map(\.value.continuation), Array(state.listeners.values), state.world.takeLinkEvents())
        }
        for continuation in woken { continuation.resume() }
        for listener in listeners {
            for event in events {
                if case .dropped = listener.yield(event) { listener.yield(.resync) }
            }
        }
        return result
    }

    private func mustChange(_ body: (inout SimulatedWorld) -> Void) {
        do throws(HALError) {
            try change { (world) throws(HALError) -> Void in body(&world) }
        } catch {
            preconditionFailure("a change that cannot fail failed: \(error)")
        }
    }

    // MARK: the HAL

    func openGate() throws(HALError) -> [ClientMark] { try change { (world) throws(HALError) in try world.openGate() } }

    func apply(_ changes: [GateChange]) throws(HALError) {
        try change { (world) throws(HALError) in try world.apply(changes) }
    }

    func readings() throws(HALError) -> [GateReading] { try change { (world) throws(HALError) in try world.readings() } }

    func linkList() -> [Link] { state.withLock { $0.world.links() } }

    func neighbours(on port: String) throws(HALError) -> [Neighbour] {
        try change { (world) throws(HALError) in try world.neighbours(on: port) }
    }

    func pin(_ neighbour: Neighbour) throws(HALError) {
        try change { (world) throws(HALError) in try world.pin(neighbour) }
    }

    func unpin(_ neighbour: Neighbour) throws(HALError) {
        try change { (world) throws(HALError) in try world.unpin(neighbour) }
    }

    func events() throws(HALError) -> AsyncStream<LinkEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: LinkEvent.self, bufferingPolicy: .bufferingNewest(Self.eventLimit))
        let id: UInt64? = state.withLock { state in
            guard state.listeners.count < Self.listenerLimit else { return nil }
            state.nextListener += 1
            state.listeners[state.nextListener] = continuation
            return state.nextListener
        }
        guard let id else { throw HALError(.full, "\(Self.listenerLimit) listen to the links already", mend: "share one stream") }
        continuation.onTermination = { [weak self] _ in self?.forget(listener: id) }
        return stream
    }

    private func forget(listener: UInt64) { state.withLock { _ = $0.listeners.removeValue(forKey: listener) } }

    /// Ends all streams of events.
    public func close() {
        let listeners = state.withLock { state in
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.finish() }
    }

    // MARK: clients

    /// What `basestation sim` orders.
    public func perform(_ command: SimulatedCommand) {
        mustChange { world in
            for deed in command.deeds { world.perform(deed) }
            if case .fault(nil, _) = command { world.endFaults() }
        }
    }

    public func perform(_ deed: SimulatedDeed) {
        mustChange { $0.perform(deed) }
    }

    /// Who the device with this number is on the link; nil while it is not there.
    public func simulatedClient(_ number: Int) -> (port: String, mac: MACAddress, addresses: [IPAddress])? {
        state.withLock { $0.world.simulatedClient(number) }
    }

    /// The same as one neighbour, by its first address: what the buyer's API takes a caller for.
    public func neighbour(ofClient number: Int) -> Neighbour? {
        simulatedClient(number).flatMap { client in
            client.addresses.first.map { Neighbour(port: client.port, mac: client.mac, address: $0) }
        }
    }
}

/// The packet gate of a simulated board.
public struct SimulatedGate: PacketGate {
    let station: SimulatedStation

    public func open() async throws(HALError) -> [ClientMark] { try station.openGate() }
    public func apply(_ changes: [GateChange]) async throws(HALError) { try station.apply(changes) }
    /// Simulated devices are known by their neighbour events alone.
    public func newcomers() -> [Neighbour] { [] }

    public func readings() async throws(HALError) -> [GateReading] { try station.readings() }
}

/// The interfaces of a simulated board.
public struct SimulatedLinks: Links {
    let station: SimulatedStation

    public func links() async throws(HALError) -> [Link] { station.linkList() }
    public func neighbours(on port: String) async throws(HALError) -> [Neighbour] { try station.neighbours(on: port) }
    public func events() async throws(HALError) -> AsyncStream<LinkEvent> { try station.events() }
    public func pin(_ neighbour: Neighbour) async throws(HALError) { try station.pin(neighbour) }
    public func unpin(_ neighbour: Neighbour) async throws(HALError) { try station.unpin(neighbour) }
}

/// The clocks of a simulated board: they move only when the world does.
public struct SimulatedClocks: Clocks {
    let station: SimulatedStation

    public func now() -> Moment { station.now() }
    public var bootID: String { station.bootID }
    public func sleep(_ interval: Nanoseconds) async throws { try await station.sleep(interval) }
}
