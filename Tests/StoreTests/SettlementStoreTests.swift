import Charging
import Primitives
import Store
import Testing

@Suite struct SettlementStoreTests {
    @Test func whatIsUnderWayOutlivesTheProgram() async throws {
        let scratch = Scratch()
        let sent = [SentTransaction(sequence: .max, bytes: [1, 2, 3]), SentTransaction(sequence: .max, bytes: [4])]
        do {
            let store = try scratch.open()
            #expect(try await store.recall() == SettlementMemory())
            try await store.remember([
                .unsettled(channelID(1), since: 7), .unsettled(channelID(2), since: 8), .sent([sent[1]]), .sent(sent),
            ])
            try await store.remember([.unsettled(channelID(2), since: nil), .unsettled(channelID(1), since: 9)])
        }
        do {
            let store = try scratch.open()
            let memory = try await store.recall()
            #expect(memory.sent == sent && memory.unsettledSince == [channelID(1): 9])
            try await store.remember([.sent([])])
        }
        #expect(try await scratch.open().recall().sent.isEmpty)
    }

    /// Those that are open are recalled; those that are done are found, for ever.
    @Test func ordersOutliveTheProgram() async throws {
        let scratch = Scratch()
        var paid = OwnerOrder(channelID(1), on: channelID(9), .pay(to: PublicKey(), amount: QLC(units: 7)), at: 3)
        let close = OwnerOrder(channelID(2), on: channelID(9), .close(channelID(5)), at: 4)
        do {
            let store = try scratch.open()
            try await store.remember([.order(paid), .order(close)])
            #expect(try await store.recall().orders == [paid, close])
            (paid.state, paid.sent, paid.fee, paid.height) = (.done, [channelID(3), channelID(4)], QLC(units: 1), .max >> 1)
            try await store.remember([.order(paid)])
        }
        let store = try scratch.open()
        #expect(try await store.recall().orders == [close])
        #expect(try await store.order(paid.id) == paid)
        #expect(try await store.order(channelID(7)) == nil)
    }
}
