import ArgumentParser
import Primitives
import Simulation

/// Stations and networks from seeds, faster than time passes: `make sim SEEDS=1000`.
@main
struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Simulates stations and networks, and checks every promise at every step.",
        discussion:
            "Example: simulate network --seeds 1000. A violation names its seed: simulate network --first 61 --seeds 1 --log",
        subcommands: [SimulateStations.self, SimulateNetwork.self])
}

struct SimulateStations: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stations", abstract: "A station with its board, its clients and their wallets.")

    @OptionGroup var options: SimulateOptions
    @Option(help: "Virtual minutes of each.") var minutes = 5.0

    func run() async throws {
        let (keepsLog, lasting) = (options.log, Nanoseconds(Int64(minutes * 6e10)))
        try await options.run { seed in
            var settings = StationSimulation.Settings(seed: seed)
            (settings.lasting, settings.keepsLog) = (lasting, keepsLog)
            var simulation = StationSimulation(settings)
            return (simulation.run(), simulation.log)
        }
    }
}
