import Charging
import Primitives
import Testing

@testable import Store

@Suite struct ChannelBookTests {
    private let scratch = Scratch()
    private let events: [ChannelEvent] = [
        .opened(channel(1)), .opened(channel(2)), .toppedUp(channelID(1), deposit: QLC("200")!), .closed(channelID(2)),
    ]

    @Test func theBookTellsWhatWasWrittenInOrder() async throws {
        let store = try scratch.open()
        for event in events { try await store.append(event) }
        #expect(try await store.channelEvents() == events)
    }

    @Test(arguments: [
        ("UPDATE channel_book SET event = replace(event, '200.0', '900.0') WHERE sequence = 3", 3),
        ("UPDATE channel_book SET signature = zeroblob(64) WHERE sequence = 2", 2),
        ("UPDATE channel_book SET hash = zeroblob(32) WHERE sequence = 4", 4),
        ("DELETE FROM channel_book WHERE sequence = 1", 1),
        ("DELETE FROM channel_book WHERE sequence = 3", 3),
        ("UPDATE channel_book SET sequence = 9 WHERE sequence = 4", 4),
    ])
    func aChangedEntryIsNamed(_ sql: String, _ entry: Int) async throws {
        let store = try scratch.open()
        for event in events { try await store.append(event) }
        try await store.run(sql)
        let error = await #expect(throws: StorageError.self) { try await store.channelEvents() }
        #expect(error?.kind == .corrupt)
        #expect(error?.description.contains("entry \(entry) of the channel book in \(scratch.database)") == true)
    }

    @Test func aBookOfAnotherStationIsRefused() async throws {
        try await scratch.open().append(events[0])
        let other = try StationStore(directory: scratch.path, key: PrivateKey(seed: [UInt8](repeating: 8, count: 32))!)
        await #expect(throws: StorageError.self) { try await other.channelEvents() }
    }

    @Test func whoListensHearsThePastThenThePresent() async throws {
        let book = LocalChannelBook(store: try scratch.open())
        for event in events.prefix(2) { try await book.append(event) }
        var heard = try await book.events().makeAsyncIterator()
        for event in events.dropFirst(2) { try await book.append(event) }
        for event in events { #expect(await heard.next() == event) }
    }

    @Test func anOlderVoucherSettlesNothing() async throws {
        let store = try scratch.open()
        let book = LocalChannelBook(store: store)
        for sequence in [3, 5, 4, 5, 1] as [UInt64] { try await book.settle(voucher(1, sequence: sequence)) }
        try await book.settle(voucher(2, sequence: 0))
        let settled = try await store.settlements().sorted { $0.claim.sequence < $1.claim.sequence }
        #expect(settled == [voucher(2, sequence: 0), voucher(1, sequence: 5)])
    }
}
