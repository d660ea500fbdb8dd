import Consensus
import Primitives
import Testing

/// One delegate among scripted others: the situations of Algorithm 1, by the lines of the paper.
private struct Script {
    let voters: Voters
    var rounds: Rounds
    /// What it did last.
    var actions: [Rounds.Action] = []
    let me: Int
    /// Everybody but me.
    let others: [Int]

    /// Four delegates alike; `me` proposes in no round before `proposes`.
    init(restored: SigningState? = nil, amProposer: Bool = false) throws {
        voters = try Voters(powers: [1, 1, 1, 1])
        let rotation = ProposerRotation(voters.set)
        let first = rotation.proposerIndex
        me = amProposer ? first : (first + 3) % 4
        others = (0..<4).filter { [me] in $0 != me }
        rounds = Rounds(
            chainID: Voters.chainID, height: 1, rotation: rotation, identity: voters.keys[me].publicKey,
            timing: ConsensusTiming(),
            restored: restored)
        actions = rounds.start()
    }

    mutating func on(_ event: Rounds.Event) { actions = rounds.handle(event) }

    mutating func propose(
        _ block: BlockID, round: UInt32 = 0, validRound: UInt32? = nil, isValid: Bool = true, isTimely: Bool = true
    ) {
        let proposal = voters.proposal(block, by: rounds.proposer(of: round), round: round, validRound: validRound)
        on(.proposal(proposal, isValid: isValid, isTimely: isTimely))
    }

    /// What came of all of these votes.
    mutating func votes(_ step: Vote.Step, for block: BlockID?, by who: [Int], round: UInt32 = 0) {
        var all: [Rounds.Action] = []
        for voter in who { all += rounds.handle(.vote(voters.vote(voter, step, for: block, round: round))) }
        actions = all
    }

    mutating func expire(_ step: Rounds.Step, round: UInt32? = nil) {
        on(.timeout(Rounds.Timeout(height: 1, round: round ?? rounds.round, step: step)))
    }

    var signed: [Vote] {
        actions.compactMap { if case .signVote(let vote) = $0 { vote } else { nil } }
    }

    func vote(_ step: Vote.Step, _ block: BlockID?, round: UInt32 = 0) -> Vote {
        Vote(chainID: Voters.chainID, height: 1, round: round, step: step, block: block)
    }

    /// Locks on `block` in round 0 and goes on to round 1.
    mutating func lock(_ block: BlockID) {
        propose(block)
        votes(.prevote, for: block, by: Array(others.prefix(2)) + [me])
        #expect(signed == [vote(.precommit, block)])
        votes(.precommit, for: nil, by: others)
        expire(.precommit)
        #expect(rounds.round == 1 && rounds.signing.locked?.block == block)
    }
}

@Suite struct RoundsTests {
    let a = Voters.block(1), b = Voters.block(2)

    @Test func aFreshProposalIsPrevotedIfItIsGood() throws {
        for (isValid, isTimely) in [(true, true), (true, false), (false, true)] {
            var script = try Script()
            script.propose(a, isValid: isValid, isTimely: isTimely)
            #expect(script.signed == [script.vote(.prevote, isValid && isTimely ? a : nil)])
        }
    }

    @Test func whoDoesNotProposeIsNotHeard() throws {
        var script = try Script()
        script.on(
            .proposal(script.voters.proposal(a, by: script.voters.keys[script.me].publicKey), isValid: true, isTimely: true))
        #expect(script.actions.isEmpty)
    }

    @Test func theProposerBuildsAndProposes() throws {
        var script = try Script(amProposer: true)
        #expect(script.actions.contains(.build(round: 0)))
        script.on(.built(a, round: 0))
        guard case .persist(let state) = script.actions.first, case .signProposal(let proposal) = script.actions.last else {
            Issue.record("\(script.actions)")
            return
        }
        #expect(state.proposal == proposal && proposal.block == a && proposal.validRound == nil)
        script.on(.built(b, round: 0))
        #expect(script.actions.isEmpty, "it signs one proposal a round")
    }

    @Test func stateIsPersistedBeforeEachSignature() throws {
        var script = try Script()
        script.propose(a)
        #expect(script.actions.count == 2)
        guard case .persist(let state) = script.actions[0], case .signVote(let vote) = script.actions[1] else {
            Issue.record("\(script.actions)")
            return
        }
        #expect(state.prevote == vote)
        #expect(try SigningState(canonicalBytes: state.canonicalBytes) == state)
    }

    @Test func nothingComesAfterTheTimeoutOfAProposal() throws {
        var script = try Script()
        script.expire(.propose)
        #expect(script.signed == [script.vote(.prevote, nil)])
        script.propose(a)
        #expect(script.signed.isEmpty, "it has prevoted")
    }

    @Test func twoThirdsOfPrevotesLock() throws {
        var script = try Script()
        script.propose(a)
        script.votes(.prevote, for: a, by: [script.others[0], script.me])
        #expect(script.signed.isEmpty && script.rounds.signing.locked == nil)
        script.votes(.prevote, for: a, by: [script.others[1]])
        #expect(script.signed == [script.vote(.precommit, a)])
        #expect(script.rounds.signing.locked == RoundBlock(round: 0, block: a))
    }

    @Test func aPolkaWithoutTheBlockLocksNothing() throws {
        var script = try Script()
        script.votes(.prevote, for: a, by: script.others)
        #expect(script.signed.isEmpty && script.rounds.signing.locked == nil)
        script.propose(a)
        #expect(script.signed == [script.vote(.prevote, a), script.vote(.precommit, a)])
    }

    /// Lines 22 to 27: locked on a, it prevotes no other fresh block, and none again without a proof of lock.
    @Test func theLockHolds() throws {
        var script = try Script()
        script.lock(a)
        script.propose(b, round: 1)
        #expect(script.signed == [script.vote(.prevote, nil, round: 1)])
    }

    /// Lines 28 to 33: a later polka for b, seen or not at its time, frees the lock.
    @Test func aLaterProofOfLockFrees() throws {
        var script = try Script()
        script.lock(a)
        script.votes(.prevote, for: b, by: script.others, round: 1)
        script.expire(.propose)
        script.votes(.precommit, for: nil, by: script.others, round: 1)
        script.expire(.precommit)
        #expect(script.rounds.round == 2)
        script.propose(b, round: 2, validRound: 1)
        #expect(script.signed == [script.vote(.prevote, b, round: 2)])
    }

    @Test func aProofThatIsNotThereIsWaitedFor() throws {
        var script = try Script()
        script.lock(a)
        script.votes(.precommit, for: nil, by: script.others, round: 1)
        script.expire(.precommit)
        script.propose(b, round: 2, validRound: 1)
        #expect(script.signed.isEmpty)
        script.votes(.prevote, for: b, by: script.others, round: 1)
        #expect(script.signed == [script.vote(.prevote, b, round: 2)])
    }

    /// An older proof than the lock's does not free it.
    @Test func anOlderProofOfLockDoesNotFree() throws {
        var script = try Script()
        script.votes(.prevote, for: b, by: script.others)  // a polka for b in round 0, whose block it has not
        script.expire(.propose)
        script.votes(.precommit, for: nil, by: script.others)
        script.expire(.precommit)
        script.propose(a, round: 1)
        script.votes(.prevote, for: a, by: Array(script.others.prefix(2)) + [script.me], round: 1)
        #expect(script.rounds.signing.locked == RoundBlock(round: 1, block: a))
        script.votes(.precommit, for: nil, by: script.others, round: 1)
        script.expire(.precommit)
        script.propose(b, round: 2, validRound: 0)
        #expect(script.signed == [script.vote(.prevote, nil, round: 2)])
    }

    /// Lines 36 to 43: after the precommit the valid block is still updated, and proposed again with its round.
    @Test func theValidBlockIsProposedAgain() throws {
        var script = try Script()
        script.votes(.prevote, for: a, by: [script.others[0]])
        script.votes(.prevote, for: nil, by: [script.others[1]])
        script.propose(a)
        script.votes(.prevote, for: a, by: [script.me])
        script.expire(.prevote)
        #expect(script.signed == [script.vote(.precommit, nil)])
        script.votes(.prevote, for: a, by: [script.others[2]])
        #expect(script.rounds.signing.valid == RoundBlock(round: 0, block: a) && script.rounds.signing.locked == nil)
        var round: UInt32 = 0
        while script.rounds.proposer(of: round) != script.voters.keys[script.me].publicKey { round += 1 }
        script.votes(.precommit, for: nil, by: script.others, round: round - 1)
        script.expire(.precommit)
        #expect(
            script.actions.contains(
                .signProposal(Proposal(chainID: Voters.chainID, height: 1, round: round, validRound: 0, block: a))))
    }

    @Test func twoThirdsOfNothingIsPrecommittedAtOnce() throws {
        var script = try Script()
        script.expire(.propose)
        script.votes(.prevote, for: nil, by: script.others)
        #expect(script.signed == [script.vote(.precommit, nil)])
    }

    /// Lines 34, 35, 47, 48: once each, and late ones change nothing.
    @Test func timersStartOnceAndAreGuarded() throws {
        var script = try Script()
        script.propose(a)
        script.votes(.prevote, for: nil, by: script.others)
        let timers = script.actions.filter { if case .schedule(let timeout, _) = $0 { timeout.step == .prevote } else { false } }
        #expect(timers.count == 0, "two thirds of nothing need no waiting")
        script.votes(.precommit, for: a, by: [script.others[0]])
        script.votes(.precommit, for: nil, by: [script.others[1], script.others[2]])
        let scheduled = script.actions.filter { if case .schedule = $0 { true } else { false } }
        #expect(scheduled.count == 1)
        script.expire(.precommit)
        #expect(script.rounds.round == 1)
        script.expire(.precommit, round: 0)
        script.expire(.propose, round: 0)
        #expect(script.rounds.round == 1 && script.rounds.step == .propose && script.actions.isEmpty)
    }

    /// Lines 49 to 54: in any round, also one that is over.
    @Test func twoThirdsOfPrecommitsDecideInAnyRound() throws {
        var script = try Script()
        script.lock(a)
        script.expire(.propose)
        script.votes(.precommit, for: a, by: script.others)
        guard case .decide(let commit)? = script.actions.last else {
            Issue.record("\(script.actions)")
            return
        }
        #expect(commit.block == a && commit.round == 0)
        try commit.verify(chainID: Voters.chainID, by: script.voters.set)
        script.propose(b, round: 1)
        #expect(script.actions.isEmpty, "it is over")
    }

    @Test func aCommittedBlockIsWaitedForAndAnInvalidOneNeverDecided() throws {
        var script = try Script()
        script.votes(.precommit, for: a, by: script.others)
        #expect(script.rounds.decision == nil)
        script.propose(a, isTimely: false)
        #expect(script.rounds.decision?.block == a)
        var other = try Script()
        other.propose(a, isValid: false)
        other.votes(.precommit, for: a, by: other.others)
        #expect(other.rounds.decision == nil)
    }

    /// Lines 55 and 56: more than a third, of either step together.
    @Test func aThirdAheadIsFollowed() throws {
        var script = try Script()
        script.votes(.prevote, for: nil, by: [script.others[0]], round: 7)
        script.votes(.precommit, for: nil, by: [script.others[0]], round: 7)
        #expect(script.rounds.round == 0)
        script.votes(.precommit, for: nil, by: [script.others[1]], round: 7)
        #expect(script.rounds.round == 7)
    }

    @Test func roundsAheadAreBoundedAndTheLastOnesCount() throws {
        var script = try Script()
        for round in 2..<200 as Range<UInt32> { script.votes(.prevote, for: nil, by: [script.others[0]], round: round) }
        #expect(script.rounds.summary.entries.count < 8)
        script.votes(.prevote, for: nil, by: [script.others[1]], round: 199)
        #expect(script.rounds.round == 199)
    }

    @Test func aDoubleVoteIsToldAndCountsForBoth() throws {
        var script = try Script()
        script.propose(a)
        script.votes(.prevote, for: b, by: [script.others[0]])
        script.votes(.prevote, for: a, by: [script.others[0]])
        let proofs = script.actions.compactMap { if case .accuse(let proof) = $0 { proof } else { nil } }
        #expect(proofs.count == 1)
        try proofs.first?.verify(chainID: Voters.chainID)
        script.votes(.prevote, for: a, by: [script.others[1], script.me])
        #expect(script.rounds.signing.locked?.block == a)
        for number in 3..<9 as Range<UInt8> { script.votes(.prevote, for: Voters.block(number), by: [script.others[0]]) }
        #expect(script.actions.isEmpty, "no more than a few of a cheat's votes are kept")
    }

    /// After a restart what was signed is signed again, and nothing else.
    @Test func aRestartSignsTheSameAndNothingElse() throws {
        var script = try Script()
        script.propose(a)
        script.votes(.prevote, for: a, by: Array(script.others.prefix(2)) + [script.me])
        var again = try Script(restored: script.rounds.signing)
        #expect(again.signed == [again.vote(.prevote, a), again.vote(.precommit, a)])
        again.votes(.prevote, for: nil, by: again.others)
        again.expire(.propose)
        again.expire(.prevote)
        #expect(again.signed.isEmpty)
        again.votes(.precommit, for: nil, by: again.others)
        again.expire(.precommit)
        again.propose(b, round: 1)
        #expect(again.signed == [again.vote(.prevote, nil, round: 1)], "the lock outlives the restart")
    }

    @Test func peersSendWhatIsMissing() throws {
        var full = try Script()
        full.propose(a)
        full.votes(.prevote, for: a, by: [0, 1, 2, 3])
        full.votes(.precommit, for: a, by: [full.me])
        var empty = try Script()
        let missing = full.rounds.messages(missingFrom: empty.rounds.summary)
        #expect(missing.count == 1 + 4 + 1)
        for message in missing {
            switch message {
            case .proposal(let proposal): empty.on(.proposal(proposal, isValid: true, isTimely: true))
            case .vote(let vote): empty.on(.vote(vote))
            }
        }
        #expect(empty.rounds.signing.locked?.block == a)
        #expect(full.rounds.messages(missingFrom: empty.rounds.summary).isEmpty)
        let summary = full.rounds.summary
        #expect(try RoundSummary(canonicalBytes: summary.canonicalBytes) == summary)
    }
}
