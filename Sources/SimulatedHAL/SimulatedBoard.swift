public import HAL
import Primitives
import Synchronization

/// The lamps, the button, the receiver and the sensors of a simulated board: a test or a person sets what they say, and sees
/// what is switched.
public final class SimulatedBoard: Sendable {
    /// What is broken.
    public enum Fault: String, Hashable, Sendable, CaseIterable {
        /// Outputs cannot be set, and the button's stream ends.
        case gpioGone
        case receiverGone
        case sensorsUnreadable
        /// Edges of the button are lost.
        case edgesLost
    }

    private struct State {
        var isOn: [PanelOutput: Bool] = [:]
        var switched: [PanelOutput: Int] = [:]
        var isPressed = false
        var temperatures: [Temperature] = []
        var power = PowerState(source: .unknown)
        var faults: Set<Fault> = []
        var button: AsyncStream<ButtonEdge>.Continuation?
        var listeners: [AsyncStream<PositionEvent>.Continuation] = []
    }

    public let outputs: Set<PanelOutput>
    public let hasButton: Bool
    private let clocks: any Clocks
    private let state = Mutex(State())

    static let listenerLimit = 16
    static let eventLimit = 64

    public init(clocks: any Clocks, outputs: Set<PanelOutput> = Set(PanelOutput.allCases), hasButton: Bool = true) {
        self.clocks = clocks
        self.outputs = outputs
        self.hasButton = hasButton
    }

    // MARK: what is seen

    /// nil before it was first set.
    public func isOn(_ output: PanelOutput) -> Bool? { state.withLock { $0.isOn[output] } }
    /// How often it was set.
    public func timesSet(_ output: PanelOutput) -> Int { state.withLock { $0.switched[output] ?? 0 } }

    // MARK: what is done to it

    public func press() { move(isPressed: true) }
    public func release() { move(isPressed: false) }

    private func move(isPressed: Bool) {
        let edge = ButtonEdge(isPressed: isPressed, at: clocks.now().boot)
        let listener = state.withLock { state -> AsyncStream<ButtonEdge>.Continuation? in
            guard state.isPressed != isPressed else { return nil }
            state.isPressed = isPressed
            return state.faults.contains(.edgesLost) ? nil : state.button
        }
        listener?.yield(edge)
    }

    public func receive(_ report: PositionReport) { tell(.report(report)) }

    public func set(_ temperatures: [Temperature]) { state.withLock { $0.temperatures = temperatures } }
    public func set(_ power: PowerState) { state.withLock { $0.power = power } }

    /// A broken button's stream ends; a broken receiver says so.
    public func begin(_ fault: Fault) {
        let button = state.withLock { state in
            state.faults.insert(fault)
            guard fault == .gpioGone else { return AsyncStream<ButtonEdge>.Continuation?.none }
            defer { state.button = nil }
            return state.button
        }
        button?.finish()
        if fault == .receiverGone { tell(.unavailable(Self.receiverGone)) }
    }

    public func end(_ fault: Fault) { state.withLock { _ = $0.faults.remove(fault) } }

    private func tell(_ event: PositionEvent) {
        let listeners = state.withLock { state in
            if case .report = event, state.faults.contains(.receiverGone) { return [AsyncStream<PositionEvent>.Continuation]() }
            return state.listeners
        }
        let gone = listeners.filter { if case .terminated = $0.yield(event) { true } else { false } }
        if !gone.isEmpty { state.withLock { $0.listeners = $0.listeners.filter { !gone.contains($0) } } }
    }

    private static let receiverGone = HALError(.missing, "the simulated receiver is gone", mend: "end the fault")
    private static let gpioGone = HALError(.missing, "the simulated GPIO chip is gone", mend: "end the fault")
}

extension SimulatedBoard: IndicatorPanel {
    public func set(_ output: PanelOutput, on: Bool) async throws(HALError) {
        guard outputs.contains(output) else { throw HALError(.missing, "this board has no \(output.rawValue)", mend: "") }
        try state.withLock { state throws(HALError) in
            if state.faults.contains(.gpioGone) { throw Self.gpioGone }
            state.isOn[output] = on
            state.switched[output, default: 0] += 1
        }
    }

    public func buttonEdges() async throws(HALError) -> AsyncStream<ButtonEdge> {
        guard hasButton else { throw HALError(.missing, "this board has no button", mend: "") }
        return try state.withLock { state throws(HALError) in
            if state.faults.contains(.gpioGone) { throw Self.gpioGone }
            if state.button != nil { throw HALError(.busy, "somebody listens to the button already", mend: "") }
            let (stream, continuation) = AsyncStream.makeStream(
                of: ButtonEdge.self, bufferingPolicy: .bufferingNewest(Self.eventLimit))
            // Weak: the continuation is kept here.
            continuation.onTermination = { [weak self] _ in self?.state.withLock { $0.button = nil } }
            state.button = continuation
            return stream
        }
    }

    public func isButtonPressed() async throws(HALError) -> Bool {
        try state.withLock { state throws(HALError) in
            if state.faults.contains(.gpioGone) { throw Self.gpioGone }
            return state.isPressed
        }
    }
}

extension SimulatedBoard: PositionSource {
    public func events() async throws(HALError) -> AsyncStream<PositionEvent> {
        let (stream, isBroken) = try state.withLock { state throws(HALError) in
            guard state.listeners.count < Self.listenerLimit else {
                throw HALError(.full, "\(Self.listenerLimit) listen already", mend: "")
            }
            let (stream, continuation) = AsyncStream.makeStream(
                of: PositionEvent.self, bufferingPolicy: .bufferingNewest(Self.eventLimit))
            state.listeners.append(continuation)
            return (stream, state.faults.contains(.receiverGone))
        }
        if isBroken { tell(.unavailable(Self.receiverGone)) }
        return stream
    }
}

extension SimulatedBoard: ThermalSensor {
    public func temperatures() async throws(HALError) -> [Temperature] {
        try state.withLock { state throws(HALError) in
            if state.faults.contains(.sensorsUnreadable) {
                throw HALError(.broken, "the simulated sensors cannot be read", mend: "end the fault")
            }
            return state.temperatures
        }
    }

    public func power() async throws(HALError) -> PowerState { state.withLock { $0.power } }
}
