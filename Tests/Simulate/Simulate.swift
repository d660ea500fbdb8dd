import ArgumentParser
import Primitives
import Simulation

/// Many stations from many seeds, faster than time passes: `make sim SEEDS=1000`.
@main
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Simulates stations and checks every promise at every step.",
        discussion: "Example: simulate --seeds 1000 --minutes 5. A violation names its seed: simulate --first 61 --seeds 1 --log")

    @Option(help: "How many stations.") var seeds: UInt64 = 1_000
    @Option(help: "The first seed.") var first: UInt64 = 0
    @Option(help: "Virtual minutes of each.") var minutes = 5.0
    @Flag(help: "Tell what happened.") var log = false

    func run() throws {
        var total = SimulationReport()
        let start = ContinuousClock.now
        for seed in first..<first + seeds {
            var settings = StationSimulation.Settings(seed: seed)
            settings.lasting = Nanoseconds(Int64(minutes * 6e10))
            settings.keepsLog = log
            var simulation = StationSimulation(settings)
            let report = simulation.run()
            for line in simulation.log { print(line) }
            for violation in report.violations { print(violation) }
            total.add(report)
        }
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        print(total)
        print(
            "\(Int(total.virtualHours * 3_600 / elapsed)) times real time, \(total.virtualHours / elapsed) virtual hours a second"
        )
        if !total.violations.isEmpty { throw ExitCode(1) }
    }
}
