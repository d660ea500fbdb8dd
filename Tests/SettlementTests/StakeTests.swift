import Charging
import Consensus
import Ledger
import Node
import Primitives
import Settlement
import SimulatedHAL
import Testing

/// The owner's stake through the station's own account: each order once, and refused with its reason.
@Suite struct StakeTests {
    private func id(_ number: UInt8) -> OwnerOrder.ID { TaggedHash.digest(tag: "test/stake", [number]) }

    @Test func stakeIsPutAndTakenBackOnce() async throws {
        let chain = try LedgerChain(stationBalance: .qlc(10_000))
        let delegate = chain.keys[0].publicKey
        var desk = await Desk.current(chain)
        await #expect(throws: OrderRefusal.nobodyChosen) { try await desk.settler.stake(.qlc(1), as: id(1)) }
        try await desk.settler.choose(delegate)
        await desk.restart()
        await desk.settler.look()
        #expect(await desk.settler.stake().choice == .delegate(delegate), "the choice outlives a restart")
        let order = try await desk.settler.stake(.qlc(5_000), as: id(1))
        #expect(order.deed == .stake(with: delegate, amount: .qlc(5_000)))
        #expect(await desk.settler.money().promised > .qlc(5_000))
        try await desk.goOn(2)
        #expect(try await desk.end(of: id(1))?.state == .done)
        // The same id moves nothing, also after somebody else was chosen.
        try await desk.settler.choose(chain.keys[1].publicKey)
        #expect(try await desk.settler.stake(.qlc(5_000), as: id(1)).state == .done)
        await #expect(throws: OrderRefusal.anotherOrder(id(1))) { try await desk.settler.stake(.qlc(4), as: id(1)) }
        let staked = await desk.settler.stake()
        #expect(staked.holdings.map(\.staked) == [.qlc(5_000)] && staked.holdings[0].isElected)
        #expect(staked.target == chain.keys[1].publicKey)

        _ = try await desk.settler.unstake(.qlc(1_000), as: id(2))
        try await desk.goOn(2)
        #expect(try await desk.end(of: id(2))?.state == .done)
        _ = try await desk.settler.unstake(nil, as: id(3))
        try await desk.goOn(2)
        #expect(try await desk.end(of: id(3))?.state == .done)
        #expect(try await desk.settler.unstake(nil, as: id(3)).state == .done)
        let back = await desk.settler.stake()
        #expect(back.holdings.isEmpty && back.returning.map(\.amount) == [.qlc(1_000), .qlc(4_000)])
        #expect(back.returning.allSatisfy { $0.releasedAt > LedgerChain.start + 13 * 86_400_000 })
        #expect(await chain.submitted.count == 3)
    }

    /// The transaction is on disk and perhaps with the delegates; the station starts anew and does not sign another.
    @Test(arguments: [true, false]) func aRestartStakesNothingTwice(_ arrived: Bool) async throws {
        let chain = try LedgerChain(stationBalance: .qlc(10_000))
        var desk = await Desk.current(chain)
        try await desk.settler.choose(chain.keys[0].publicKey)
        _ = try await desk.settler.stake(.qlc(3_000), as: id(1))
        await chain.turn(deaf: !arrived)
        await desk.settler.look()
        if arrived { try await chain.makeBlock() }
        await chain.turn(deaf: false)
        await desk.restart()
        try await desk.goOn(3)
        let order = try #require(try await desk.end(of: id(1)))
        #expect(order.state == .done && order.height != nil, "\(order)")
        #expect(await desk.settler.stake().holdings.map(\.staked) == [.qlc(3_000)])
        #expect(await Set(chain.submitted).count == 1)
    }

    @Test func whatCannotBeIsRefusedWithItsReason() async throws {
        let chain = try LedgerChain(stationBalance: .qlc(2_000))
        let desk = await Desk.current(chain)
        let settler = desk.settler
        let stranger = chain.keys[LedgerChain.other].publicKey
        await #expect(throws: OrderRefusal.nothingStaked) { try await settler.unstake(nil, as: id(1)) }
        do { try await settler.choose(stranger) } catch let refusal as OrderRefusal {
            #expect("\(refusal)".contains("does not stand for election") && "\(refusal)".contains("qlc1"))
        }
        #expect(await settler.stake().choice == .unsaid)
        // The first stake with somebody has a minimum.
        try await chain.run(.registerDelegate(RegisterDelegate(commission: 0)), by: LedgerChain.other)
        await settler.look()
        try await settler.choose(stranger)
        await #expect(throws: OrderRefusal.belowMinimum(.qlc(1_000))) { try await settler.stake(.qlc(999), as: id(1)) }
        try await settler.choose(chain.keys[0].publicKey)
        await #expect(throws: OrderRefusal.amountIsZero) { try await settler.stake(.zero, as: id(1)) }
        await #expect(throws: OrderRefusal.self) { try await settler.stake(.qlc(2_000), as: id(1)) }
        let money = await settler.money()
        _ = try await settler.stake(money.balance - money.reserve - money.stakeFee, as: id(1))
        try await desk.goOn(2)
        #expect(await chain.balance(LedgerChain.station) == money.reserve)
        #expect(try await desk.end(of: id(1))?.state == .done)
        let staked = try #require(await settler.stake().holdings.first?.staked)
        await #expect(throws: OrderRefusal.notSoMuchStaked(staked)) {
            try await settler.unstake(staked + QLC(units: 1), as: id(2))
        }
        await #expect(throws: OrderRefusal.self) { try await settler.unstake(nil, from: stranger, as: id(2)) }
        await #expect(throws: OrderRefusal.amountIsZero) { try await settler.unstake(.zero, as: id(2)) }
        // What is ordered back already counts.
        _ = try await settler.unstake(.qlc(1_500), as: id(2))
        await #expect(throws: OrderRefusal.notSoMuchStaked(staked)) { try await settler.unstake(.qlc(1_500), as: id(3)) }
        try await settler.choose(nil)
        await #expect(throws: OrderRefusal.nobodyChosen) { try await settler.stake(.qlc(1), as: id(4)) }
    }

    /// Somebody used the station's key beside the station: the order is signed anew in the next place, and done once.
    @Test func anOrderWhosePlaceWasTakenIsDoneOnce() async throws {
        let chain = try LedgerChain(stationBalance: .qlc(2_000))
        let delegate = chain.keys[0].publicKey
        try await chain.run(.stake(Stake(with: delegate, amount: .qlc(1_000))), by: LedgerChain.station)
        let desk = await Desk.current(chain)
        _ = try await desk.settler.unstake(.qlc(600), as: id(1))
        await desk.settler.look()
        await chain.forgetPool()
        try await chain.run(.stake(Stake(with: delegate, amount: .qlc(1))), by: LedgerChain.station)
        try await desk.goOn(4)
        #expect(try await desk.end(of: id(1))?.state == .done)
        #expect(await desk.settler.stake().returning.map(\.amount) == [.qlc(600)])
    }

    /// What the ledger refuses in a block is told, and costs the fee alone.
    @Test func aStakeWithWhomIsExpelledAtTheSameTimeIsRefused() async throws {
        let chain = try LedgerChain(stationBalance: .qlc(2_000))
        let desk = await Desk.current(chain)
        let delegate = chain.keys[0]
        try await desk.settler.choose(delegate.publicKey)
        try await chain.makeBlock()
        await desk.settler.look()
        _ = try await desk.settler.stake(.qlc(1_000), as: id(1))
        await desk.settler.look()
        let votes = [UInt8(1), 2].map { number in
            Vote(
                chainID: chain.chainID, height: 1, round: 0, step: .prevote,
                block: TaggedHash.digest(tag: "block", [number]))
        }
        let proof = try DoubleVote(Verified(signing: votes[0], by: delegate), Verified(signing: votes[1], by: delegate))
        try await chain.offer(.reportEvidence(proof), by: LedgerChain.payer)
        try await chain.makeBlock()
        let refused = try #require(try await desk.end(of: id(1)))
        #expect(refused.state == .refused && refused.reason?.contains("expelled") == true && refused.height != nil, "\(refused)")
        #expect(await chain.balance(LedgerChain.station) + (refused.fee ?? .zero) == .qlc(2_000))
    }
}
