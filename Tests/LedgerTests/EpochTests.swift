import Consensus
import Ledger
import Primitives
import Testing

@Suite struct EpochTests {
    @Test(arguments: [2, 5] as [UInt64]) func anEpochEndsByBlocks(blocks: UInt64) throws {
        var chain = try Chain([.epochBlocks: blocks])
        for height in 1...3 * blocks {
            #expect(chain.state.epoch.number == (height - 1) / blocks)
            try chain.add()
        }
        #expect(chain.state.epoch.startHeight == 3 * blocks + 1)
    }

    @Test func anEpochEndsByTime() throws {
        var chain = try Chain([.epochTime: 60_000])
        try chain.add(after: 59_999)
        #expect(chain.state.epoch.number == 0)
        try chain.add(after: 1)
        #expect(chain.state.epoch.number == 1 && chain.state.epoch.startTime == Chain.start + 60_000)
        try chain.add(after: 59_999)
        #expect(chain.state.epoch.number == 1)
    }

    /// Five candidates for four seats. Who has most stake at the end of epoch e sits in e + 2.
    @Test func theEndOfAnEpochElectsForTheSecondNext() throws {
        var chain = try Chain(stakes: [5, 4, 3, 2, 1].map { $0 * 10_000 }, [.epochBlocks: 3, .seats: 4])
        let (newcomer, last) = (chain.names[4], chain.names[3])
        #expect(chain.state.epoch.current.index(of: newcomer) == nil)
        try chain.run(.stake(Stake(with: newcomer, amount: .qlc(15_000))), by: 6)
        var seats: [Bool] = []
        for _ in 0..<4 {
            let set = chain.state.epoch.current
            #expect(chain.state.epoch.next.count == 4)
            seats.append(set.index(of: newcomer) != nil && set.index(of: last) == nil)
            try chain.endEpoch()
        }
        #expect(seats == [false, false, true, true])
    }

    @Test func headersNameTheDelegatesOfTheirHeightAndOfTheNext() throws {
        var chain = try Chain(stakes: [5, 4, 3, 2, 1].map { $0 * 10_000 }, [.epochBlocks: 3, .seats: 4])
        try chain.run(.stake(Stake(with: chain.names[4], amount: .qlc(15_000))), by: 6)
        var promised = chain.state.epoch.current.hash
        var sets: Set<Bytes32> = []
        for _ in 0..<12 {
            let header = try chain.build([]).block.header
            #expect(header.delegateSet == promised)
            promised = header.nextDelegateSet
            sets.insert(header.delegateSet)
            try chain.add()
        }
        #expect(sets.count == 2)
    }

    /// More than two thirds: of four that weigh the same, three.
    @Test(arguments: [(2, false), (3, true), (4, true)]) func aParameterChangesOnTwoThirdsOfThePowerOnly(
        votes: Int, isCarried: Bool
    ) throws {
        var chain = try Chain([.epochBlocks: 6])
        let vote = ParameterVote(.feeBase, value: 12_345)
        for delegate in 0..<votes {
            #expect(try chain.run(.vote(vote), by: delegate) == nil)
            #expect(try chain.run(.vote(vote), by: 0, after: 1) == nil, "the same voter twice counts once")
            if chain.state.epoch.number > 0 { break }
            #expect(chain.state.parameters[.feeBase] == 10_000)
        }
        while chain.state.head.height < 12 { try chain.add() }
        #expect(chain.state.parameters[.feeBase] == (isCarried ? 12_345 : 10_000))
        #expect((chain.state[.proposal(.feeBase, 12_345)] == nil) == isCarried)
        #expect(try chain.build([]).block.header.parameters == chain.state.parameters.hash)
    }

    @Test func onlyTheElectedVoteAndOnlyWithinTheRange() throws {
        var chain = try Chain()
        #expect(try chain.run(.vote(ParameterVote(.feeBase, value: 1)), by: 4) == .notElected)
        #expect(try chain.run(.vote(ParameterVote(.seats, value: 3)), by: 0) == .parameterOutOfRange)
        #expect(try chain.run(.vote(ParameterVote(.seats, value: 65)), by: 0) == .parameterOutOfRange)
    }

    @Test func aVoteThatIsTooOldIsForgotten() throws {
        var chain = try Chain([.epochBlocks: 100, .epochTime: 2 * Chain.hour, .unbondingTime: Chain.hour])
        let vote = Payload.vote(ParameterVote(.feeBase, value: 1))
        for delegate in 0..<2 { try chain.run(vote, by: delegate) }
        try chain.run(vote, by: 2, after: Chain.hour)
        guard case .proposal(let proposal)? = chain.state[.proposal(.feeBase, 1)] else { throw MissingEntry() }
        #expect(proposal.supporters == [chain.names[2]], "the third voice begins anew")
        try chain.add(after: Chain.hour)
        #expect(chain.state.epoch.number == 1 && chain.state[.proposal(.feeBase, 1)] == nil)
        #expect(chain.state.parameters[.feeBase] == 10_000)
    }

    /// Both are in range, but together no channel could be opened.
    @Test func aVoteThatFitsNothingElseIsDropped() throws {
        var chain = try Chain([.epochBlocks: 6])
        let most = chain.state.parameters[.disputeWindowMost]
        for delegate in 0..<4 {
            #expect(try chain.run(.vote(ParameterVote(.disputeWindowLeast, value: most + 1)), by: delegate) == nil)
        }
        try chain.endEpoch()
        #expect(chain.state.parameters[.disputeWindowLeast] < most)
        #expect(chain.state[.proposal(.disputeWindowLeast, most + 1)] == nil)
    }

    @Test func anAllocationIsPaidOutEvenly() throws {
        var chain = try Chain([.epochBlocks: 2, .epochTime: 7 * 24 * Chain.hour], vesting: [(5, 1_000)])
        let before = chain.balance(5)
        try chain.add(after: Chain.hour)
        #expect(chain.balance(5) == before, "at the end of an epoch only")
        try chain.add(after: Chain.hour)
        #expect(chain.balance(5) == before + .qlc(200))
        try chain.add(after: 3 * Chain.hour)
        try chain.add(after: 1)
        #expect(chain.balance(5) == before + QLC(units: 1_000 * QLC.unitsPerQLC * 18_000_001 / 36_000_000))
        try chain.add(after: 90 * Chain.hour)
        try chain.add()
        #expect(chain.balance(5) == before + .qlc(1_000))
        #expect(!chain.state.all.keys.contains { $0.kind == .vesting })
    }

    @Test func whenNobodyCanBeElectedThoseWhoAreStay() throws {
        var chain = try Chain([.epochBlocks: 6])
        for cheat in 0..<4 { try chain.run(.reportEvidence(try chain.doubleVote(of: cheat)), by: 5) }
        let set = chain.state.epoch.current
        for _ in 0..<3 {
            try chain.endEpoch()
            #expect(chain.state.epoch.current == set)
        }
    }
}
