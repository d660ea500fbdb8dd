import Consensus
import Primitives
import SimulatedHAL

/// Signing, and the wire: late, lossy, out of order, and cut by partitions.
extension NetworkSimulation {
    struct Link: Hashable {
        var sender: Int
        var receiver: Int
    }

    struct SignedBy: Hashable {
        var node: Int
        var vote: Vote
    }

    /// Ed25519 gives the same bytes each time, so they are computed once.
    mutating func sign(_ vote: Vote, by node: Int) -> Verified<Vote> {
        let place = SignedBy(node: node, vote: vote)
        if let known = signatures[place] { return known }
        let signed = Verified(signing: vote, by: nodes[node].key)
        signatures[place] = signed
        return signed
    }

    /// Whether the set made that block final. Signatures that were made here are known to be good; others are computed, and so is one
    /// commit in so many, that the real check is run too.
    mutating func isFinal(_ commit: Commit, by set: DelegateSet?) -> Bool {
        if knownCommits.contains(commit) { return true }
        guard let set, let signed = try? commit.signed(in: set) else { return false }
        let vote = commit.vote(chainID: SimulatedLedger.chainID)
        let areKnown = signed.allSatisfy { delegate, signature in
            guard let node = numbers[delegate.key] else { return false }
            return signatures[SignedBy(node: node, vote: vote)]?.signed.signature == signature
        }
        let isBelieved = areKnown && commit.height % Self.checkedInFull != 1
        let isFinal =
            isBelieved
            ? set.isQuorum(signed.reduce(0) { $0 + $1.delegate.power })
            : (try? commit.verify(chainID: SimulatedLedger.chainID, by: set)) != nil
        if isFinal { knownCommits.insert(commit) }
        return isFinal
    }

    private static let checkedInFull: UInt64 = 8

    // MARK: The wire

    /// Cheats share what they know, and no partition holds them.
    private func isReachable(_ one: Int, _ other: Int) -> Bool {
        side[one] == side[other] || !nodes[one].isHonest || !nodes[other].isHonest
    }

    mutating func send(_ message: NetworkMessage, to node: Int, from sender: Int) {
        guard node != sender, isReachable(sender, node) else { return }
        if lossPerMille > 0, random.chance(lossPerMille, in: 1_000) {
            meet("lost messages")
            return
        }
        var message = message
        if case .vote(let vote) = message, random.chance(1, in: 100) { message = .raw(wire(vote.ballot)) }
        let delay = Nanoseconds.milliseconds(5) + Nanoseconds(Int64(random.number(0...Int(slowest.count))))
        schedule(.deliver(message, to: node, from: sender), after: delay)
    }

    private mutating func wire(_ ballot: Ballot) -> [UInt8] {
        var bytes = ballot.canonicalBytes
        if random.chance(1, in: 4) { bytes[random.number(0...bytes.count - 1)] ^= UInt8(1 << random.number(0...7)) }
        return bytes
    }

    mutating func broadcast(_ message: NetworkMessage, from sender: Int) {
        for node in nodes.indices { send(message, to: node, from: sender) }
    }

    mutating func noteOrder(of sequence: Int, to node: Int, from sender: Int) {
        let link = Link(sender: sender, receiver: node)
        if sequence < arrived[link, default: 0] { meet("overtaken messages") }
        arrived[link] = max(sequence, arrived[link, default: 0])
    }
}
