import Consensus
import Primitives
import Testing

/// Three of four delegates, that all lose their memory at once; the fourth is away for ever, so that all three are needed.
private struct Boards {
    let voters: Voters
    /// Places in the set; the first of them proposes in round 0 if `absent` does not.
    let present: [Int]
    var rounds: [Int: Rounds] = [:]
    var disks: [Int: SigningState] = [:]
    var timers: [Int: Set<Rounds.Timeout>] = [:]

    init(absentProposes: Bool) throws {
        voters = try Voters(powers: [1, 1, 1, 1])
        let first = ProposerRotation(voters.set).proposerIndex
        let absent = absentProposes ? first : (first + 3) % 4
        present = (0..<4).map { (first + $0) % 4 }.filter { $0 != absent }
        restart()
    }

    /// Nothing is left but what was persisted.
    mutating func restart() {
        timers = [:]
        for board in present {
            var fresh = Rounds(
                chainID: Voters.chainID, height: 1, rotation: ProposerRotation(voters.set),
                identity: voters.keys[board].publicKey, timing: ConsensusTiming(), restored: disks[board])
            let actions = fresh.start()
            rounds[board] = fresh
            perform(actions, at: board)
        }
    }

    mutating func hand(_ event: Rounds.Event, to board: Int) {
        let actions = rounds[board]?.handle(event) ?? []
        perform(actions, at: board)
    }

    private mutating func perform(_ actions: [Rounds.Action], at board: Int) {
        for action in actions {
            switch action {
            case .persist(let state): disks[board] = state
            case .signVote(let vote): hand(.vote(Verified(signing: vote, by: voters.keys[board])), to: board)
            case .signProposal(let proposal):
                hand(.proposal(Verified(signing: proposal, by: voters.keys[board]), isValid: true, isTimely: true), to: board)
            case .build(let round): hand(.built(Voters.block(UInt8(10 * board) + UInt8(round)), round: round), to: board)
            case .schedule(let timeout, _): timers[board, default: []].insert(timeout)
            case .decide, .accuse: break
            }
        }
    }

    mutating func hand(_ step: Vote.Step, for block: BlockID?, by voter: Int, to board: Int) {
        hand(.vote(voters.vote(voter, step, for: block)), to: board)
    }

    /// Everybody tells everybody what it has, until nobody misses anything.
    mutating func gossip() {
        for _ in 0..<8 {
            for one in present {
                for other in present where other != one {
                    guard let sender = rounds[one], let receiver = rounds[other] else { continue }
                    for message in sender.messages(missingFrom: receiver.summary) {
                        switch message {
                        case .vote(let vote): hand(.vote(vote), to: other)
                        case .proposal(let proposal): hand(.proposal(proposal, isValid: true, isTimely: true), to: other)
                        }
                    }
                }
            }
        }
    }

    /// Fires a timer that runs; one that does not cannot fire.
    mutating func expire(_ step: Rounds.Step, round: UInt32, at board: Int) {
        let timeout = Rounds.Timeout(height: 1, round: round, step: step)
        if timers[board]?.remove(timeout) != nil { hand(.timeout(timeout), to: board) }
    }
}

@Suite struct PowerCutTests {
    /// One has gone on to round 1 with the help of votes that the others have lost, and is alone there.
    @Test func whoWasAheadBringsTheOthersAlong() throws {
        var boards = try Boards(absentProposes: true)
        let ahead = boards.present[0]
        for board in boards.present { boards.expire(.propose, round: 0, at: board) }
        boards.gossip()
        boards.expire(.precommit, round: 0, at: ahead)
        boards.expire(.propose, round: 1, at: ahead)
        #expect(boards.present.map { boards.rounds[$0]?.round } == [1, 0, 0])
        #expect(boards.disks[ahead]?.proof.count == 3)
        boards.restart()
        boards.gossip()
        for board in boards.present.dropFirst() { boards.expire(.precommit, round: 0, at: board) }
        #expect(boards.present.map { boards.rounds[$0]?.round } == [1, 1, 1])
    }

    /// One is locked, and only its disk knows the prevotes that the others need to be told before they vote for that block.
    @Test func theLockOfOneIsUnderstoodByAll() throws {
        var boards = try Boards(absentProposes: false)
        let (locked, absent) = (boards.present[0], 6 - boards.present.reduce(0, +))
        let proposal = try #require(boards.disks[locked]?.proposal)
        let signed = boards.voters.proposal(proposal.block, by: boards.voters.keys[locked].publicKey)
        for board in boards.present.dropFirst() {
            boards.hand(.proposal(signed, isValid: true, isTimely: true), to: board)
            boards.hand(.prevote, for: proposal.block, by: board, to: locked)
            boards.hand(.prevote, for: proposal.block, by: locked, to: board)
            boards.hand(.prevote, for: nil, by: absent, to: board)
            boards.expire(.prevote, round: 0, at: board)
        }
        #expect(boards.rounds[locked]?.signing.locked?.block == proposal.block)
        for board in boards.present {
            for voter in boards.present {
                boards.hand(.precommit, for: voter == locked ? proposal.block : nil, by: voter, to: board)
            }
            boards.expire(.precommit, round: 0, at: board)
            if board != locked { boards.expire(.propose, round: 1, at: board) }
        }
        #expect(boards.present.map { boards.rounds[$0]?.round } == [1, 1, 1])
        boards.restart()
        for round in 0..<6 as Range<UInt32> {
            for step in [Rounds.Step.propose, .prevote, .precommit] {
                boards.gossip()
                for board in boards.present { boards.expire(step, round: round, at: board) }
            }
        }
        #expect(boards.present.map { boards.rounds[$0]?.decision?.block } == Array(repeating: proposal.block, count: 3))
    }

    @Test func whatOthersSignedIsReadBackAndCheckedAgain() throws {
        var boards = try Boards(absentProposes: true)
        for board in boards.present { boards.expire(.propose, round: 0, at: board) }
        boards.gossip()
        boards.expire(.precommit, round: 0, at: boards.present[0])
        boards.expire(.propose, round: 1, at: boards.present[0])
        var state = try #require(boards.disks[boards.present[0]])
        #expect(try SigningState(canonicalBytes: state.canonicalBytes) == state)
        let rotation = ProposerRotation(boards.voters.set)
        func heard(_ state: SigningState) -> Int {
            let rounds = Rounds(
                chainID: Voters.chainID, height: 1, rotation: rotation, identity: nil, timing: ConsensusTiming(), restored: state)
            return rounds.messages(
                missingFrom: Rounds(
                    chainID: Voters.chainID, height: 1, rotation: rotation, identity: nil, timing: ConsensusTiming()
                ).summary
            ).count
        }
        #expect(heard(state) == 3)
        state.proof[0].voter = state.proof[1].voter
        #expect(heard(state) == 2, "a vote that its voter did not sign")
    }
}
