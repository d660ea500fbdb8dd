import Simulation
import SimulatedHAL
import Testing

/// `make sim` runs thousands of seeds; these show what each of them can show.
@Suite struct NetworkSimulationTests {
    @Test func everyPromiseHoldsUnder40Seeds() {
        let report = NetworkSimulation.run(seeds: 0..<40)
        print("network simulation: \(report)")
        #expect(report.violations.isEmpty)
        for needed in Self.needed { #expect(report.coverage[needed, default: 0] > 0, "never met: \(needed)") }
        for fault in NetworkFault.allCases { #expect(report.coverage["fault \(fault.rawValue)", default: 0] > 0) }
    }

    /// A run that meets none of these has shown nothing.
    static let needed = [
        "crashes", "crashes between actions", "crashes on a decision", "blocks lost by a crash", "restarts from a copy",
        "lost messages", "overtaken messages", "damaged messages", "clocks unset", "clocks set", "caught up", "later rounds",
        "decided in a later round", "untimely blocks", "double votes by cheats", "double proposals by cheats", "votes withheld",
        "proposals withheld", "mute cheats", "hidden precommits", "votes for anything", "lies about time", "lies about height",
        "blocks with another body",
        "blocks that follow from nothing", "forged evidence", "double votes seen", "cheats punished", "epochs",
        "other delegates elected", "delegates jailed", "jailed delegates come back", "transactions done", "transactions in vain",
        "transactions refused", "misdeeds seen: falseSignature",
    ]

    /// With a third of the power or more cheats do fork the chain, so these checks can find forks; with less, the same cheats under the
    /// same faults do not.
    @Test(arguments: [1, 2])
    func cheatsForkTheChainFromAThirdOfThePowerOn(cheats: Int) {
        let report = NetworkSimulation.run(seeds: 0..<20) { settings in
            settings.cheats = cheats
            settings.collude()
        }
        let forks = report.violations.count { $0.promise == .oneBlock }
        print("\(cheats) of 4 delegates cheat: \(forks) forks under 20 seeds")
        #expect(cheats == 1 ? report.violations.isEmpty : forks > 0)
    }

    /// Without guards the promises break, and the checker says so: a check that cannot fail is none.
    @Test(arguments: NetworkMutation.allCases)
    func checkerNotices(_ mutation: NetworkMutation) {
        for seed in UInt64(0)..<150 {
            let report = NetworkSimulation.run(seeds: seed..<seed + 1) { settings in
                settings.mutations = [mutation]
                settings.focus(on: mutation)
            }
            if let violation = report.violations.first {
                print("caught \(mutation.rawValue) with \(violation)")
                return
            }
        }
        Issue.record("\(mutation.rawValue) was not noticed")
    }

    /// The same trouble with all guards in place: what was noticed above was the mistake, not the trouble.
    @Test(arguments: NetworkMutation.allCases)
    func focusedTroubleAloneBreaksNothing(_ mutation: NetworkMutation) {
        let report = NetworkSimulation.run(seeds: 0..<12) { $0.focus(on: mutation) }
        for violation in report.violations { print("control: \(violation)") }
        #expect(report.violations.isEmpty)
    }

    @Test func sameSeedIsSameRun() {
        let traces = (0..<2).map { _ in NetworkSimulation.run(seeds: 7..<10).trace }
        #expect(traces[0] == traces[1])
        #expect(traces[0] != NetworkSimulation.run(seeds: 8..<11).trace)
    }

    @Test func violationsReplayAndTellTheirStory() throws {
        let runs = (0..<2).map { _ in
            var settings = NetworkSimulation.Settings(seed: 1)
            (settings.mutations, settings.keepsLog) = ([.forgetsSignatures], true)
            var simulation = NetworkSimulation(settings)
            return (report: simulation.run(), log: simulation.log)
        }
        let violation = try #require(runs[0].report.violations.first)
        #expect(violation.promise == .oneSignature)
        #expect(runs[0].report.violations == runs[1].report.violations && runs[0].report.trace == runs[1].report.trace)
        #expect(runs[0].log == runs[1].log && runs[0].log.contains { $0.contains("VIOLATION") })
    }

    @Test func aFailureShrinks() throws {
        var settings = NetworkSimulation.Settings(seed: 0)
        settings.mutations = [.forgetsSignatures]
        let failing = (0..<100 as Range<UInt64>).lazy.compactMap { seed in
            settings.seed = seed
            return settings.shrunk()
        }
        let small = try #require(failing.first)
        #expect(Set(small.settings.faults).count < Set(settings.faults).count, "left: \(small.settings.faults)")
        var again = NetworkSimulation(small.settings)
        #expect(again.run().violations == [small.violation])
        settings.mutations = []
        #expect(settings.shrunk() == nil)
    }
}
