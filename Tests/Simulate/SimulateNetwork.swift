public import ArgumentParser
import Primitives
public import Simulation

struct SimulateNetwork: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network", abstract: "Delegates that agree on blocks, under faults and among cheats.")

    @OptionGroup var options: SimulateOptions
    @Option(help: "Delegates; 4 to 7 if it is not said.") var delegates: Int?
    @Option(help: "So many of them cheat; as many as a third of the power allows if it is not said.") var cheats: Int?
    @Flag(help: "Cheats say to each side what it would hear; with --cheats 2 there will be forks.") var collude = false
    @Option(help: "Seconds of faults, before the network heals.") var faultSeconds: Int?
    @Option(parsing: .upToNextOption, help: "Only these faults: \(names(NetworkFault.allCases)).") var faults: [NetworkFault] = []
    @Option(help: "A guard taken out, under the faults that show it: \(names(NetworkMutation.allCases)).")
    var without: NetworkMutation?
    @Flag(help: "Look for a smaller network with fewer faults that still fails under the first seed.") var shrink = false

    func run() async throws {
        if shrink { return try shrinkFirst() }
        let keepsLog = options.log
        let configured = settings
        try await options.run { seed in
            var settings = configured
            (settings.seed, settings.keepsLog) = (seed, keepsLog)
            var simulation = NetworkSimulation(settings)
            return (simulation.run(), simulation.log)
        }
    }

    private var settings: NetworkSimulation.Settings {
        var settings = NetworkSimulation.Settings(seed: options.first)
        settings.cheats = cheats
        if let without {
            settings.mutations = [without]
            settings.focus(on: without)
        }
        if collude { settings.collude() }
        if let delegates { settings.delegates = delegates }
        if let faultSeconds { settings.faultsLast = .seconds(Int64(faultSeconds)) }
        if !faults.isEmpty { settings.faults = faults }
        return settings
    }

    private func shrinkFirst() throws {
        guard let small = settings.shrunk() else {
            print("seed \(options.first) breaks no promise")
            return
        }
        print(small.violation)
        let faults = small.settings.faults.map(\.rawValue).joined(separator: " ")
        print(
            "with --delegates \(small.settings.delegates ?? 0) --cheats \(small.settings.cheats ?? 0) "
                + "--fault-seconds \(small.settings.faultsLast.wholeSeconds) --faults \(faults)")
        throw ExitCode(1)
    }
}

private func names<Name: RawRepresentable<String>>(_ all: [Name]) -> String { all.map(\.rawValue).joined(separator: ", ") }

extension NetworkMutation: ExpressibleByArgument {}
extension NetworkFault: ExpressibleByArgument {}
