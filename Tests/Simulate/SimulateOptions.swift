import ArgumentParser
import FoundationEssentials
import Primitives
import Simulation

/// What every simulation is told, and how it is run: from seed to seed, on as many threads as wanted.
struct SimulateOptions: ParsableArguments {
    typealias Run = (report: SimulationReport, log: [String])

    @Option(help: "How many.") var seeds: UInt64 = 1_000
    @Option(help: "The first seed.") var first: UInt64 = 0
    @Option(help: "So many at a time; what is printed does not depend on it.") var threads = 1
    @Flag(help: "Tell what happened.") var log = false
    @Option(help: "Adds what it came to to this JSON file.") var output: String?

    func run(_ simulate: @escaping @Sendable (UInt64) -> Run) async throws {
        var total = SimulationReport()
        let start = ContinuousClock.now
        for from in stride(from: first, to: first + seeds, by: Self.batch) {
            for run in await runs(of: from..<min(from + UInt64(Self.batch), first + seeds), simulate) {
                for line in run.log { print(line) }
                for violation in run.report.violations { print(violation) }
                total.add(run.report)
            }
        }
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        print(total)
        print(
            "  trace \(String(total.trace, radix: 16)); \(Int(total.virtualHours * 3_600 / elapsed)) times real time, in \(Int(elapsed)) s"
        )
        if let output { try Totals.add(total, to: output) }
        if !total.violations.isEmpty { throw ExitCode(1) }
    }

    /// Between two batches they are printed, in the order of their seeds.
    private static let batch = 256

    private func runs(of seeds: Range<UInt64>, _ simulate: @escaping @Sendable (UInt64) -> Run) async -> [Run] {
        let threads = max(1, threads)
        return await withTaskGroup(of: [UInt64: Run].self) { group in
            for thread in 0..<threads {
                let share = seeds.filter { Int($0 % UInt64(threads)) == thread }
                group.addTask { Dictionary(uniqueKeysWithValues: share.map { ($0, simulate($0)) }) }
            }
            var found: [UInt64: Run] = [:]
            for await part in group { found.merge(part) { one, _ in one } }
            return seeds.compactMap { found[$0] }
        }
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
        if FileManager.default.fileExists(atPath: path) {
            totals = try JSONDecoder().decode(Totals.self, from: Data(contentsOf: file))
        }
        totals.seeds += report.seeds
        totals.violations += report.violations.count
        totals.virtualHours = ((totals.virtualHours + report.virtualHours) * 1_000).rounded() / 1_000
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(totals).write(to: file)
    }
}
