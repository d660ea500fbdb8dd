import Chain
import Charging
import Ledger
import Primitives
import Settlement
import SimulatedHAL
import Testing

/// The station's channels as the chain has them.
@Suite struct ChannelBookTests {
    private static func book(
        _ chain: LedgerChain, terms: ChannelTerms = ChannelTerms(), held: [ChannelAccount] = []
    ) -> ChainChannelBook {
        let settler = Settler(
            key: chain.keys[LedgerChain.station], chain: chain, store: MemoryStore(), held: { [] }, logger: quiet)
        return ChainChannelBook(
            chain: chain, station: chain.station, terms: terms, held: { held }, settler: settler, logger: quiet)
    }

    /// All events up to the chain's end.
    private static func rest(_ events: AsyncStream<ChannelEvent>, of chain: LedgerChain) async -> [ChannelEvent] {
        await chain.end()
        return await events.reduce(into: []) { $0.append($1) }
    }

    @Test func whatIsThereIsToldFirstThenWhatComes() async throws {
        let chain = try LedgerChain()
        let first = try await chain.open(deposit: .qlc(10))
        _ = try await chain.open(deposit: .qlc(10), to: LedgerChain.other)
        _ = try await chain.open(deposit: .qlc(10), window: 599_999)
        let events = await Self.book(chain).events()
        let second = try await chain.open(deposit: .qlc(20), by: LedgerChain.other)
        try await chain.run(.topUpChannel(TopUpChannel(first.id, by: .qlc(5))), by: LedgerChain.other)
        try await chain.run(.closeChannel(CloseChannel(second.id)), by: LedgerChain.other)
        try await chain.run(.topUpChannel(TopUpChannel(first.id, by: .qlc(5))), by: LedgerChain.other)
        try await chain.run(.closeChannel(CloseChannel(first.id)), by: LedgerChain.station)
        let told = await Self.rest(events, of: chain)
        // The blocks are looked at when the chain is further already: what came and went in between is told as it is in the end.
        #expect(
            told.first.map {
                if case .opened(let channel) = $0 { channel.id == first.id && channel.deposit == .qlc(10) } else { false }
            } == true)
        #expect(Array(told.dropFirst()) == [.closed(first.id)])
    }

    @Test func eachStepIsToldWhenItIsFinal() async throws {
        let chain = try LedgerChain()
        var events = await Self.book(chain).events().makeAsyncIterator()
        let channel = try await chain.open(deposit: .qlc(10))
        #expect(await events.next() == .opened(channel))
        try await chain.run(.topUpChannel(TopUpChannel(channel.id, by: .qlc(5))), by: LedgerChain.other)
        #expect(await events.next() == .toppedUp(channel.id, deposit: .qlc(15)))
        // A refused transaction is told to nobody.
        #expect(
            try await chain.run(.topUpChannel(TopUpChannel(channel.id, by: .supply)), by: LedgerChain.other) == .balanceTooLow)
        try await chain.run(.closeChannel(CloseChannel(channel.id)), by: LedgerChain.payer)
        #expect(await events.next() == .closed(channel.id), "the payer's close ends service before its window is over")
    }

    @Test func expiryClosesAndMovesLater() async throws {
        let chain = try LedgerChain()
        let short = try await chain.open(deposit: .qlc(1), hours: 1)
        let long = try await chain.open(deposit: .qlc(2), hours: 1)
        var events = await Self.book(chain).events().makeAsyncIterator()
        for channel in [long, short] {
            guard case .opened(let told)? = await events.next() else {
                Issue.record("no opening")
                return
            }
            #expect(told.id == channel.id, "the larger deposit first")
        }
        try await chain.run(
            .topUpChannel(TopUpChannel(long.id, by: .zero, expiry: await chain.time + 5 * 3_600_000)), by: LedgerChain.payer)
        try await chain.makeBlock(after: 3_600_000)
        #expect(await events.next() == .closed(short.id))
        try await chain.makeBlock(after: 5 * 3_600_000)
        #expect(await events.next() == .closed(long.id))
    }

    /// The node is ahead of who follows it: the expiry was moved in a block that is still waiting here.
    @Test func anExpiryThatWasMovedIsNotTakenForAnEnd() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(1), hours: 1)
        let events = await Self.book(chain).events()
        try await chain.makeBlock()
        try await chain.run(
            .topUpChannel(TopUpChannel(channel.id, by: .zero, expiry: await chain.time + 50 * 3_600_000)), by: LedgerChain.payer)
        try await chain.makeBlock(after: 2 * 3_600_000)
        #expect(await Self.rest(events, of: chain).map { if case .opened = $0 { true } else { false } } == [true])
    }

    /// A station that was off is told the difference; what it knows already is not told again.
    @Test func afterARestartTheDifferenceIsTold() async throws {
        let chain = try LedgerChain()
        let kept = try await chain.open(deposit: .qlc(1)), grown = try await chain.open(deposit: .qlc(1))
        let gone = try await chain.open(deposit: .qlc(1))
        try await chain.run(.topUpChannel(TopUpChannel(grown.id, by: .qlc(1))), by: LedgerChain.other)
        try await chain.run(.closeChannel(CloseChannel(gone.id)), by: LedgerChain.station)
        let new = try await chain.open(deposit: .qlc(3))
        var foreign = kept
        (foreign.chainID, foreign.id) = (.zero, .zero)
        let held = [kept, grown, gone, foreign].map { ChannelAccount(channel: $0) }
        let told = await Self.rest(await Self.book(chain, held: held).events(), of: chain)
        #expect(Set(told) == [.toppedUp(grown.id, deposit: .qlc(2)), .closed(gone.id), .opened(new)])
        #expect(told.count == 3)
    }

    @Test func ofTooManyTheLargestAreServed() async throws {
        let chain = try LedgerChain()
        let small = try await chain.open(deposit: .qlc(1)), large = try await chain.open(deposit: .qlc(9))
        var terms = ChannelTerms()
        terms.channelLimit = 1
        let told = await Self.rest(await Self.book(chain, terms: terms).events(), of: chain)
        #expect(told.count == 1)
        #expect(
            told.contains {
                if case .opened(let channel) = $0 { channel.id == large.id && channel.id != small.id } else { false }
            })
    }

    /// Who takes the events slowly or fast, with gaps or without, ends with the channels that the chain has.
    @Test(.timeLimit(.minutes(5)), arguments: [1, 2, 3, 4, 5, 6] as [UInt64]) func whoeverFollowsEndsWithWhatTheChainHas(
        _ seed: UInt64
    ) async throws {
        let chain = try LedgerChain()
        var random = SplitMix64(seed: seed)
        var channels: [Channel] = []
        var model: [ChannelID: QLC] = [:]
        var events = await Self.book(chain).events().makeAsyncIterator()
        for _ in 0..<30 {
            // Every so often more blocks at once than are kept for who lags.
            for _ in 0..<(random.chance(1, in: 6) ? 70 : random.number(1...3)) {
                let id = channels.isEmpty ? .zero : random.pick(channels).id
                switch random.number(0...9) {
                case 0, 1: channels.append(try await chain.open(deposit: .qlc(UInt64(random.number(1...9))), hours: 1))
                case 2: try await chain.run(.topUpChannel(TopUpChannel(id, by: .qlc(1))), by: LedgerChain.other)
                case 3: try await chain.run(.closeChannel(CloseChannel(id)), by: LedgerChain.payer)
                case 4: try await chain.run(.closeChannel(CloseChannel(id)), by: LedgerChain.station)
                default: try await chain.makeBlock(after: UInt64(random.number(1...120_000)))
                }
            }
            let there = await chain.read { now in
                now.state.all.reduce(into: [ChannelID: QLC]()) { found, entry in
                    guard case .channel(let record) = entry.value, record.closingSince == nil, now.state.head.time < record.expiry
                    else { return }
                    found[entry.key.id] = record.deposit
                }
            }
            while model != there {
                switch await events.next() {
                case .opened(let channel)?: #expect(model.updateValue(channel.deposit, forKey: channel.id) == nil, "opened twice")
                case .toppedUp(let id, let deposit)?:
                    #expect(model.updateValue(deposit, forKey: id).map { $0 < deposit } == true, "topped up for nothing")
                case .closed(let id)?: #expect(model.removeValue(forKey: id) != nil, "closed twice")
                case nil:
                    Issue.record("the events ended")
                    return
                }
            }
        }
    }
}
