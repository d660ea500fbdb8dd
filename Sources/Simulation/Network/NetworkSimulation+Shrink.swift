import Primitives

extension NetworkSimulation.Settings {
    /// The smallest network that still breaks a promise under this seed, as far as trying goes: fewer delegates, fewer cheats, fewer
    /// kinds of faults, and half the time. Each is another run, so it may break another promise. nil if nothing breaks.
    public func shrunk() -> (settings: NetworkSimulation.Settings, violation: SimulationViolation)? {
        guard var best = attempt() else { return nil }
        var hasShrunk = true
        while hasShrunk {
            hasShrunk = false
            for smaller in best.settings.smaller {
                guard let found = smaller.attempt() else { continue }
                (best, hasShrunk) = (found, true)
                break
            }
        }
        return best
    }

    private func attempt() -> (settings: NetworkSimulation.Settings, violation: SimulationViolation)? {
        var simulation = NetworkSimulation(self)
        guard let violation = simulation.run().violations.first else { return nil }
        var settings = self
        settings.delegates = simulation.nodes.count { $0.isDelegate }
        settings.cheats = simulation.nodes.count { !$0.isHonest }
        return (settings, violation)
    }

    private var smaller: [NetworkSimulation.Settings] {
        var all: [NetworkSimulation.Settings] = []
        func with(_ change: (inout NetworkSimulation.Settings) -> Void) {
            var settings = self
            change(&settings)
            all.append(settings)
        }
        if let delegates, delegates > 4 { with { $0.delegates = delegates - 1 } }
        if let cheats, cheats > 0 { with { $0.cheats = cheats - 1 } }
        for kind in NetworkFault.allCases where faults.contains(kind) && Set(faults).count > 1 {
            with { $0.faults.removeAll { $0 == kind } }
        }
        if faultsLast >= .seconds(2) { with { $0.faultsLast = .seconds(faultsLast.wholeSeconds / 2) } }
        return all
    }
}
