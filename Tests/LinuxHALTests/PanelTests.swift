import HAL
import LinuxHAL
import Primitives
import Testing

@testable import LinuxHAL

/// A board whose wiring is not there. The real thing is in HilTests.
@Suite struct PanelTests {
    @Test func whatIsNotWiredIsMissing() async throws {
        let panel = LinuxPanel(.init(chip: "no-such-chip", lines: [.fan: "fan"], button: "!reset"))
        #expect(panel.outputs == [.fan] && panel.hasButton)
        for output in PanelOutput.allCases {
            let error = await #expect(throws: HALError.self) { try await panel.set(output, on: true) }
            #expect(error?.kind == .missing && error?.what.contains(output == .fan ? "no-such-chip" : output.rawValue) == true)
        }
        for _ in 0..<2 {  // a try that failed is not in the way of the next
            #expect(await #expect(throws: HALError.self) { try await panel.buttonEdges() }?.kind == .missing)
        }
        #expect(await #expect(throws: HALError.self) { try await panel.isButtonPressed() }?.kind == .missing)
        let bare = LinuxPanel(.init(chip: "x"))
        #expect(!bare.hasButton && bare.outputs.isEmpty)
        #expect(await #expect(throws: HALError.self) { try await bare.buttonEdges() }?.kind == .missing)
    }

    @Test(arguments: [("led", "led", false), ("!led", "led", true), ("17", "17", false), ("!!x", "!x", true)])
    func aLineSaysWhetherItIsOnWhenLow(_ text: String, _ name: String, _ isActiveLow: Bool) {
        #expect(LineName(text).name == name && LineName(text).isActiveLow == isActiveLow)
    }

    /// Edge, monotonic now, boot-time now, all in ms; what comes of it.
    @Test(arguments: [
        (900, 1_000, 5_000, 4_900), (1_000, 1_000, 1_000, 1_000), (1_001, 1_000, 5_000, 5_000),
        (1_795_000_000_000, 1_000, 5_000, 5_000), (0, 60_000, 60_000, 0), (0, 60_001, 60_001, 60_001),
    ]) func anEdgesTimeIsOfTheBootClock(_ edge: Int64, _ monotonic: Int64, _ boot: Int64, _ wanted: Int64) {
        let ms: Int64 = 1_000_000
        #expect(
            ButtonWatcher.bootTime(of: edge * ms, monotonic: monotonic * ms, boot: boot * ms)
                == Instant(nanoseconds: wanted * ms))
    }
}
