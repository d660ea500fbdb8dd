public import Primitives

/// Which messages of a height a node has: what it tells its peers now and then, so that they send what it misses.
public struct RoundSummary: Hashable, Sendable, Canonical {
    public struct Entry: Hashable, Sendable, Canonical {
        public var round: UInt32 = 0
        /// Blocks proposed.
        public var proposals: UInt8 = 0
        public var prevoters: UInt64 = 0
        public var precommitters: UInt64 = 0

        public init() {}
        public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
            try coder.integer(&round)
            try coder.integer(&proposals)
            try coder.integer(&prevoters)
            try coder.integer(&precommitters)
        }
    }

    static let entryLimit = 8

    public var height: UInt64 = 0
    public var round: UInt32 = 0
    public var entries: [Entry] = []

    public init() {}
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&height)
        try coder.integer(&round)
        try coder.array(&entries, limit: Self.entryLimit)
    }
}

public enum RoundMessage: Hashable, Sendable {
    case proposal(Verified<Proposal>)
    case vote(Verified<Vote>)
}

extension Rounds {
    /// What this node has of the rounds that may still decide something.
    public var summary: RoundSummary {
        var summary = RoundSummary()
        (summary.height, summary.round) = (height, round)
        summary.entries = relevantRounds(with: round).map { number in
            var entry = RoundSummary.Entry()
            let known = log[number]
            (entry.round, entry.proposals) = (number, UInt8(known.proposals.count))
            (entry.prevoters, entry.precommitters) = (known.prevotes.voters, known.precommits.voters)
            return entry
        }
        return summary
    }

    /// What a peer with that summary misses, of the same height.
    public func messages(missingFrom peer: RoundSummary) -> [RoundMessage] {
        guard peer.height == height else { return [] }
        return relevantRounds(with: peer.round).flatMap { number -> [RoundMessage] in
            let entry = peer.entries.first { $0.round == number } ?? RoundSummary.Entry()
            let known = log[number]
            let proposals = entry.proposals < known.proposals.count ? known.proposals.map(RoundMessage.proposal) : []
            let prevotes = known.prevotes.votes.filter { isMissing($0, from: entry.prevoters) }
            let precommits = known.precommits.votes.filter { isMissing($0, from: entry.precommitters) }
            return proposals + (prevotes + precommits).map(RoundMessage.vote)
        }
    }

    /// The round at hand here and there, those that hold a lock or a valid block, and the last ones: what rules 28, 36, 49 and 55 need.
    private func relevantRounds(with other: UInt32) -> [UInt32] {
        var rounds: [UInt32] = [round, other]
        if let valid = signing.valid { rounds.append(valid.round) }
        if let locked = signing.locked { rounds.append(locked.round) }
        if let latest = log.rounds.keys.max() { rounds.append(latest) }
        if round > 0 { rounds.append(round - 1) }
        return Array(Set(rounds)).sorted()
    }

    private func isMissing(_ vote: Verified<Vote>, from voters: UInt64) -> Bool {
        guard let index = set.index(of: vote.signer) else { return false }
        return voters >> UInt64(index) & 1 == 0
    }
}
