import Chain
import Charging
import Ledger
import Primitives
import Settlement
import Testing

/// What the station delivered, on its way to the ledger.
@Suite struct UsageCommitterTests {
    private static let buyer = OpeningKey(of: PrivateKey(seed: [UInt8](repeating: 7, count: 32))!)
    private static let hour: UInt64 = 3_600_000

    /// A station with its disk and its queue; `restarted` is the same one later.
    private struct Desk {
        let chain: LedgerChain
        let store = MemoryStore()
        let queue = MemoryQueue()
        let purse = Purse()
        var patience = hour
        private(set) var settler: Settler

        init(_ chain: LedgerChain, patience: UInt64 = hour, isListed: Bool = true) async {
            (self.chain, self.patience) = (chain, patience)
            if isListed { await purse.say(StationListing(facts: AssetFacts(), tariffs: [])) }
            settler = Self.settler(chain, store, queue, purse, patience)
            await settler.look()
        }

        private static func settler(
            _ chain: LedgerChain, _ store: MemoryStore, _ queue: MemoryQueue, _ purse: Purse, _ patience: UInt64
        ) -> Settler {
            Settler(
                key: chain.keys[LedgerChain.station], chain: chain, store: store, held: { await purse.all },
                listing: { await purse.listing }, usage: UsageCommitter(queue, policy: UsagePolicy(patience: patience)),
                logger: quiet)
        }

        mutating func restart() async {
            settler = Self.settler(chain, store, queue, purse, patience)
            await settler.look()
        }

        func goOn(_ blocks: Int = 1, every milliseconds: UInt64 = 61_000) async throws {
            for _ in 0..<blocks {
                await settler.look()
                try await chain.makeBlock(after: milliseconds)
            }
            await settler.look()
        }

        func end(_ sessions: ClosedRange<UInt64>) async {
            for number in sessions { await queue.add(Self.usage(number, chain)) }
        }

        static func usage(_ number: UInt64, _ chain: LedgerChain) -> UncommittedUsage {
            let record = UsageRecord(
                station: chain.station, session: SessionID(high: 0, low: number), buyer: nil, accessCode: nil, tariffID: "day",
                mac: MACAddress(value: 1), startedAt: WallTime(secondsSince1970: 0), endedAt: WallTime(secondsSince1970: 0),
                seconds: 1, bytesUp: 2, bytesDown: 3, charge: .zero, paid: .zero, voucher: nil, endReason: .left)
            return UncommittedUsage(Signed(record, by: chain.keys[LedgerChain.station]), visitKey: buyer.sealingKey)
        }

        var commitments: UsageCommitments {
            get async {
                await chain.read { now in
                    guard let id = now.state.keys(of: .asset).first?.id, case .usage(let usage)? = now.state[.usage(of: id)]
                    else {
                        return UsageCommitments()
                    }
                    return usage
                }
            }
        }
    }

    @Test func theFirstWaitsAnHourForOthers() async throws {
        let chain = try LedgerChain()
        let desk = await Desk(chain)
        try await desk.goOn(3)
        await desk.end(1...3)
        try await desk.goOn(50)
        #expect(await desk.commitments.count == 0)
        await desk.end(4...4)
        try await desk.goOn(15)
        let done = await desk.commitments
        #expect(done.count == 1 && done.latest.map(\.records) == [4])
        #expect(await desk.queue.isEmpty)
        let roots = CommitUsage.root(of: (1...4).map { Desk.usage($0, chain) })
        #expect(done.latest.first?.usageRoot == roots)
        #expect(await chain.receipts.allSatisfy { $0.refusal == nil })
    }

    @Test func manyGoAtOnceAndTheRestWaits() async throws {
        let chain = try LedgerChain()
        let desk = await Desk(chain)
        try await desk.goOn(3)
        await desk.end(1...130)
        try await desk.goOn(8)
        #expect(await desk.commitments.latest.map(\.records) == [64, 64])
        try await desk.goOn(60)
        #expect(await desk.commitments.latest.map(\.records) == [64, 64, 2])
        let sealed = await chain.submitted.compactMap { transaction -> CommitUsage? in
            if case .commitUsage(let usage) = transaction.transaction.payload { usage } else { nil }
        }
        let read = sealed.flatMap { usage in usage.visits.compactMap { $0.opened(by: Self.buyer, of: usage.asset)?.session.low } }
        #expect(read.sorted() == Array(1...130))
    }

    /// Without an asset, or without money, records wait, and the rest goes on.
    @Test func nothingIsSentBeforeTheStationIsRegistered() async throws {
        let chain = try LedgerChain()
        let desk = await Desk(chain, patience: 0, isListed: false)
        await desk.end(1...2)
        try await desk.goOn(5)
        #expect(await chain.submitted.isEmpty)
        #expect(try await desk.queue.underway().isEmpty, "what is not sent is not bound together yet")
        await desk.purse.say(StationListing(facts: AssetFacts(), tariffs: []))
        try await desk.goOn(6)
        #expect(await desk.commitments.latest.map(\.records) == [2])
    }

    @Test func withoutMoneyTheyWaitAndTheOwnerIsTold() async throws {
        let chain = try LedgerChain(stationBalance: QLC(units: 420_000))
        let desk = await Desk(chain, patience: 0)
        try await desk.goOn(3)
        await desk.end(1...2)
        try await desk.goOn(3)
        #expect(await desk.commitments.count == 0)
        #expect(await chain.submitted.map(\.transaction.payload.kind) == [.registerAsset], "the money was enough for that")
        #expect(await desk.settler.status.trouble?.contains("send some") == true)
        try await chain.run(.transfer(Transfer(to: chain.station, amount: .qlc(1))), by: LedgerChain.other)
        try await desk.goOn(4)
        #expect(await desk.commitments.latest.map(\.records) == [2])
        #expect(await desk.settler.status.trouble == nil)
    }

    /// The power goes after every step in turn, and each record is in one commitment.
    @Test(arguments: ["taken", "signed", "lost", "final", "told"]) func aCrashCommitsNothingTwice(_ step: String) async throws {
        let chain = try LedgerChain()
        var desk = await Desk(chain, patience: 0)
        try await desk.goOn(3)
        await desk.end(1...3)
        switch step {
        case "taken":  // and not sent: the disk is full
            await desk.store.fill(true)
            await desk.settler.look()
            #expect(try await desk.queue.underway().count == 3)
            await desk.store.fill(false)
        case "lost":
            await chain.turn(deaf: true)
            await desk.settler.look()
            await chain.turn(deaf: false)
            await chain.forgetPool()
        default: await desk.settler.look()
        }
        await desk.end(4...4)
        if step == "final" || step == "told" { try await chain.makeBlock() }
        if step == "told" { await desk.settler.look() }
        await desk.restart()
        try await desk.goOn(6)
        let done = await desk.commitments
        #expect(done.latest.map(\.records) == [3, 1] && done.count == 2)
        #expect(await desk.queue.isEmpty)
    }

    /// It expires, or another transaction takes its place: the same records go again.
    @Test func whatNoBlockTookIsSentAgain() async throws {
        let chain = try LedgerChain()
        let desk = await Desk(chain, patience: 0)
        try await desk.goOn(3)
        await desk.end(1...3)
        await chain.turn(deaf: true)
        try await desk.goOn(1, every: 3_600_000)
        #expect(await desk.commitments.count == 0)
        await chain.turn(deaf: false)
        await desk.end(4...5)
        try await desk.goOn(6)
        #expect(await desk.commitments.latest.map(\.records) == [3, 2])
    }

    /// Money first: a payer's close takes the place of a commitment that waits.
    @Test func aCommitmentGivesWayToMoney() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(20))
        let desk = await Desk(chain, patience: 0)
        try await desk.goOn(3)
        await desk.end(1...3)
        await desk.settler.look()
        await chain.forgetPool()
        await desk.purse.put(chain.voucher(channel, .qlc(5), 1))
        try await chain.run(.closeChannel(CloseChannel(channel.id)), by: LedgerChain.payer)
        try await desk.goOn(8)
        #expect(await chain.channel(channel.id)?.settled == .qlc(5))
        #expect(await desk.commitments.latest.map(\.records) == [3])
    }

    @Test func aDiskThatFailsIsTroubleAndNoEnd() async throws {
        let chain = try LedgerChain()
        let desk = await Desk(chain, patience: 0)
        try await desk.goOn(3)
        await desk.end(1...1)
        await desk.queue.fail(true)
        try await desk.goOn(2)
        #expect(await desk.settler.status.trouble?.contains("broken") == true)
        await desk.queue.fail(false)
        try await desk.goOn(3)
        #expect(await desk.commitments.count == 1)
    }
}

/// A queue in memory that outlives the settlers of a test.
private actor MemoryQueue: UsageQueue {
    private var all: [(usage: UncommittedUsage, since: UInt64?)] = []
    private var taken = 0
    private var isBroken = false

    func add(_ usage: UncommittedUsage) { all.append((usage, nil)) }
    func fail(_ isBroken: Bool) { self.isBroken = isBroken }
    var isEmpty: Bool { all.isEmpty }

    private func check() throws(StorageError) {
        if isBroken { throw StorageError(.other, "the disk is broken") }
    }

    func underway() throws(StorageError) -> [UncommittedUsage] {
        try check()
        return all.prefix(taken).map(\.usage)
    }

    func waiting(at time: UInt64) throws(StorageError) -> (count: Int, since: UInt64) {
        try check()
        for index in all.indices.dropFirst(taken) { all[index].since = all[index].since ?? time }
        return (all.count - taken, all.dropFirst(taken).compactMap(\.since).min() ?? time)
    }

    func take(_ limit: Int) throws(StorageError) -> [UncommittedUsage] {
        precondition(taken == 0, "one commitment at a time")
        taken = min(limit, all.count)
        return try underway()
    }

    func committed() throws(StorageError) {
        try check()
        all.removeFirst(taken)
        taken = 0
    }
}
