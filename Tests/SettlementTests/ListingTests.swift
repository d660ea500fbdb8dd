import Chain
import Charging
import Ledger
import Primitives
import Settlement
import Testing

/// What the station says of itself on the chain.
@Suite struct ListingTests {
    private static func listing(_ tariffs: [[UInt8]], configuration: UInt8 = 1) -> StationListing {
        var facts = AssetFacts()
        (facts.geohash, facts.configuration) = ("u33db", Bytes32([UInt8](repeating: configuration, count: 32))!)
        facts.tariff = tariffs.first.map { PublishTariff($0).digest } ?? .zero
        return StationListing(facts: facts, tariffs: tariffs)
    }

    private static func settle(_ chain: LedgerChain, _ purse: Purse, _ store: MemoryStore = MemoryStore()) async -> Settler {
        let settler = Settler(
            key: chain.keys[LedgerChain.station], chain: chain, store: store, held: { await purse.all },
            listing: { await purse.listing }, logger: quiet)
        await settler.look()
        return settler
    }

    private static func goOn(_ settler: Settler, _ chain: LedgerChain, _ blocks: Int) async throws {
        for _ in 0..<blocks {
            await settler.look()
            try await chain.makeBlock(after: 20_000)
        }
    }

    private static func assets(_ chain: LedgerChain) async -> [Asset] {
        await chain.read { now in now.state.keys(of: .asset).compactMap { now.state.asset($0.id) } }
    }

    @Test func theStationRegistersOnceAndTellsWhatChanges() async throws {
        let chain = try LedgerChain()
        let purse = Purse()
        let settler = await Self.settle(chain, purse)
        let tariff = Tariff(id: "day").canonicalBytes
        await purse.say(Self.listing([tariff]))
        try await Self.goOn(settler, chain, 12)
        #expect(await chain.submitted.map(\.transaction.payload.kind) == [.publishTariff, .registerAsset])
        #expect(await Self.assets(chain).map { $0.facts(at: .max) } == [Self.listing([tariff]).facts])
        let changed = Self.listing([Tariff(id: "night").canonicalBytes, tariff], configuration: 2)
        await purse.say(changed)
        try await Self.goOn(settler, chain, 12)
        #expect(await chain.submitted.dropFirst(2).map(\.transaction.payload.kind) == [.publishTariff, .updateAsset])
        #expect(await Self.assets(chain).map { $0.facts(at: .max) } == [changed.facts])
        #expect(await chain.receipts.allSatisfy { $0.refusal == nil })
    }

    /// The registration is on its way when the program ends, and comes into a block later: there is no second one.
    @Test func aRestartRegistersNothingTwice() async throws {
        let chain = try LedgerChain()
        let (purse, store) = (Purse(), MemoryStore())
        await purse.say(Self.listing([]))
        let before = await Self.settle(chain, purse, store)
        await before.look()
        let after = await Self.settle(chain, purse, store)
        await after.look()
        try await Self.goOn(after, chain, 6)
        #expect(await Self.assets(chain).count == 1)
        #expect(await Set(chain.submitted).count == 1)
    }

    @Test func whatTheOwnerRetiredStaysRetired() async throws {
        let chain = try LedgerChain()
        let purse = Purse()
        await purse.say(Self.listing([]))
        let settler = await Self.settle(chain, purse)
        try await Self.goOn(settler, chain, 4)
        let id = try #require(await chain.read { $0.state.keys(of: .asset).first?.id })
        try await chain.run(.retireAsset(RetireAsset(id)), by: LedgerChain.station)
        await purse.say(Self.listing([], configuration: 3))
        try await Self.goOn(settler, chain, 8)
        #expect(await Self.assets(chain).count == 1)
        #expect(await chain.submitted.count == 1)
    }

    /// Money first: a registration that waits gives way to the answer to a payer's close.
    @Test func aRegistrationGivesWayToMoney() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(20))
        let purse = Purse()
        await purse.say(Self.listing([]))
        let settler = await Self.settle(chain, purse)
        await settler.look()
        await chain.forgetPool()
        await purse.put(chain.voucher(channel, .qlc(5), 1))
        try await chain.run(.closeChannel(CloseChannel(channel.id)), by: LedgerChain.payer)
        try await Self.goOn(settler, chain, 6)
        #expect(await chain.channel(channel.id)?.settled == .qlc(5))
        #expect(await Self.assets(chain).count == 1)
    }
}
