import Consensus
import Primitives
import SimulatedHAL

/// What goes wrong by itself.
public enum NetworkFault: String, Hashable, Sendable, CaseIterable {
    case partition, reconnect, loss, delay, copy, crash, powerCut, clock

    static let mixture: [NetworkFault] = [
        .partition, .partition, .partition, .partition, .reconnect, .reconnect, .loss, .loss, .delay, .delay, .copy, .copy,
        .crash, .crash, .crash, .crash, .clock, .clock, .clock, .powerCut,
    ]
}

extension NetworkSimulation {
    mutating func strike(_ fault: NetworkFault) {
        meet("fault \(fault.rawValue)")
        switch fault {
        case .partition:
            side = nodes.map { _ in random.number(0...1) }
            note { "the network is split: \($0.side)" }
        case .reconnect: side = side.map { _ in 0 }
        case .loss: lossPerMille = random.number(0...settings.worstLoss)
        case .delay: slowest = random.milliseconds(10...4_000)
        case .copy:
            let node = random.number(0...nodes.count - 1)
            nodes[node].copy = nodes[node].disk
        case .crash: crash(random.number(0...nodes.count - 1))
        case .powerCut: cutPower()
        case .clock: shiftClock()
        }
    }

    /// Boards without a battery come back without the time, and get it from the network later.
    private mutating func cutPower() {
        for node in nodes.indices {
            crash(node)
            guard random.chance(1, in: 2) else { continue }
            nodes[node].clockOffset = nil
            schedule(.clock(node: node), after: random.milliseconds(1_000...20_000))
        }
    }

    private mutating func shiftClock() {
        let node = random.number(0...nodes.count - 1)
        setClock(of: node, to: random.chance(1, in: 4) ? nil : random.number(Self.clockShifts))
    }

    /// Milliseconds: no two clocks are further apart than what a board that was restored from a copy waits.
    private static let clockShifts = -3_500...3_500

    mutating func setClock(of node: Int, to offset: Int?) {
        meet(offset == nil ? "clocks unset" : "clocks set")
        nodes[node].clockOffset = offset
    }

    mutating func crash(_ node: Int) {
        guard nodes[node].running != nil else { return }
        meet("crashes")
        nodes[node].running = nil
        nodes[node].life += 1
        let lost = nodes[node].disk.crash(&random)
        if lost > 0 { meet("blocks lost by a crash", lost) }
        note { _ in "node \(node) crashed\(lost > 0 ? " and lost \(lost) blocks" : "")" }
        // A disk is restored from a copy after its owner has seen that it is broken.
        let fromCopy = nodes[node].copy != nil && canBeCopied(node) && random.chance(1, in: 2)
        if fromCopy { nodes[node].isRestored = true }
        schedule(.restart(node: node, fromCopy: fromCopy), after: random.milliseconds(100...8_000))
    }

    /// As with cheats, fewer than a third may lose their memory: the others hold what was decided.
    /// Where delegates are jailed the others may be few.
    private func canBeCopied(_ node: Int) -> Bool {
        guard !jailsAbsentees || !nodes[node].isDelegate else { return false }
        let others = nodes.filter { $0.isDelegate && $0.number != node && (!$0.isHonest || $0.isRestored) }.count
        return !nodes[node].isDelegate || others + 1 <= (nodes.filter(\.isDelegate).count - 1) / 3
    }

    mutating func restart(_ node: Int, fromCopy: Bool) {
        guard nodes[node].running == nil else { return }
        if fromCopy, let copy = nodes[node].copy {
            meet("restarts from a copy")
            nodes[node].disk = copy
        }
        start(node, isWhole: !fromCopy)
        note { "node \(node) is back at height \($0.nodes[node].height)\(fromCopy ? " from a copy" : "")" }
    }

    /// Everything works again; cheats stay cheats.
    mutating func heal() {
        hasHealed = true
        side = side.map { _ in 0 }
        (lossPerMille, slowest) = (0, .milliseconds(80))
        checker.heightAtHealing = checker.chain.count
        note { "healed at height \($0.checker.chain.count)" }
        for node in nodes.indices {
            setClock(of: node, to: random.number(-700...700))
            restart(node, fromCopy: false)
        }
    }

    var hasEverybodyRecovered: Bool {
        let wanted = UInt64(checker.heightAtHealing + 3)
        return nodes.indices.allSatisfy { !nodes[$0].isHonest || nodes[$0].height >= wanted }
    }
}
