import Consensus
import Node
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
    /// Says that it has blocks which nobody has.
    case liesAboutHeight
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

    /// Its own code has something ready.
    mutating func cheat(with message: ChainMessage, to peer: Int?, at node: Int) {
        guard !nodes[node].tricks.contains(.isMute) else { return meet("mute cheats") }
        switch message {
        case .vote(let ballot) where peer == nil && ballot.voter == nodes[node].publicKey:
            cheat(with: ballot.vote.claim, at: node)
        case .proposal(let proposed) where peer == nil && isOwn(proposed, at: node):
            guard nodes[node].proposed.insert(proposed.proposal.claim.round).inserted else { return }
            cheat(with: proposed, at: node)
        case .blocks(var answer) where nodes[node].tricks.contains(.sendsGarbage) && !answer.blocks.isEmpty:
            meet("blocks with another body")
            answer.blocks[answer.blocks.count - 1].block.transactions.append([])
            passOn(.blocks(answer), to: peer, at: node)
        case .status(var status) where nodes[node].tricks.contains(.liesAboutHeight):
            meet("lies about height")
            status.height += UInt64(random.number(0...1_000))
            passOn(.status(status), to: peer, at: node)
        default: passOn(message, to: peer, at: node)
        }
    }

    /// What others said stays on its side, and what all cheats hide stays hidden.
    private mutating func passOn(_ message: ChainMessage, to peer: Int?, at node: Int) {
        for other in nodes.indices where peer.map({ $0 == other }) ?? (side[other] == side[node]) {
            if case .vote(let ballot) = message, let voter = numbers[ballot.voter],
                isHidden(ballot.vote.claim, by: voter, from: other)
            {
                meet("hidden precommits")
                continue
            }
            wire(message, to: other, from: node)
        }
    }

    private mutating func cheat(with vote: Vote, at node: Int) {
        let tricks = nodes[node].tricks
        if tricks.contains(.withholds), random.chance(1, in: 2) { return meet("votes withheld") }
        var other = vote
        other.block = vote.block == nil ? anyBlock(at: node) : nil
        for peer in nodes.indices {
            guard !isHidden(vote, by: node, from: peer) else {
                meet("hidden precommits")
                continue
            }
            let isDouble = tricks.contains(.equivocates) && random.chance(1, in: 2)
            if isDouble { meet("double votes by cheats") }
            wire(sign(isDouble ? other : vote, by: node), to: peer, from: node)
        }
        if tricks.contains(.sendsGarbage) {
            let garbage = TransactionBytes(random.bytes(random.number(0...300)))
            wire(.transaction(garbage), to: random.number(0...nodes.count - 1), from: node)
        }
    }

    private mutating func cheat(with proposed: ProposedBlock, at node: Int) {
        if nodes[node].tricks.contains(.withholds), random.chance(1, in: 2) { return meet("proposals withheld") }
        let variants = variants(of: proposed, at: node)
        for variant in variants { nodes[node].heard.insert(variant.proposal.claim.block) }
        let scheme = random.pick(Scheme.allCases)
        let common = random.pick(variants)
        for peer in nodes.indices {
            let told =
                switch scheme {
                case .oneForAll: common
                case .bySide: variants[side[peer] % variants.count]
                case .atRandom: random.pick(variants)
                }
            wire(.proposal(told), to: peer, from: node)
        }
    }

    /// Who is told which of several proposals.
    private enum Scheme: CaseIterable { case oneForAll, bySide, atRandom }

    private mutating func variants(of proposed: ProposedBlock, at node: Int) -> [ProposedBlock] {
        let tricks = nodes[node].tricks
        var variants = [proposed]
        func add(_ change: (inout Block) -> Void) {
            var other = proposed.block
            change(&other)
            other.seal()
            var proposal = proposed.proposal.claim
            (proposal.block, proposal.validRound) = (other.header.id, nil)
            variants.append(ProposedBlock(Signed(proposal, by: nodes[node].key), other))
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
            add { $0.header.stateRoot = proposed.block.header.id }
            meet("blocks that follow from nothing")
        }
        if tricks.contains(.forgesEvidence), let forged = forgery(at: node) {
            add { $0.evidence.append(forged) }
            meet("forged evidence")
        }
        // Who equivocates does not say again what others are locked on.
        let hidesFirst = !tricks.contains(.equivocates) || proposed.proposal.claim.validRound != nil
        if variants.count > 1, hidesFirst { variants.removeFirst() }
        return variants
    }

    /// Something came in from an honest node: who votes for anything votes for this, towards whoever sent it.
    mutating func scheme(on message: ChainMessage, at node: Int, from sender: Int) {
        guard nodes[node].isDelegate, nodes[sender].isHonest else { return }
        let isForAnything = nodes[node].tricks.contains(.votesForAnything)
        switch message {
        case .vote(let ballot):
            let vote = ballot.vote.claim
            guard let block = vote.block else { return }
            nodes[node].heard.insert(block)
            if isForAnything { support(block, vote.round, vote.height, at: node, to: sender) }
        case .proposal(let proposed):
            let proposal = proposed.proposal.claim
            nodes[node].heard.insert(proposal.block)
            for peer in nodes.indices where isForAnything && side[peer] == side[sender] {
                support(proposal.block, proposal.round, proposal.height, at: node, to: peer)
            }
        default: break
        }
    }

    private mutating func support(_ block: BlockID, _ round: UInt32, _ height: UInt64, at node: Int, to peer: Int) {
        for step in Vote.Step.allCases {
            let vote = Vote(chainID: checker.chainID, height: height, round: round, step: step, block: block)
            guard !isHidden(vote, by: node, from: peer) else { continue }
            guard told.insert(Told(by: node, to: peer, vote: vote)).inserted else { continue }
            wire(sign(vote, by: node), to: peer, from: node)
            meet("votes for anything")
        }
    }

    private func sign(_ vote: Vote, by node: Int) -> ChainMessage {
        .vote(Verified(signing: vote, by: nodes[node].key).ballot)
    }

    func isHidden(_ vote: Vote, by node: Int, from peer: Int) -> Bool {
        nodes[node].tricks.contains(.favours) && vote.step == .precommit && vote.block != nil
            && peer != Int(vote.height) % nodes.count
    }

    private mutating func anyBlock(at node: Int) -> BlockID {
        let known = nodes[node].heard.sorted()
        return known.isEmpty ? Bytes32(random.bytes(32))! : random.pick(known)
    }

    /// Two votes that an honest delegate never signed for one step.
    private mutating func forgery(at node: Int) -> DoubleVote? {
        let victims = nodes.filter { $0.isHonest && $0.isDelegate }
        guard !victims.isEmpty else { return nil }
        let victim = random.pick(victims)
        let vote = Vote(chainID: checker.chainID, height: 1, round: 0, step: .prevote, block: nil)
        var other = vote
        other.block = checker.chainID
        let key = nodes[node].key
        guard var proof = try? DoubleVote(Verified(signing: vote, by: key), Verified(signing: other, by: key)) else { return nil }
        proof.voter = victim.publicKey
        if settings.mutations.contains(.believesEvidence) {
            for signed in [proof.first, proof.second] {
                verdicts.believe(signed.signature, of: proof.voter, for: signed.claim.digest.bytes)
            }
        }
        return proof
    }
}
