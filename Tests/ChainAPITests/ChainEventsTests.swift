import BoundedJSON
import Chain
import ChainAPI
import Consensus
import Ledger
import Node
import Primitives
import Testing
import ToyLedger

@Suite struct ChainEventsTests {
    /// One event as the WHATWG's rules read it.
    struct Event: Hashable {
        var name = ""
        var id: String?
        var data: JSONValue = .null
    }

    static func read(_ text: String) throws -> [Event] {
        #expect(text.hasSuffix("\n\n"), "an event that does not end is not dispatched")
        return try text.split(separator: "\n\n").map { block in
            var event = Event()
            for line in block.split(separator: "\n") {
                let parts = line.split(separator: ":", maxSplits: 1)
                let value = String(parts[1].dropFirst())
                switch parts[0] {
                case "event": event.name = value
                case "id": event.id = value
                case "data": event.data = try JSONValue(bytes: Array(value.utf8))
                default: Issue.record("a field \(parts[0])")
                }
            }
            return event
        }
    }

    private static func follow(
        _ chain: SmallChain, _ watch: ChainWatch? = nil, after last: UInt64? = nil
    ) async throws -> ChainEvents.AsyncIterator {
        await ChainEvents(of: chain.source, history: chain.history, watch: try watch ?? ChainWatch(), after: last)
            .makeAsyncIterator()
    }

    @Test func aFollowerHearsOfBlocksFromNowOn() async throws {
        let chain = try await SmallChain()
        var events = try await Self.follow(chain)
        try await chain.makeBlock()
        let event = try Self.read(try #require(await events.next())).first
        let head = await chain.source.state.head
        #expect(event?.name == "block" && event?.id == "4" && event?.data["block_id"] == .id(head.block))
        #expect(event?.data["transactions"] == .integer(1) && event?.data["refused"] == .integer(0))
        await chain.history.end()
        #expect(await events.next() == nil)
    }

    @Test func watchedAccountsAndChannelsAreToldBeforeTheirBlock() async throws {
        let chain = try await SmallChain()
        let payee = chain.source.keys[4].publicKey
        var events = try await Self.follow(chain, ChainWatch(accounts: [payee], channels: [chain.channel]))
        try await chain.source.offer(.topUpChannel(TopUpChannel(chain.channel, by: QLC("2")!)), by: 7)
        try await chain.source.offer(.transfer(Transfer(to: chain.source.keys[0].publicKey, amount: QLC("1")!)), by: 5)
        try await chain.makeBlock()
        let told = try Self.read(try #require(await events.next()))
        #expect(Set(told.dropLast().map(\.name)) == ["receipt", "channel"] && told.count == 3, "the third is nobody's")
        #expect(told.last?.name == "block" && told.dropLast().allSatisfy { $0.id == nil })
        let channel = told.first { $0.name == "channel" }?.data
        #expect(channel?["channel"] == .id(chain.channel) && channel?["transaction"]?["kind"] == .text("top_up_channel"))
        #expect(told.first { $0.name == "receipt" }?.data["id"] == .id(chain.waiting))
    }

    @Test func whoComesBackMissesNothing() async throws {
        let chain = try await SmallChain()
        var events = try await Self.follow(chain, ChainWatch(accounts: [chain.source.keys[7].publicKey]), after: 1)
        try await chain.makeBlock()
        var told: [Event] = []
        for _ in 2...4 { told += try Self.read(try #require(await events.next())) }
        #expect(told.map(\.id) == [nil, "2", "3", "4"] && told.first?.data["id"] == .id(chain.refused))
    }

    @Test func whatIsNotKeptIsAGap() async throws {
        let chain = try await SmallChain()
        await chain.source.forgetBlocks(before: 3)
        var events = try await Self.follow(chain, after: 0)
        let gap = try Self.read(try #require(await events.next())).first
        #expect(gap?.name == "gap" && gap?.id == "2")
        #expect(gap?.data == .object(["from_height": .integer(1), "to_height": .integer(2)]))
        #expect(try Self.read(try #require(await events.next())).first?.id == "3")
    }

    @Test func aFollowerThatLagsIsToldWhatWasDropped() async throws {
        let chain = try await SmallChain()
        var events = try await Self.follow(chain)
        for _ in 0..<100 { try await chain.makeBlock() }
        for height in 4...103 { #expect(try Self.read(try #require(await events.next())).last?.id == "\(height)") }
    }

    @Test func whoIsAheadWaits() async throws {
        let chain = try await SmallChain()
        var events = try await Self.follow(chain, after: 4)
        try await chain.makeBlock()
        try await chain.makeBlock()
        #expect(try Self.read(try #require(await events.next())).first?.id == "5")
        var never = try await Self.follow(chain, after: .max)
        try await chain.makeBlock()
        await chain.history.end()
        #expect(await never.next() == nil)
    }

    private static func name(_ height: UInt64) -> Bytes32 {
        TaggedHash.digest(tag: "test", [UInt8(height >> 8), UInt8(height & 255)])
    }

    @Test func watchesAreReadAndBounded() async throws {
        let chain = try await SmallChain()
        let (genesis, address) = (chain.source.genesis, try #require(chain.address(4).text))
        let watch = try ChainWatch(accounts: [address], channels: ["\(chain.channel)"], of: genesis)
        #expect(watch.accounts == [chain.source.keys[4].publicKey] && watch.channels == [chain.channel])
        #expect(throws: Fault.self) { try ChainWatch(accounts: [String(address.dropLast())], channels: [], of: genesis) }
        #expect(throws: Fault.self) { try ChainWatch(accounts: [], channels: ["ff"], of: genesis) }
        let names = (1...65 as ClosedRange<UInt64>).map { Self.name($0).description }
        #expect(throws: Never.self) { try ChainWatch(accounts: [], channels: names.dropLast(), of: genesis) }
        #expect(throws: Fault.self) { try ChainWatch(accounts: [], channels: names, of: genesis) }
    }

    @Test func historyFollowsItsSource() async throws {
        let chain = try await SmallChain()
        let history = ChainHistory()
        async let following: Void = history.follow(chain.source)
        for _ in 0..<1_000 {
            try await chain.source.makeBlock()
            if await history.receipts(at: chain.source.state.head.height) != nil { break }
            await Task.yield()
        }
        let height = await chain.source.state.head.height
        await chain.source.end()
        await following
        #expect(await history.receipts(at: height) != nil)
    }

    @Test func historyIsBounded() async throws {
        let history = ChainHistory()
        for height in 1...UInt64(ChainHistory.heightsLimit + 10) {
            var block = Block()
            block.header.height = height
            let receipts = [Receipt(Self.name(height), fee: .zero, refusal: nil)]
            await history.note(ChainService.FinalBlock(certified: CertifiedBlock(block, Commit()), receipts: receipts))
        }
        for (height, isKept) in [(10, false), (11, true)] as [(UInt64, Bool)] {
            #expect((await history.receipts(at: height) != nil) == isKept)
            #expect(await history.place(of: Self.name(height))?.height == (isKept ? height : nil))
        }
    }
}
