import Consensus
import Primitives

/// Who sees everything, and forgets nothing.
struct NetworkChecker {
    struct Signed: Hashable {
        var node: Int
        var height: UInt64
        var round: UInt32
        /// 0: a proposal.
        var step: UInt8
    }

    struct Said: Hashable {
        var block: BlockID?
        var validRound: UInt32?
    }

    let genesis: SimulatedLedger
    let honest: [Bool]
    /// As first decided.
    var chain: [CertifiedBlock] = []
    /// After that chain, and the set of each height.
    var ledger: SimulatedLedger
    var sets: [DelegateSet]
    var heightAtHealing = 0
    var signed: [Signed: Said] = [:]

    init(genesis: SimulatedLedger, honest: [Bool]) {
        (self.genesis, self.honest, ledger) = (genesis, honest, genesis)
        sets = [genesis.set]
    }

    /// Who made the block before `height` final.
    func setBefore(_ height: UInt64) -> DelegateSet? {
        guard height >= 2, Int(height) - 2 < sets.count else { return nil }
        return sets[Int(height) - 2]
    }
}

extension NetworkSimulation {
    mutating func check(_ vote: Verified<Vote>, of node: Int) {
        let value = vote.value
        checkOnce(
            .init(node: node, height: value.height, round: value.round, step: value.step.rawValue), .init(block: value.block))
    }

    mutating func check(_ proposal: Verified<Proposal>, of node: Int) {
        let value = proposal.value
        let said = NetworkChecker.Said(block: value.block, validRound: value.validRound)
        checkOnce(.init(node: node, height: value.height, round: value.round, step: 0), said)
    }

    private mutating func checkOnce(_ key: NetworkChecker.Signed, _ said: NetworkChecker.Said) {
        if let earlier = checker.signed.updateValue(said, forKey: key), earlier != said {
            violated(.oneSignature, "node \(key.node) signed twice at height \(key.height), round \(key.round), step \(key.step)")
        }
    }

    /// An honest node takes this for final.
    mutating func check(_ certified: CertifiedBlock, at node: Int) {
        let height = Int(certified.block.header.height)
        guard height > checker.chain.count else {
            let first = checker.chain[height - 1].block.header.id
            if first != certified.block.header.id {
                violated(.oneBlock, "node \(node) has another block \(height) than was decided before")
            }
            return
        }
        guard height == checker.chain.count + 1 else {
            return violated(.finalStays, "node \(node) is at \(height), above everybody")
        }
        guard isFinal(certified.commit, by: checker.ledger.set) else {
            return violated(.oneBlock, "block \(height) is final at node \(node) without two thirds")
        }
        let supply = checker.ledger.supply
        checker.ledger.apply(certified.block)
        checker.chain.append(certified)
        checker.sets.append(checker.ledger.set)
        if checker.ledger.supply != supply {
            violated(.supplyIsConstant, "\(supply) became \(checker.ledger.supply) at \(height)")
        }
        if height > 2 * Int(SimulatedLedger.epoch) { meet("blocks of elected delegates") }
        if !certified.block.evidence.isEmpty { meet("cheats punished", certified.block.evidence.count) }
        if certified.commit.round > 0 { meet("decided in a later round") }
        for number in checker.ledger.keys.indices where checker.ledger.isOut[number] && checker.honest[number] {
            violated(.honestKeepStake, "node \(number) is out by block \(height)")
        }
    }

    /// Everybody holds the one chain, and replaying it gives everybody's state.
    mutating func checkEnd() {
        for node in nodes where node.isHonest {
            for (certified, first) in zip(node.disk.log, checker.chain) where certified.block.header.id != first.block.header.id {
                violated(.finalStays, "node \(node.number) lost block \(first.block.header.height)")
            }
            var replayed = checker.genesis
            for certified in checker.chain.prefix(Int(node.height)) { replayed.apply(certified.block) }
            if replayed.root != node.memory?.ledger.root { violated(.finalStays, "node \(node.number) has another state") }
        }
    }
}
