import Primitives

/// The votes of one step of one round, and what they weigh. Order of arrival, so that equal histories give equal decisions.
struct Tally: Sendable {
    /// A delegate that votes for many blocks counts for each, as in the paper, but not for more than these: memory is bounded.
    static let blocksPerVoter = 4

    struct Side: Sendable {
        var block: BlockID?
        var power: UInt64 = 0
        var votes: [Int: Verified<Vote>] = [:]
    }

    private(set) var sides: [Side] = []
    private(set) var power: UInt64 = 0

    enum Outcome { case known, refused, added(against: Verified<Vote>?) }

    func hasVoted(_ index: Int) -> Bool { sides.contains { $0.votes[index] != nil } }

    /// Whether a vote of that voter would be taken in.
    func wants(_ block: BlockID?, from index: Int) -> Bool {
        let earlier = sides.filter { $0.votes[index] != nil }
        return earlier.count < Self.blocksPerVoter && !earlier.contains { $0.block == block }
    }

    /// Takes a vote in. An earlier one of the same voter for something else comes back with it.
    mutating func add(_ vote: Verified<Vote>, from index: Int, weighing weight: UInt64) -> Outcome {
        let earlier = sides.filter { $0.votes[index] != nil }
        if earlier.contains(where: { $0.block == vote.value.block }) { return .known }
        guard earlier.count < Self.blocksPerVoter else { return .refused }
        if earlier.isEmpty { power += weight }
        let side = sides.firstIndex { $0.block == vote.value.block } ?? sides.endIndex
        if side == sides.endIndex { sides.append(Side(block: vote.value.block)) }
        sides[side].votes[index] = vote
        sides[side].power += weight
        return .added(against: earlier.first?.votes[index])
    }

    mutating func remove(_ index: Int, weighing weight: UInt64) {
        guard hasVoted(index) else { return }
        power -= weight
        for side in sides.indices where sides[side].votes.removeValue(forKey: index) != nil { sides[side].power -= weight }
        sides.removeAll { $0.votes.isEmpty }
    }

    func power(for block: BlockID?) -> UInt64 { sides.first { $0.block == block }?.power ?? 0 }

    /// In the set's order.
    var votes: [Verified<Vote>] { sides.flatMap { $0.votes.sorted { $0.key < $1.key }.map(\.value) } }

    var voters: UInt64 { sides.reduce(0) { $1.votes.keys.reduce($0) { $0 | 1 << UInt64($1) } } }
}
