import Glibc
import Primitives
import Simulation
import SimulatedHAL
import Testing

/// Sessions are short and faults are many, so that two minutes meet what a month would.
private func dense(_ settings: inout StationSimulation.Settings) {
    settings.lasting = .seconds(100)
}

private func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
}

/// `QLINK_SEED=61 swift test --filter oneSeed` tells what happened under that seed, to its first violation.
private let chosenSeed = getenv("QLINK_SEED").flatMap { UInt64(String(cString: $0)) }

@Suite struct SimulationTests {
    @Test func everyPromiseHoldsUnder220Seeds() {
        var report = SimulationReport()
        let time = seconds(
            ContinuousClock().measure { report = StationSimulation.run(seeds: 0..<220, hours: 0, configure: dense) })
        print("simulation: \(report)")
        print(
            "simulation: \(report.virtualHours / time) virtual hours a second, \((report.virtualHours * 3_600 / time).rounded()) times real time"
        )
        #expect(report.violations.isEmpty)
        for needed in Self.needed { #expect(report.coverage[needed, default: 0] > 0, "never met: \(needed)") }
        for fault in SimulatedFault.allCases { #expect(report.coverage["fault \(fault.rawValue)", default: 0] > 0) }
        #expect(report.records == report.sessions)
    }

    /// A run that meets none of these has shown nothing.
    static let needed = [
        "killed before a commit", "killed between batches", "killed between persisting and granting",
        "killed between stopping and draining", "killed by loss of power", "started in the same boot", "started after a boot",
        "recovered the gate", "failed commits", "bytes lost with the gate", "spoofed packets", "dropped packets",
        "the gate refused a transaction: busy", "the gate refused a transaction: notPermitted",
        "the gate refused a transaction: missing", "could not read the counters: interrupted",
        "refused wrong key", "refused stale voucher", "refused stale acceptance", "refused deposit exceeded",
        "refused spent code", "refused blocked", "refused no address", "accepted address", "accepted departure",
        "ended: left", "ended: idle", "ended: moved", "ended: blocked", "ended: disconnected",
        "sessions under byte", "sessions under byte-updown", "sessions under second", "sessions under mixed",
        "sessions under iot", "sessions under package", "sessions under flat", "sessions under allowance",
        "sessions under capped", "sessions under hours", "sessions under free", "sessions under donations",
    ]

    @Test func sameSeedIsSameRun() {
        let traces = (0..<2).map { _ in StationSimulation.run(seeds: 7..<10, hours: 0, configure: dense).trace }
        #expect(traces[0] == traces[1])
        #expect(traces[0] != StationSimulation.run(seeds: 8..<11, hours: 0, configure: dense).trace)
    }

    /// Without guards the promises break, and the checker says so: a check that cannot fail is none.
    @Test(arguments: SimulationMutation.allCases)
    func checkerNotices(_ mutation: SimulationMutation) {
        for seed in UInt64(0)..<150 {
            let report = StationSimulation.run(seeds: seed..<seed + 1, hours: 0) { settings in
                dense(&settings)
                settings.mutations = [mutation]
                Self.focus(&settings, on: mutation)
            }
            if let violation = report.violations.first {
                print("caught \(mutation.rawValue) with \(violation)")
                return
            }
        }
        Issue.record("\(mutation.rawValue) was not noticed")
    }

    /// Meets the mistakes that only show in a moment when something else goes wrong.
    static func focus(_ settings: inout StationSimulation.Settings, on mutation: SimulationMutation) {
        switch mutation {
        case .rollsBackWhatIsCommitted:
            settings.mixture.faults = [.diskFull]
            settings.failsCommit = 4
        case .drainsUnstopped, .retriesStaleLeases: settings.mixture.faults = [.gateBusy]
        default: return
        }
        settings.mixture.faultPace = .seconds(8)
        settings.mixture.clientPace = .seconds(8)
        settings.killPace = nil
        settings.killWithinBatch = nil
    }

    /// The same trouble with all guards in place: what was noticed above was the mistake, not the trouble.
    @Test(arguments: [SimulationMutation.rollsBackWhatIsCommitted, .drainsUnstopped])
    func focusedTroubleAloneBreaksNothing(_ mutation: SimulationMutation) {
        let report = StationSimulation.run(seeds: 0..<60, hours: 0) { settings in
            dense(&settings)
            Self.focus(&settings, on: mutation)
        }
        #expect(report.violations.isEmpty)
        for violation in report.violations { print("control: \(violation)") }
    }

    @Test func violationsReplay() {
        let runs = (0..<2).map { _ in
            StationSimulation.run(seeds: 0..<4, hours: 0) { settings in
                dense(&settings)
                settings.mutations = [.pinsNobody]
            }
        }
        #expect(!runs[0].violations.isEmpty)
        #expect(runs[0].violations == runs[1].violations)
        #expect(runs[0].trace == runs[1].trace)
    }

    @Test func runsForHours() {
        var settings = StationSimulation.Settings(seed: 1_000)
        settings.lasting = .seconds(1_200)
        settings.mixture.faultPace = .seconds(120)
        settings.mixture.clientPace = .seconds(60)
        settings.killPace = 200
        var simulation = StationSimulation(settings)
        let report = simulation.run()
        #expect(report.violations.isEmpty)
    }

    @Test(.enabled(if: chosenSeed != nil)) func oneSeed() {
        var settings = StationSimulation.Settings(seed: chosenSeed ?? 0)
        dense(&settings)
        settings.keepsLog = true
        let mutation = getenv("QLINK_MUTATION").flatMap { SimulationMutation(rawValue: String(cString: $0)) }
        if let mutation { SimulationTests.focus(&settings, on: mutation) }  // the trouble, not the mistake
        var simulation = StationSimulation(settings)
        let report = simulation.run()
        for line in simulation.log { print(line) }
        #expect(report.violations.isEmpty)
    }
}
