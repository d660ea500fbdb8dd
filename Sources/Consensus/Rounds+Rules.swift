import Primitives

/// The "upon" rules of Algorithm 1, by the lines of the paper.
extension Rounds {
    /// Applies the first rule that holds; false when none does.
    mutating func applyRules(_ actions: inout [Action]) -> Bool {
        if decideOnQuorum(&actions) { return true }
        if jumpAhead(&actions) { return true }
        switch step {
        case .propose: return prevoteProposal(&actions)
        case .prevote: return lockOnPolka(&actions) || precommitNothing(&actions) || waitForPrevotes(&actions)
        case .precommit: return lockOnPolka(&actions) || waitForPrecommits(&actions)
        }
    }

    /// Lines 22 to 33: the proposal of this round, fresh or with a proof of lock.
    private mutating func prevoteProposal(_ actions: inout [Action]) -> Bool {
        let now = log[round]
        for proposal in now.proposals.map(\.value) {
            let isOpen: Bool
            if let validRound = proposal.validRound {
                guard set.isQuorum(log[validRound].prevotes.power(for: proposal.block)) else { continue }
                isOpen = signing.locked.map { $0.round <= validRound || $0.block == proposal.block } ?? true
            } else {
                let isFree = signing.locked.map { $0.block == proposal.block } ?? true
                isOpen = isFree && (now.timely.contains(proposal.block))
            }
            let isAcceptable = log.isValid(proposal.block) && (isOpen || flaws.contains(.withoutLock))
            vote(.prevote, for: isAcceptable ? proposal.block : nil, &actions)
            return true
        }
        return waitForPrecommits(&actions)
    }

    /// Lines 34 and 35.
    private mutating func waitForPrevotes(_ actions: inout [Action]) -> Bool {
        if set.isQuorum(log[round].prevotes.power), !log[round].hasPrevoteTimer {
            log[round].hasPrevoteTimer = true
            actions.append(.schedule(Timeout(height: height, round: round, step: .prevote), after: timing.vote(round)))
            return true
        }
        return waitForPrecommits(&actions)
    }

    /// Lines 36 to 43: two thirds have prevoted a block that is here.
    private mutating func lockOnPolka(_ actions: inout [Action]) -> Bool {
        let now = log[round]
        guard !now.hasPolka else { return false }
        for proposal in now.proposals.map(\.value)
        where log.isValid(proposal.block) && set.isQuorum(now.prevotes.power(for: proposal.block)) {
            log[round].hasPolka = true
            signing.valid = RoundBlock(round: round, block: proposal.block)
            if step == .prevote {
                signing.locked = signing.valid
                vote(.precommit, for: proposal.block, &actions)
            }
            return true
        }
        return false
    }

    /// Lines 44 to 46: no unlock.
    private mutating func precommitNothing(_ actions: inout [Action]) -> Bool {
        guard set.isQuorum(log[round].prevotes.power(for: nil)) else { return false }
        vote(.precommit, for: nil, &actions)
        return true
    }

    /// Lines 47 and 48.
    private mutating func waitForPrecommits(_ actions: inout [Action]) -> Bool {
        guard set.isQuorum(log[round].precommits.power), !log[round].hasPrecommitTimer else { return false }
        log[round].hasPrecommitTimer = true
        actions.append(.schedule(Timeout(height: height, round: round, step: .precommit), after: timing.vote(round)))
        return true
    }

    /// Lines 49 to 54: in any round.
    private mutating func decideOnQuorum(_ actions: inout [Action]) -> Bool {
        for (round, now) in log.rounds.sorted(by: { $0.key < $1.key }) {
            for side in now.precommits.sides {
                guard let block = side.block, set.isQuorum(side.power), log.isValid(block) else { continue }
                let vote = Vote(chainID: chainID, height: height, round: round, step: .precommit, block: block)
                let commit = Commit(of: vote, from: side.votes.values, in: set)
                decision = commit
                actions.append(.decide(commit))
                return true
            }
        }
        return false
    }

    /// Lines 55 and 56: a third is ahead, so somebody honest is.
    private mutating func jumpAhead(_ actions: inout [Action]) -> Bool {
        let ahead = log.rounds.filter { later, now in
            guard later > round else { return false }
            let voters = now.prevotes.voters | now.precommits.voters
            return set.hasHonest(
                set.delegates.indices.reduce(0) { $0 + (voters >> UInt64($1) & 1 == 1 ? set.delegates[$1].power : 0) })
        }
        guard let round = ahead.keys.max() else { return false }
        enter(round, &actions)
        return true
    }
}
