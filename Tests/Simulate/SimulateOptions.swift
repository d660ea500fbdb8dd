import ArgumentParser
import FoundationEssentials
import Primitives
import Simulation

/// What every simulation is told, and how it is run: one seed after the other, on as many threads as wanted.
struct SimulateOptions: ParsableArguments {
    @Option(help: "How many.") var seeds: UInt64 = 1_000
    @Option(help: "The first seed.") var first: UInt64 = 0
    @Flag(help: "Tell what happened.") var log = false
    @Option(help: "Adds what it came to to this JSON file.") var output: String?

    func run(_ simulate: (UInt64) -> (SimulationReport, [String])) throws {
        var total = SimulationReport()
        let start = ContinuousClock.now
        for seed in first..<first + seeds {
            let (report, lines) = simulate(seed)
            for line in lines { print(line) }
            for violation in report.violations { print(violation) }
            total.add(report)
        }
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        print(total)
        print("\(Int(total.virtualHours * 3_600 / elapsed)) times real time, in \(Int(elapsed)) s")
        if let output { try Totals.add(total, to: output) }
        if !total.violations.isEmpty { throw ExitCode(1) }
    }
}

/// build/sim.json: all simulations of one `make sim` together.
private struct Totals: Codable {
    var seeds = 0
    var violations = 0
    var virtualHours = 0.0

    private enum CodingKeys: String, CodingKey {
        case seeds, violations
        case virtualHours = "virtual_hours"
    }

    static func add(_ report: SimulationReport, to path: String) throws {
        let file = URL(fileURLWithPath: path)
        var totals = Totals()
        if let before = try? Data(contentsOf: file) { totals = try JSONDecoder().decode(Totals.self, from: before) }
        totals.seeds += report.seeds
        totals.violations += report.violations.count
        totals.virtualHours += report.virtualHours
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(totals).write(to: file)
    }
}
