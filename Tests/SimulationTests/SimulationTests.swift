import Primitives
import Simulation
import SimulatedHAL
import Testing

/// Mean faults and short sessions, so that two minutes meet what a month would.
private func dense(_ settings: inout StationSimulation.Settings) {
    settings.lasting = .seconds(100)
}

@Suite struct SimulationTests {
    static let seeds: Range<UInt64> = 0..<220

    @Test func everyPromiseHolds() {
        let clock = ContinuousClock()
        var report = SimulationReport()
        let time = clock.measure { report = StationSimulation.run(seeds: Self.seeds, hours: 0, configure: dense) }
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        print("simulation: \(report)")
        print("simulation: \((report.virtualHours / seconds * 3_600).rounded()) times real time, \(report.virtualHours / seconds) virtual hours a second")
        #expect(report.violations.isEmpty)
    }
}
