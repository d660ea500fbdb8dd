import Glibc
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

@Test(.enabled(if: Environment.seed != nil)) func oneSeed() {
    var settings = StationSimulation.Settings(seed: Environment.seed ?? 0)
    settings.keepsLog = true
    dense(&settings)
    var simulation = StationSimulation(settings)
    let report = simulation.run()
    for line in simulation.log.suffix(400) { print(line) }
    #expect(report.violations.isEmpty)
}

private enum Environment {
    static var seed: UInt64? { getenv("QLINK_SEED").flatMap { UInt64(String(cString: $0)) } }
}
