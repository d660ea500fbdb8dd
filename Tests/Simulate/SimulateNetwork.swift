public import ArgumentParser
import Primitives
public import Simulation

struct SimulateNetwork: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network", abstract: "Delegates that agree on blocks, under faults and among cheats.")

    @OptionGroup var options: SimulateOptions
    @Option(help: "Delegates; 4 to 7 if it is not said.") var delegates: Int?
    @Option(help: "So many of them cheat; as many as a third of the power allows if it is not said.") var cheats: Int?
    @Option(help: "A guard taken out: \(NetworkMutation.allCases.map(\.rawValue).joined(separator: ", ")).")
    var without: NetworkMutation?

    func run() throws {
        try options.run { seed in
            var settings = NetworkSimulation.Settings(seed: seed)
            (settings.delegates, settings.cheats, settings.keepsLog) = (delegates, cheats, options.log)
            settings.mutations = Set([without].compactMap { $0 })
            var simulation = NetworkSimulation(settings)
            return (simulation.run(), simulation.log)
        }
    }
}

extension NetworkMutation: ExpressibleByArgument {}
