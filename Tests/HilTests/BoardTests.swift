import BoardControl
import Foundation
import HAL
import Lab
import LinuxHAL
import Logging
import Primitives
import Station
import Synchronization
import Testing

/// The board's light, button, fan, receiver and sensors on the kernel's own simulated chips, driven and read back by its files.
@Suite(hardwareInTheLoop, .serialized)
struct BoardTests {
    private static let lines = ["status-led", "radio-en", "pa-en", "fan", "reset", "", "low-led", "taken"]

    private static func wiring(_ chip: String) -> LinuxPanel.Wiring {
        LinuxPanel.Wiring(
            chip: chip,
            lines: [.statusLight: "status-led", .radioEnable: "radio-en", .amplifierEnable: "!pa-en", .fan: "3"], button: "reset")
    }

    /// What came until now, in its order.
    private final class Seen<Element: Sendable>: Sendable {
        private let elements = Mutex<[Element]>([])
        private let over = Atomic(false)
        var all: [Element] { elements.withLock { $0 } }
        var isOver: Bool { over.load(ordering: .acquiring) }
        func note(_ element: Element) { elements.withLock { $0.append(element) } }
        func end() { over.store(true, ordering: .releasing) }
    }

    /// Listens until the task is cancelled or the stream ends.
    private static func listen(to stream: AsyncStream<ButtonEdge>) -> (edges: Seen<ButtonEdge>, task: Task<Void, Never>) {
        let edges = Seen<ButtonEdge>()
        let task = Task {
            for await edge in stream { edges.note(edge) }
            edges.end()
        }
        return (edges, task)
    }

    /// Without holding one of the guest's two threads.
    static func wait(
        for what: String, every interval: Duration = .milliseconds(20), seconds: Int = 20,
        isolation: isolated (any Actor)? = #isolation, until condition: () async throws -> Bool
    ) async throws {
        try await waitUntil(what, timeout: .seconds(seconds), every: interval) { try await condition() }
    }

    @Test func linesAreDrivenByNameByOffsetAndTurnedAround() async throws {
        let chip = try GPIOChip(label: "board", lines: Self.lines)
        let other = try GPIOChip(label: "another", lines: Self.lines)
        let panel = LinuxPanel(Self.wiring("board"))
        #expect(try !chip.value("pa-en"))
        // Off from its first moment, which for this one is high.
        try await panel.set(.amplifierEnable, on: false)
        #expect(try chip.value("pa-en"))
        for (output, line) in [(PanelOutput.statusLight, "status-led"), (.radioEnable, "radio-en"), (.fan, "fan")] {
            for on in [true, false, true] {
                try await panel.set(output, on: on)
                #expect(try chip.value(line) == on, "\(output) \(on)")
            }
        }
        try await panel.set(.amplifierEnable, on: true)
        #expect(try !chip.value("pa-en"))
        for line in Self.lines where !line.isEmpty { #expect(try !other.value(line), "the other chip's \(line)") }
    }

    @Test func whatCannotBeTakenIsNamed() async throws {
        let chip = try GPIOChip(label: "board", lines: Self.lines, taken: 7)
        let first = LinuxPanel(Self.wiring("board"))
        try await first.set(.fan, on: true)
        for (line, kind) in [
            ("taken", HALError.Kind.busy), ("fan", .busy), ("nothing", .missing), ("8", .missing), ("99", .missing),
        ] {
            let panel = LinuxPanel(.init(chip: "board", lines: [.fan: line], button: line))
            #expect(await #expect(throws: HALError.self) { try await panel.set(.fan, on: true) }?.kind == kind, "\(line)")
            #expect(await #expect(throws: HALError.self) { try await panel.buttonEdges() }?.kind == kind, "\(line)")
        }
        #expect(try chip.value("fan"))
    }

    @Test func theButtonsEdgesComeWithTheirTime() async throws {
        let chip = try GPIOChip(label: "board", lines: Self.lines)
        let (panel, clocks) = (LinuxPanel(Self.wiring("board")), try LinuxClocks())
        let (edges, task) = Self.listen(to: try await panel.buttonEdges())
        #expect(try await !panel.isButtonPressed())
        let before = clocks.now().boot
        for (count, up) in [true, false, true].enumerated() {
            try chip.pull("reset", up: up)
            #expect(try await panel.isButtonPressed() == up)
            // The kernel makes one of edges that come before it looked.
            try await Self.wait(for: "edge \(count + 1)") { edges.all.count > count }
        }
        let (seen, after) = (edges.all, clocks.now().boot)
        #expect(seen.map(\.isPressed) == [true, false, true])
        #expect(seen.map(\.at) == seen.map(\.at).sorted() && seen[0].at >= before && seen[2].at <= after)
        #expect(await #expect(throws: HALError.self) { try await panel.buttonEdges() }?.kind == .busy)
        // However fast it goes, what is told last is how it is.
        for round in 0..<50 { try chip.pull("reset", up: round % 2 == 0) }
        try await Self.wait(for: "the end of the bouncing") { edges.all.last?.isPressed == false }
        task.cancel()
        try await Self.wait(for: "the line to be free again") { (try? await panel.buttonEdges()) != nil }
    }

    @Test func aChipThatIsUnpluggedIsNoticedAndFoundAgain() async throws {
        var chip: GPIOChip? = try GPIOChip(label: "board", lines: Self.lines)
        let panel = LinuxPanel(Self.wiring("board"))
        let (edges, _) = Self.listen(to: try await panel.buttonEdges())
        try await panel.set(.fan, on: true)
        try chip?.unplug()
        chip = nil
        let error = await #expect(throws: HALError.self) { try await panel.set(.fan, on: false) }
        #expect(error?.kind == .missing)
        try await Self.wait(for: "the button's end") { edges.isOver }
        let again = try GPIOChip(label: "board", lines: Self.lines)
        try await panel.set(.fan, on: true)
        #expect(try again.value("fan"))
        let (more, _) = Self.listen(to: try await panel.buttonEdges())
        try again.pull("reset", up: true)
        try await Self.wait(for: "an edge") { more.all.map(\.isPressed) == [true] }
    }

    /// The whole board: sensors to fan and orders, button to light and reset.
    @Test func theKeeperAnswersButtonAndHeat() async throws {
        let chip = try GPIOChip(label: "board", lines: Self.lines)
        let sensor = try HeatSource(celsius: 40)
        let words = Seen<String>()
        var (settings, orders) = (BoardSettings(), BoardOrders())
        settings.thermalInterval = .milliseconds(200)
        orders.transmitPower = { words.note("\($0)") }
        orders.mining = { words.note($0 ? "mine" : "no mining") }
        orders.factoryReset = { words.note("reset") }
        let keeper = BoardKeeper(
            parts: BoardParts(panel: LinuxPanel(Self.wiring("board")), thermal: LinuxThermalSensor()), settings: settings,
            clocks: try LinuxClocks(), orders: orders, logger: Logger(label: "test"))
        let task = Task { try await keeper.run() }
        await keeper.show(.serving)
        try await Self.wait(for: "the board to be on") {
            try chip.value("status-led") && chip.value("radio-en") && !chip.value("pa-en") && !chip.value("fan")
        }
        try await Self.wait(for: "the temperature") { await keeper.temperature()?.milliCelsius == 40_000 }

        try sensor.set(celsius: 95)
        try await Self.wait(for: "the fan") { try chip.value("fan") }
        try await Self.wait(for: "the orders") { words.all.count == 4 }
        #expect(words.all == ["half", "quarter", "no mining", "minimum"])
        #expect(await keeper.temperature() == Temperature(name: "lm75 temp1", milliCelsius: 95_000))
        try sensor.set(celsius: 45)
        try await Self.wait(for: "the fan to stop") { try !chip.value("fan") }

        try chip.pull("reset", up: true)
        try await Self.wait(for: "the countdown", seconds: 30) { await keeper.lightSignal() == .countdownSlow }
        var (changes, last) = (0, try chip.value("status-led"))
        try await Self.wait(for: "the reset", seconds: 60) {
            let isOn = try chip.value("status-led")
            if isOn != last { (changes, last) = (changes + 1, isOn) }
            return words.all.last == "reset"
        }
        #expect(changes >= 4, "the light counted down")
        try chip.pull("reset", up: false)
        task.cancel()
        try await task.value
        #expect(try !chip.value("status-led") && chip.value("radio-en"))
        withExtendedLifetime(sensor) {}
    }
}
