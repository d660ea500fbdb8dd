import Consensus
import Primitives
import SimulatedHAL

/// What goes wrong by itself.
extension NetworkSimulation {
    mutating func strike() {
        switch random.number(0...9) {
        case 0, 1:
            meet("partition")
            side = nodes.map { _ in random.number(0...1) }
        case 2: side = side.map { _ in 0 }
        case 3: lossPerMille = random.number(0...400)
        case 4: slowest = random.milliseconds(10...4_000)
        case 5:
            let node = random.number(0...nodes.count - 1)
            nodes[node].copy = nodes[node].disk
        case 6, 7: crash(random.number(0...nodes.count - 1))
        case 8: if random.chance(1, in: 4) { for node in nodes.indices { crash(node) } }
        default: shiftClock()
        }
    }

    private mutating func shiftClock() {
        let node = random.number(0...nodes.count - 1)
        meet("clock shifted")
        nodes[node].clockOffset = random.chance(1, in: 4) ? nil : random.number(-8_000...8_000)
    }

    mutating func crash(_ node: Int) {
        guard nodes[node].memory != nil else { return }
        meet("crash")
        nodes[node].memory = nil
        nodes[node].life += 1
        let lost = nodes[node].disk.crash(&random)
        if lost > 0 { meet("blocks lost by a crash", lost) }
        // A disk is restored from a copy after its owner has seen that it is broken.
        let fromCopy = nodes[node].copy != nil && canBeCopied && random.chance(1, in: 2)
        schedule(.restart(node: node, fromCopy: fromCopy), after: random.milliseconds(100...8_000))
    }

    /// As with cheats, fewer than a third may lose their memory at once: the others hold what was decided.
    private var canBeCopied: Bool {
        let delegates = nodes.filter(\.isDelegate).count
        return nodes.filter { !$0.isHonest || $0.isSilent }.count + 1 <= (delegates - 1) / 3
    }

    mutating func restart(_ node: Int, fromCopy: Bool) {
        guard nodes[node].memory == nil else { return }
        if fromCopy, let copy = nodes[node].copy {
            meet("restart from a copy")
            nodes[node].disk = copy
            nodes[node].isSilent = true
        }
        start(node, isWhole: !fromCopy)
        note { "node \(node) is back at height \($0.nodes[node].height)\(fromCopy ? " from a copy" : "")" }
    }

    /// Everything works again; cheats stay cheats.
    mutating func heal() {
        hasHealed = true
        side = side.map { _ in 0 }
        (lossPerMille, slowest) = (0, .milliseconds(80))
        for node in nodes.indices {
            nodes[node].clockOffset = random.number(-700...700)
            if nodes[node].memory == nil { restart(node, fromCopy: false) }
        }
        checker.heightAtHealing = checker.chain.count
        note { "healed at height \($0.checker.chain.count)" }
    }

    var hasEverybodyRecovered: Bool {
        let wanted = UInt64(checker.heightAtHealing + 3)
        return nodes.allSatisfy { !$0.isHonest || $0.height >= wanted }
    }

    mutating func offerTransaction() {
        let node = random.number(0...nodes.count - 1)
        broadcast(.transaction(random.next() >> 16), from: node)
    }
}
