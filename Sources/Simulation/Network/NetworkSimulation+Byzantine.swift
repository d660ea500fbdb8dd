import Consensus
import Primitives
import SimulatedHAL

/// What a cheating delegate does.
public enum ByzantineTrick: String, Hashable, Sendable, CaseIterable {
    /// Proposes and votes one thing here and another there.
    case equivocates
    /// Keeps its votes and proposals to itself, or tells only some.
    case withholds
    /// Says nothing at all.
    case isMute
    /// Votes for whatever it hears of, in every round.
    case votesForAnything
    /// Lets one node alone know that it precommits, another at each height: that one decides, and nobody else can tell.
    case favours
    case liesAboutTime
    /// Sends blocks that follow from nothing, and bytes that mean nothing.
    case sendsGarbage
    /// Accuses others of what they did not do.
    case forgesEvidence

    static func some(_ random: inout SplitMix64) -> Set<ByzantineTrick> {
        var tricks: Set<ByzantineTrick> = [random.pick(allCases)]
        for trick in allCases where trick != .isMute && random.chance(1, in: 3) { tricks.insert(trick) }
        return tricks
    }
}

/// What cheats do. They share what they know, and no partition holds them.
extension NetworkSimulation {
    /// One thing a cheat has said to one node.
    struct Told: Hashable {
        var by: Int
        var to: Int
        var vote: Vote
    }

    /// Its own code has a vote ready.
    mutating func cheat(with vote: Verified<Vote>, at node: Int) {
        let tricks = nodes[node].tricks
        guard !tricks.contains(.isMute) else { return meet("mute cheats") }
        if tricks.contains(.withholds), random.chance(1, in: 2) { return meet("votes withheld") }
        var other = vote.value
        other.block = vote.value.block == nil ? anyBlock(at: node) : nil
        for peer in nodes.indices {
            guard !isHidden(vote.value, by: node, from: peer) else {
                meet("hidden precommits")
                continue
            }
            if tricks.contains(.equivocates), random.chance(1, in: 2) {
                send(.vote(sign(other, by: node)), to: peer, from: node)
                meet("double votes by cheats")
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
        guard !tricks.contains(.isMute) else { return meet("mute cheats") }
        if tricks.contains(.withholds), random.chance(1, in: 2) { return meet("proposals withheld") }
        let variants = variants(of: proposal, block, at: node)
        for (_, other) in variants { nodes[node].memory?.bodies[other.header.id] = other }
        let scheme = random.pick(Scheme.allCases)
        let common = random.pick(variants)
        for peer in nodes.indices {
            let (signed, body) =
                switch scheme {
                case .oneForAll: common
                case .bySide: variants[side[peer] % variants.count]
                case .atRandom: random.pick(variants)
                }
            send(.proposal(signed, body), to: peer, from: node)
        }
    }

    /// Who is told which of several proposals.
    private enum Scheme: CaseIterable { case oneForAll, bySide, atRandom }

    private mutating func variants(
        of proposal: Verified<Proposal>, _ block: Block, at node: Int
    ) -> [(Verified<Proposal>, Block)] {
        let tricks = nodes[node].tricks
        var variants = [(proposal, block)]
        func add(_ change: (inout Block) -> Void) {
            var other = block
            change(&other)
            other.seal()
            var value = proposal.value
            (value.block, value.validRound) = (other.header.id, nil)
            variants.append((Verified(signing: value, by: nodes[node].key), other))
        }
        if tricks.contains(.equivocates) {
            add { $0.header.time += 1 }
            meet("double proposals by cheats")
        }
        if tricks.contains(.liesAboutTime) {
            add { $0.header.time += 60_000 }
            meet("lies about time")
        }
        if tricks.contains(.sendsGarbage) {
            add { $0.header.stateRoot = block.header.id }
            meet("blocks that follow from nothing")
        }
        if tricks.contains(.forgesEvidence), let forged = forgery(at: node) {
            add { $0.evidence.append(forged) }
            meet("forged evidence")
        }
        // Who equivocates does not say again what others are locked on.
        let hidesFirst = !tricks.contains(.equivocates) || proposal.value.validRound != nil
        if variants.count > 1, hidesFirst { variants.removeFirst() }
        return variants
    }

    /// Something came in from an honest node: who votes for anything votes for this, towards whoever sent it.
    mutating func scheme(on message: NetworkMessage, at node: Int, from sender: Int) {
        guard nodes[node].isDelegate, nodes[node].tricks.contains(.votesForAnything), nodes[sender].isHonest else { return }
        switch message {
        case .vote(let vote) where vote.value.block != nil:
            support(vote.value.block, vote.value.round, vote.value.height, at: node, to: sender)
        case .proposal(let proposal, _):
            for peer in nodes.indices where side[peer] == side[sender] {
                support(proposal.value.block, proposal.value.round, proposal.value.height, at: node, to: peer)
            }
        default: break
        }
    }

    private mutating func support(_ block: BlockID?, _ round: UInt32, _ height: UInt64, at node: Int, to peer: Int) {
        for step in Vote.Step.allCases {
            let vote = Vote(chainID: SimulatedLedger.chainID, height: height, round: round, step: step, block: block)
            guard !isHidden(vote, by: node, from: peer) else { continue }
            guard told.insert(Told(by: node, to: peer, vote: vote)).inserted else { continue }
            send(.vote(sign(vote, by: node)), to: peer, from: node)
            meet("votes for anything")
        }
    }

    func isHidden(_ vote: Vote, by node: Int, from peer: Int) -> Bool {
        nodes[node].tricks.contains(.favours) && vote.step == .precommit && vote.block != nil
            && peer != Int(vote.height) % nodes.count
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
        other.block = SimulatedLedger.chainID
        guard var proof = try? DoubleVote(sign(vote, by: node), sign(other, by: node)) else { return nil }
        proof.voter = victim.publicKey
        return proof
    }
}
