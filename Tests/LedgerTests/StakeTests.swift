import Consensus
import Ledger
import Primitives
import Testing

extension Chain {
    var unbondings: [Unbonding] {
        state.all.values.compactMap { if case .unbonding(let one) = $0 { one } else { nil } }.sorted { $0.amount < $1.amount }
    }

    func worth(of person: Int, with delegate: Int) -> QLC {
        guard case .delegation(let part)? = state[.delegation(of: names[person], with: names[delegate])] else { return .zero }
        return state.delegate(names[delegate])!.worth(of: part.shares)
    }
}

@Suite struct StakeTests {
    @Test func stakeComesBackAfterTheUnbondingPeriod() throws {
        var chain = try Chain([.epochBlocks: 2, .unbondingTime: Chain.hour])
        try chain.run(.stake(Stake(with: chain.names[0], amount: .qlc(100))), by: 4)
        #expect(chain.worth(of: 4, with: 0) == .qlc(100))
        #expect(try chain.run(.unstake(Unstake(from: chain.names[0], amount: .qlc(40))), by: 4) == nil)
        #expect(chain.worth(of: 4, with: 0) == .qlc(60))
        let released = chain.state.head.time + Chain.hour
        #expect(
            chain.unbondings == [Unbonding(of: chain.names[4], from: chain.names[0], amount: .qlc(40), releasedAt: released)])
        let before = chain.balance(4)
        try chain.endEpoch()
        #expect(chain.balance(4) == before)
        try chain.add(after: released - chain.state.head.time - 1)
        try chain.endEpoch()
        #expect(chain.balance(4) == before + .qlc(40) && chain.unbondings == [])
    }

    @Test func wrongStakesAreRefused() throws {
        var chain = try Chain()
        let (delegate, person) = (chain.names[0], chain.names[5])
        for (payload, refusal) in [
            (.stake(Stake(with: person, amount: .qlc(1))), .noSuchDelegate),
            (.stake(Stake(with: delegate, amount: .zero)), .amountIsZero),
            (.stake(Stake(with: delegate, amount: .supply)), .balanceTooLow),
            (.unstake(Unstake(from: person, amount: .qlc(1))), .noSuchDelegate),
            (.unstake(Unstake(from: delegate, amount: .zero)), .amountIsZero),
            (.unstake(Unstake(from: delegate, amount: .qlc(1))), .stakeTooLow),
            (.stake(Stake(with: delegate, amount: .qlc(5))), nil),
            (.unstake(Unstake(from: delegate, amount: .qlc(5) + QLC(units: 1))), .stakeTooLow),
            (.unstake(Unstake(from: delegate, amount: QLC(units: .max))), nil),
            (.unstake(Unstake(from: delegate, amount: QLC(units: .max))), .stakeTooLow),
        ] as [(Payload, Refusal?)] { #expect(try chain.run(payload, by: 4) == refusal, "\(payload)") }
    }

    @Test func whoeverStakesFirstBringsTheLeastStake() throws {
        var chain = try Chain([.minimumStake: QLC.qlc(100).units])
        try chain.run(.registerDelegate(RegisterDelegate(commission: 0)), by: 5)
        let name = chain.names[5]
        #expect(try chain.run(.stake(Stake(with: name, amount: .qlc(100) - QLC(units: 1))), by: 4) == .stakeTooLow)
        #expect(try chain.run(.stake(Stake(with: name, amount: .qlc(100))), by: 4) == nil)
        #expect(try chain.run(.stake(Stake(with: name, amount: QLC(units: 1))), by: 4) == nil)
    }

    /// Whatever the sequences are; one must end before there is room again.
    @Test func unstakesUnderWayAreBounded() throws {
        var chain = try Chain()
        let one = Payload.unstake(Unstake(from: chain.names[0], amount: .qlc(1)))
        for turn in [UInt64](0..<65) {
            #expect(try chain.run(one, by: 0) == (turn < 64 ? nil : .tooManyUnbondings))
        }
        #expect(chain.unbondings.count == 64)
    }

    /// By a transaction; the tenth is the reporter's, what is on its way back is punished too, the rest is locked.
    @Test func aCheatLosesAPartOfAllThatIsBehindItForEver() throws {
        var chain = try Chain()
        let cheat = chain.names[0]
        try chain.run(.stake(Stake(with: cheat, amount: .qlc(1_000))), by: 4)
        try chain.run(.unstake(Unstake(from: cheat, amount: .qlc(400))), by: 4)
        try chain.run(.unstake(Unstake(from: chain.names[1], amount: .qlc(500))), by: 1)
        let before = chain.balance(6)
        let report = chain.sign(.reportEvidence(try chain.doubleVote(of: 0)), by: 6)
        #expect(try chain.add([report]).first?.refusal == nil)
        let taken: UInt64 = 50_030 + 20
        #expect(chain.state.delegate(cheat)?.stake == .qlc(1_000_600 - 50_030))
        #expect(chain.worth(of: 4, with: 0) == .qlc(570))
        #expect(chain.unbondings.map(\.amount) == [.qlc(380), .qlc(500)])
        #expect(chain.balance(6) == before + .qlc(taken / 10) - report.transaction.fee)
        #expect(chain.funds.locked == .qlc(taken - taken / 10))
        // Once is enough, and there is no way back.
        for (payload, person, refusal) in [
            (.reportEvidence(try chain.doubleVote(of: 0, height: 2)), 6, .evidenceKnown),
            (.registerDelegate(RegisterDelegate(commission: 0)), 0, .delegateExpelled),
            (.stake(Stake(with: cheat, amount: .qlc(1))), 4, .delegateExpelled),
            (.reportEvidence(try chain.doubleVote(of: 5)), 6, .noSuchDelegate),
            (.unstake(Unstake(from: cheat, amount: QLC(units: .max))), 4, nil),
        ] as [(Payload, Int, Refusal?)] { #expect(try chain.run(payload, by: person) == refusal) }
        #expect(chain.state.delegate(cheat)?.status == .expelled)
    }

    @Test func evidenceInABlockPaysItsProposer() throws {
        var chain = try Chain()
        let proposer = chain.proposer
        let cheat = chain.names[0] == proposer ? 1 : 0
        let before = chain.state.account(proposer).balance
        try chain.add(evidence: [try chain.doubleVote(of: cheat)])
        #expect(chain.state.delegate(chain.names[cheat])?.status == .expelled)
        #expect(chain.state.account(proposer).balance == before + .qlc(5_000))
        // What is known, or proves nothing here, is left out of the next one.
        let again = [
            try chain.doubleVote(of: cheat, height: 3), try chain.doubleVote(of: 2, chainID: .zero), try chain.doubleVote(of: 5),
        ]
        #expect(try chain.build([], evidence: again).block.evidence == [])
    }

    @Test func anExpelledDelegateIsOutFromTheEpochAfterTheNext() throws {
        var chain = try Chain(stakes: [1_000, 1_000, 1_000, 1_000, 1_000].map { $0 * 1_000 }, [.epochBlocks: 2])
        try chain.run(.reportEvidence(try chain.doubleVote(of: 0)), by: 6)
        for epoch in UInt64(0)..<4 {
            #expect(chain.state.epoch.number == epoch)
            #expect((chain.state.epoch.current.index(of: chain.names[0]) == nil) == (epoch >= 2))
            try chain.endEpoch()
        }
    }

    /// Absent from more than half of an epoch's commits.
    @Test(arguments: [(2, DelegateRecord.Status.standing), (3, .standing), (4, .jailed)])
    func whoMissesTooManyBlocksIsJailedUntilItComesBack(missed: Int, status: DelegateRecord.Status) throws {
        var chain = try Chain(stakes: [1_000, 1_000, 1_000, 1_000, 1_000].map { $0 * 1_000 }, [.epochBlocks: 6])
        let absent = chain.names[0]
        let stake = chain.state.delegate(absent)?.stake
        // Block 1 has no commit before it.
        for block in 1...6 { try chain.add(missing: (2..<2 + missed).contains(block) ? [absent] : []) }
        #expect(chain.state.epoch.number == 1)
        #expect(chain.state.delegate(absent)?.status == status)
        #expect((chain.state.epoch.next.index(of: absent) == nil) == (status == .jailed))
        #expect(chain.state.delegate(absent)?.stake == stake, "jailed is not slashed")
        #expect(try chain.run(.registerDelegate(RegisterDelegate(commission: 77)), by: 0) == nil)
        #expect(chain.state.delegate(absent)?.status == .standing && chain.state.delegate(absent)?.commission == 77)
        try chain.endEpoch()
        #expect(chain.state.epoch.next.index(of: absent) != nil)
    }

    @Test func aJailedDelegateEarnsNothing() throws {
        var chain = try Chain(stakes: [1_000, 1_000, 1_000, 1_000, 1_000].map { $0 * 1_000 }, [.epochBlocks: 6])
        let absent = chain.names[0]
        for block in 1...6 { try chain.add(missing: block > 1 ? [absent] : []) }
        #expect(chain.state.delegate(absent)?.status == .jailed)
        let (before, other) = (chain.balance(0), chain.balance(1))
        try chain.run(.transfer(Transfer(to: chain.names[6], amount: .qlc(1))), by: 5)
        try chain.endEpoch()
        #expect(chain.balance(0) == before && chain.balance(1) > other)
    }
}
