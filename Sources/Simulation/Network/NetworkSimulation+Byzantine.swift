import Consensus
import Primitives
import SimulatedHAL

/// What cheats do. They share what they know, and no partition holds them.
extension NetworkSimulation {
    /// Its own code has a vote ready.
    mutating func cheat(with vote: Verified<Vote>, at node: Int) {
        let tricks = nodes[node].tricks
        if tricks.contains(.withholds), random.chance(1, in: 2) { return }
        for peer in nodes.indices {
            if tricks.contains(.equivocates), random.chance(1, in: 2) {
                var other = vote.value
                other.block = vote.value.block == nil ? anyBlock(at: node) : nil
                send(.vote(Verified(signing: other, by: nodes[node].key)), to: peer, from: node)
                meet("equivocation")
            } else {
                send(.vote(vote), to: peer, from: node)
            }
        }
        if tricks.contains(.sendsGarbage) {
            send(.raw(random.bytes(random.number(0...300))), to: random.number(0...nodes.count - 1), from: node)
        }
    }

    /// Its own code has a proposal ready.
    mutating func cheat(with proposal: Verified<Proposal>, _ block: Block, at node: Int) {
        let tricks = nodes[node].tricks
        if tricks.contains(.withholds), random.chance(1, in: 2) { return }
        var variants = [(proposal, block)]
        func add(_ change: (inout Block) -> Void) {
            var other = block
            change(&other)
            other.seal()
            var value = proposal.value
            (value.block, value.validRound) = (other.header.id, nil)
            variants.append((Verified(signing: value, by: nodes[node].key), other))
        }
        if tricks.contains(.equivocates) { add { $0.header.time += 1 } }
        if tricks.contains(.liesAboutTime) { add { $0.header.time += 60_000 } }
        if tricks.contains(.sendsGarbage) { add { $0.header.stateRoot = block.header.id } }
        if tricks.contains(.forgesEvidence), let forged = forgery(at: node) { add { $0.evidence.append(forged) } }
        if variants.count > 1, !tricks.contains(.equivocates) { variants.removeFirst() }
        for (_, other) in variants { nodes[node].memory?.bodies[other.header.id] = other }
        for peer in nodes.indices {
            let (signed, body) = random.pick(variants)
            send(.proposal(signed, body), to: peer, from: node)
        }
        meet("proposals by cheats")
    }

    /// Something came in: who votes for anything votes for this, towards whoever sent it.
    mutating func scheme(on message: NetworkMessage, at node: Int, from sender: Int) {
        guard nodes[node].isDelegate, nodes[node].tricks.contains(.votesForAnything) else { return }
        switch message {
        case .vote(let vote) where vote.value.block != nil: support(vote.value.block, vote.value.round, vote.value.height, at: node, to: sender)
        case .proposal(let proposal, _):
            for peer in nodes.indices where random.chance(1, in: 2) {
                support(proposal.value.block, proposal.value.round, proposal.value.height, at: node, to: peer)
            }
        default: break
        }
    }

    private mutating func support(_ block: BlockID?, _ round: UInt32, _ height: UInt64, at node: Int, to peer: Int) {
        for step in Vote.Step.allCases {
            let vote = Vote(chainID: SimulatedLedger.chainID, height: height, round: round, step: step, block: block)
            send(.vote(Verified(signing: vote, by: nodes[node].key)), to: peer, from: node)
        }
        meet("votes for anything")
    }

    private mutating func anyBlock(at node: Int) -> BlockID {
        let known = (nodes[node].memory?.bodies.keys).map { $0.sorted() } ?? []
        return known.isEmpty ? Bytes32(random.bytes(32))! : random.pick(known)
    }

    /// Two votes that an honest delegate never signed for one step.
    private mutating func forgery(at node: Int) -> DoubleVote? {
        let victims = nodes.filter { $0.isHonest && $0.isDelegate }
        guard !victims.isEmpty else { return nil }
        let victim = random.pick(victims)
        let vote = Vote(chainID: SimulatedLedger.chainID, height: 1, round: 0, step: .prevote, block: nil)
        var other = vote
        other.block = Bytes32(random.bytes(32))!
        let key = nodes[node].key
        guard var proof = try? DoubleVote(Verified(signing: vote, by: key), Verified(signing: other, by: key)) else { return nil }
        proof.voter = victim.publicKey
        meet("forged evidence")
        return proof
    }
}
