import Consensus
import Ledger
import Node
import Primitives
import SimulatedHAL

/// What leaves a node, and the wire: late, lossy, out of order, and cut by partitions.
extension NetworkSimulation {
    struct Link: Hashable {
        var sender: Int
        var receiver: Int
    }

    /// - Parameter peer: nil: everybody.
    mutating func send(_ message: ChainMessage, to peer: Int?, from node: Int) {
        guard nodes[node].isHonest else { return cheat(with: message, to: peer, at: node) }
        switch message {
        case .vote(let ballot) where ballot.voter == nodes[node].publicKey:
            check(ballot.vote.claim, of: node)
            note { _ in "node \(node) votes: \(ballot.vote.claim.told)" }
        case .proposal(let proposed) where isOwn(proposed, at: node):
            check(proposed.proposal.claim, of: node)
            note { _ in "node \(node) proposes: \(proposed.proposal.claim.told)" }
        case .accusation: meet("double votes seen")
        default: break
        }
        wire(message, to: peer, from: node)
    }

    /// Whether it is this node that proposes in that round, also what another has made.
    func isOwn(_ proposed: ProposedBlock, at node: Int) -> Bool {
        let proposal = proposed.proposal.claim
        guard let state = nodes[node].running?.state, proposal.height == state.head.height + 1 else { return false }
        return state.rotation.advanced(by: proposal.round).proposer == nodes[node].publicKey
    }

    mutating func wire(_ message: ChainMessage, to peer: Int?, from sender: Int) {
        guard let peer else {
            for node in nodes.indices { wire(message, to: node, from: sender) }
            return
        }
        guard peer != sender, isReachable(sender, peer), nodes[peer].running != nil else { return }
        if lossPerMille > 0, random.chance(lossPerMille, in: 1_000) { return meet("lost messages") }
        var message = message
        if random.chance(1, in: Self.throughBytes) {
            guard let read = read(message.bytes, of: message.kind, from: sender) else { return meet("damaged messages") }
            message = read
        }
        let delay = Nanoseconds.milliseconds(5) + Nanoseconds(Int64(random.number(0...Int(slowest.count))))
        schedule(.deliver(message, to: peer, from: sender, lives: [nodes[peer].life, nodes[sender].life]), after: delay)
    }

    /// One message in so many is written and read; a cheat's is perhaps damaged, others come over TLS.
    private static let throughBytes = 50

    private mutating func read(_ bytes: [UInt8], of kind: ChainMessage.Kind, from sender: Int) -> ChainMessage? {
        var bytes = bytes
        if !nodes[sender].isHonest, !bytes.isEmpty, random.chance(1, in: 4) {
            bytes[random.number(0...bytes.count - 1)] ^= UInt8(1 << random.number(0...7))
        }
        return try? ChainMessage(kind, bytes)
    }

    /// Cheats share what they know, and no partition holds them.
    private func isReachable(_ one: Int, _ other: Int) -> Bool {
        side[one] == side[other] || !nodes[one].isHonest || !nodes[other].isHonest
    }

    /// A connection ends with the receiver's life, or when the sender is back from a crash: until then what it sent arrives.
    mutating func deliver(_ message: ChainMessage, to node: Int, from sender: Int, lives: [Int]) {
        guard lives[0] == nodes[node].life, nodes[sender].life - lives[1] <= 1 else { return }
        if !nodes[node].isHonest { scheme(on: message, at: node, from: sender) }
        if case .proposal(let proposed) = message, proposed.proposal.claim.validRound == nil, let clock = clock(of: node),
            !timing.isTimely(proposed.block.header.time, on: clock)
        {
            meet("untimely blocks")
        }
        handle(.message(message, from: nodes[sender].publicKey), at: node)
    }

    mutating func noteOrder(of sequence: Int, to node: Int, from sender: Int) {
        let link = Link(sender: sender, receiver: node)
        if sequence < arrived[link, default: 0] { meet("overtaken messages") }
        arrived[link] = max(sequence, arrived[link, default: 0])
    }
}

extension Vote {
    /// For the log.
    fileprivate var told: String {
        "\(step) \(block.map { String($0.description.prefix(6)) } ?? "nothing") at height \(height), round \(round)"
    }
}

extension Proposal {
    fileprivate var told: String {
        "\(block.description.prefix(6)) at height \(height), round \(round)\(validRound.map { ", valid in \($0)" } ?? "")"
    }
}
