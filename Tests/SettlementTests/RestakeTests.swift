import Charging
import Consensus
import Ledger
import Node
import Primitives
import Settlement
import SimulatedHAL
import Testing

/// What stake earns is noted once, and put back once, as the owner's policy says.
@Suite struct RestakeTests {
    private static func policy(_ percent: UInt64, keep: QLC? = nil, least: QLC = .qlc(1)) -> RestakePolicy {
        var policy = RestakePolicy()
        (policy.percent, policy.keep, policy.least) = (percent, keep, least)
        return policy
    }

    /// The station has staked a million with the first delegate: half of its stake.
    private static func staked(balance: QLC, _ policy: RestakePolicy) async throws -> Desk {
        let chain = try LedgerChain(stationBalance: .qlc(1_000_000) + balance)
        try await chain.run(.stake(Stake(with: chain.keys[0].publicKey, amount: .qlc(1_000_000))), by: LedgerChain.station)
        return await Desk.current(chain, restaking: policy)
    }

    /// An epoch with so many QLC of fees, of which each of four delegates has about a quarter.
    private static func epoch(_ chain: LedgerChain, fees: UInt64) async throws {
        let (to, fee) = (chain.keys[LedgerChain.other].publicKey, fees * QLC.unitsPerQLC)
        try await chain.offer(.transfer(Transfer(to: to, amount: .qlc(1))), by: LedgerChain.payer, fee: fee)
        try await chain.makeBlock()
        try await chain.makeBlock(after: 2 * 3_600_000)
    }

    private static func worth(_ desk: Desk) async -> QLC { await desk.settler.stake().holdings.first?.staked ?? .zero }

    @Test(arguments: [0, 40, 100] as [UInt64]) func theShareIsStakedAgainOnce(_ percent: UInt64) async throws {
        var desk = try await Self.staked(balance: .qlc(100), Self.policy(percent))
        let before = await Self.worth(desk)
        try await Self.epoch(desk.chain, fees: 80)
        await desk.settler.look()
        let earned = try await desk.settler.rewards(since: WallTime(secondsSince1970: 0))
        #expect(earned > .qlc(9) && earned < .qlc(11), "\(earned)")
        let unclaimed = await desk.settler.money().rewards
        #expect(percent > 0 || unclaimed == earned)
        for _ in 0..<3 {
            try await desk.goOn(3)
            await desk.restart()
        }
        let want = QLC(units: earned.units * percent / 100)
        let grown = await Self.worth(desk) - before
        #expect(grown <= want && grown + QLC(units: 2) >= want, "\(grown) of \(want)")
        #expect(await desk.chain.submitted.count == (percent == 0 ? 0 : 1))
        #expect(try await desk.settler.rewards(since: WallTime(secondsSince1970: 0)) == earned, "paid out is not earned again")
        let tomorrow = WallTime(secondsSince1970: Int64(LedgerChain.start / 1_000) + 2 * 86_400)
        #expect(try await desk.settler.rewards(since: tomorrow) == .zero)
    }

    /// An account that cannot spare the share stakes what it can; that brings the rewards in, and the rest follows.
    @Test func aPoorStationRestakesAllTheSame() async throws {
        let desk = try await Self.staked(balance: .qlc(2), Self.policy(100, keep: .qlc(1)))
        let before = await Self.worth(desk)
        try await Self.epoch(desk.chain, fees: 80)
        await desk.settler.look()
        let earned = try await desk.settler.rewards(since: WallTime(secondsSince1970: 0))
        try await desk.goOn(8)
        let grown = await Self.worth(desk) - before
        #expect(grown <= earned && grown + QLC(units: 3) >= earned, "\(grown) of \(earned)")
        #expect(await desk.chain.submitted.count == 2)
        #expect(await desk.chain.balance(LedgerChain.station) >= .qlc(1))
        #expect(await desk.settler.stake().owed == .zero)
    }

    @Test func lessThanTheLeastWaitsForMore() async throws {
        let desk = try await Self.staked(balance: .qlc(100), Self.policy(50, least: .qlc(8)))
        let before = await Self.worth(desk)
        try await Self.epoch(desk.chain, fees: 80)
        try await desk.goOn(3)
        #expect(await Self.worth(desk) == before)
        try await Self.epoch(desk.chain, fees: 80)
        try await desk.goOn(3)
        #expect(await Self.worth(desk) > before + .qlc(8))
    }

    /// The owner's own change pays rewards out as well; their share is put back all the same.
    @Test func whatTheOwnersOrderPaidOutCounts() async throws {
        let desk = try await Self.staked(balance: .qlc(100), Self.policy(100))
        let id = TaggedHash.digest(tag: "test/stake", [1])
        let before = await Self.worth(desk)
        try await Self.epoch(desk.chain, fees: 80)
        _ = try await desk.settler.unstake(.qlc(500), as: id)
        try await desk.goOn(6)
        #expect(try await desk.end(of: id)?.state == .done)
        let earned = try await desk.settler.rewards(since: WallTime(secondsSince1970: 0))
        let now = await Self.worth(desk) + .qlc(500)
        #expect(now <= before + earned && now + QLC(units: 3) >= before + earned, "\(now) of \(before + earned)")
    }

    /// A withdrawal of all that there is to spare is taken and made, whatever the policy wants.
    @Test func theOwnersWithdrawalGoesFirst() async throws {
        let desk = try await Self.staked(balance: .qlc(100), Self.policy(100))
        let (chain, id) = (desk.chain, TaggedHash.digest(tag: "test/order", [1]))
        try await Self.epoch(chain, fees: 80)
        let money = await desk.settler.money()
        let most = money.balance - money.reserve - money.paymentFee
        _ = try await desk.settler.take(.pay(to: chain.keys[LedgerChain.other].publicKey, amount: most), as: id)
        try await desk.goOn(6)
        #expect(try await desk.end(of: id)?.state == .done)
        // Whatever it does, the fees of settlements stay.
        #expect(await chain.balance(LedgerChain.station) >= money.reserve)
    }

    /// Looks at all moments of a life with lost transactions, full disks, restarts and epochs: never more than the share, never the reserve.
    @Test(arguments: 1...12 as ClosedRange<UInt64>) func restakingIsExactThroughEverything(_ seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let percent = UInt64(random.number(30...100))
        var desk = try await Self.staked(balance: .qlc(UInt64(random.number(1...30))), Self.policy(percent, keep: QLC("0.9")!))
        let (chain, before) = (desk.chain, await Self.worth(desk))
        for _ in 0..<120 {
            switch random.number(0...9) {
            case 0: try await Self.epoch(chain, fees: UInt64(random.number(1...60)))
            case 1: await chain.turn(deaf: random.chance(1, in: 2))
            case 2: await desk.store.fill(random.chance(1, in: 3))
            case 3: await desk.restart()
            case 4: await chain.forgetPool()
            case 5: await chain.refuse(with: random.pick([nil, nil, .full, .taken]))
            default: try await chain.makeBlock(after: UInt64(random.number(1_000...100_000)))
            }
            await desk.settler.look()
            #expect(await chain.balance(LedgerChain.station) >= QLC("0.9")!, "seed \(seed)")
        }
        await chain.turn(deaf: false)
        await chain.refuse(with: nil)
        await desk.store.fill(false)
        try await Self.epoch(chain, fees: 40)
        // Longer than the pause after a failure; and blocks that follow each other closely, or a transaction expires before the next one.
        for _ in 0..<10 {
            try await chain.makeBlock(after: 3_600_001)
            try await desk.goOn(3)
        }
        let all = WallTime(secondsSince1970: 0)
        let (earned, money) = (try await desk.settler.rewards(since: all), await desk.settler.money())
        let grown = await Self.worth(desk) - before
        let owed = await desk.settler.stake().owed
        let share = UInt64(UInt128(earned.units - money.rewards.units) * UInt128(percent) / 100)
        #expect(grown > .zero && grown.units <= share, "seed \(seed): \(grown) of \(share), \(owed) owed, \(money)")
        #expect(grown.units + owed.units + 300 >= share, "seed \(seed): \(grown) and \(owed) of \(share)")
        #expect(await chain.receipts.allSatisfy { $0.refusal == nil }, "seed \(seed)")
    }
}
