import Primitives

/// The messages of one height, by round (the paper's message log).
struct RoundLog: Sendable {
    struct Round: Sendable {
        var proposals: [Verified<Proposal>] = []
        var prevotes = Tally()
        var precommits = Tally()
        /// Rules that fire once a round.
        var hasPrevoteTimer = false
        var hasPrecommitTimer = false
        var hasPolka = false
        /// Fresh blocks that came in time.
        var timely: [BlockID] = []
    }

    /// A proposer that signs two blocks for a round is heard twice, not more.
    private static let proposalsPerRound = 2

    private(set) var rounds: [UInt32: Round] = [:]
    /// What checking came to, for the blocks that were proposed.
    private(set) var validity: [BlockID: Bool] = [:]

    subscript(round: UInt32) -> Round {
        get { rounds[round] ?? Round() }
        set { rounds[round] = newValue }
    }

    func isValid(_ block: BlockID) -> Bool { validity[block] ?? false }

    /// What `state` rests on is known again after a restart: its blocks were found valid, its votes were heard.
    mutating func restore(_ state: SigningState, in set: DelegateSet) {
        for bound in [state.locked, state.valid].compactMap({ $0 }) { validity[bound.block] = true }
        for vote in state.proof.compactMap({ $0.verified() }) {
            guard vote.value.height == state.height, vote.value.chainID == state.chainID, let index = set.index(of: vote.signer)
            else {
                continue
            }
            _ = add(vote, from: index, weighing: set.delegates[index].power)
        }
    }

    /// The votes without which nobody would be in `round`, and those that made `valid` valid.
    func grounds(of round: UInt32, valid: RoundBlock?, in set: DelegateSet) -> [Verified<Vote>] {
        var votes: [Verified<Vote>] = []
        if round > 0 {
            let before = self[round - 1].precommits
            votes = set.isQuorum(before.power) ? before.votes : self[round].prevotes.votes + self[round].precommits.votes
        }
        guard let valid else { return votes }
        return votes + self[valid.round].prevotes.votes.filter { $0.value.block == valid.block }
    }

    func wants(_ proposal: Proposal) -> Bool {
        let known = self[proposal.round].proposals
        return known.count < Self.proposalsPerRound && !known.contains { $0.value == proposal }
    }

    func wants(_ vote: Vote, from index: Int) -> Bool {
        let round = self[vote.round]
        return (vote.step == .prevote ? round.prevotes : round.precommits).wants(vote.block, from: index)
    }

    mutating func add(_ proposal: Verified<Proposal>, isValid: Bool, isTimely: Bool) {
        let value = proposal.value
        guard wants(value) else { return }
        rounds[value.round, default: Round()].proposals.append(proposal)
        validity[value.block] = isValid
        if isTimely { rounds[value.round, default: Round()].timely.append(value.block) }
    }

    mutating func add(_ vote: Verified<Vote>, from index: Int, weighing weight: UInt64) -> Tally.Outcome {
        switch vote.value.step {
        case .prevote: rounds[vote.value.round, default: Round()].prevotes.add(vote, from: index, weighing: weight)
        case .precommit: rounds[vote.value.round, default: Round()].precommits.add(vote, from: index, weighing: weight)
        }
    }

    /// The lowest round ahead of a delegate that has votes in too many: what it says last is kept, so that a round in which a third of
    /// the power is can always be found, and nobody fills the memory. nil while there is room.
    func lowest(of index: Int, besides round: UInt32, ahead current: UInt32, limit: Int) -> UInt32? {
        let ahead = rounds.keys.filter {
            $0 > current.saturatingAdd(1) && $0 != round
                && (self[$0].prevotes.hasVoted(index) || self[$0].precommits.hasVoted(index))
        }
        return ahead.count < limit ? nil : ahead.min()
    }

    mutating func makeRoom(for index: Int, weighing weight: UInt64, ahead round: UInt32, of current: UInt32, limit: Int) {
        guard let lowest = lowest(of: index, besides: round, ahead: current, limit: limit) else { return }
        self[lowest].prevotes.remove(index, weighing: weight)
        self[lowest].precommits.remove(index, weighing: weight)
        if self[lowest].prevotes.power == 0, self[lowest].precommits.power == 0, self[lowest].proposals.isEmpty {
            rounds[lowest] = nil
        }
    }
}
