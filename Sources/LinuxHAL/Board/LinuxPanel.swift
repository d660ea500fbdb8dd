public import HAL
import Synchronization

/// The board's lamps, switches and button on one GPIO chip.
///
/// An output is taken when it is first set, with that value, so that nothing flickers at the start; it is held from then on.
public final class LinuxPanel: IndicatorPanel {
    /// How the board is wired. Lines by name or offset; `!` before one that is on when low.
    public struct Wiring: Hashable, Sendable {
        /// The chip's label, as gpiodetect shows it.
        public var chip: String
        public var lines: [PanelOutput: String]
        public var button: String?

        public init(chip: String, lines: [PanelOutput: String] = [:], button: String? = nil) {
            self.chip = chip
            self.lines = lines
            self.button = button
        }
    }

    /// A line in a place that can be shared. Unchecked: it is used under the panel's lock only.
    private final class Held: @unchecked Sendable {
        let line: GPIOLine
        init(_ line: consuming GPIOLine) { self.line = line }
    }

    private struct State {
        var outputs: [PanelOutput: Held] = [:]
        var button: ButtonWatcher?
    }

    private let wiring: Wiring
    private let state = Mutex(State())

    public var outputs: Set<PanelOutput> { Set(wiring.lines.keys) }
    public var hasButton: Bool { wiring.button != nil }

    public init(_ wiring: Wiring) { self.wiring = wiring }

    deinit { state.withLock { $0.button?.stop() } }

    public func set(_ output: PanelOutput, on: Bool) async throws(HALError) {
        guard let name = wiring.lines[output] else {
            throw HALError(.missing, "this board has no \(output.rawValue)", mend: "name its line in [board]")
        }
        try state.withLock { state throws(HALError) in
            if let held = state.outputs[output] {
                do throws(HALError) { return try held.line.set(on) } catch {
                    state.outputs[output] = nil  // the chip may come back: it is looked for anew the next time
                    throw error
                }
            }
            state.outputs[output] = Held(try GPIOLine(chip: wiring.chip, LineName(name), output: on))
        }
    }

    public func buttonEdges() async throws(HALError) -> AsyncStream<ButtonEdge> {
        guard let name = wiring.button else {
            throw HALError(.missing, "this board has no button", mend: "name its line in [board]")
        }
        return try state.withLock { state throws(HALError) in
            if let watcher = state.button, watcher.isRunning {
                throw HALError(.busy, "somebody listens to the button already", mend: "")
            }
            state.button = nil  // gives the line back, before it is taken anew
            let (stream, continuation) = AsyncStream.makeStream(
                of: ButtonEdge.self, bufferingPolicy: .bufferingNewest(ButtonWatcher.edgeLimit))
            let watcher = try ButtonWatcher(
                try GPIOLine(button: LineName(name), chip: wiring.chip), continuation)
            continuation.onTermination = { _ in watcher.stop() }
            try watcher.start()
            state.button = watcher
            return stream
        }
    }

    public func isButtonPressed() async throws(HALError) -> Bool {
        try state.withLock { state throws(HALError) in
            guard let watcher = state.button, watcher.isRunning else {
                throw HALError(.missing, "nobody listens to the button", mend: "")
            }
            return try watcher.isPressed()
        }
    }
}
