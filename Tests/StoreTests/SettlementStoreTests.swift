import Charging
import Foundation
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

    /// Whom the owner chose, what the stake stood at, and what each day brought.
    @Test func rewardsOutliveTheProgramAndAreCountedByDays() async throws {
        let scratch = Scratch()
        var book = RewardBook(on: channelID(9))
        (book.owed, book.number, book.underway) = (QLC(units: 5), 3, channelID(1))
        book.holdings = [StakeHolding(delegate: PublicKey(), shares: .max, unclaimed: QLC(units: 8), paidIndex: .max)]
        let order = OwnerOrder(channelID(1), on: channelID(9), .restake(with: PublicKey(), amount: QLC(units: 7)), at: 3)
        do {
            let store = try scratch.open()
            try await store.remember([.choice(.nobody), .rewards(RewardBook(on: channelID(9)), came: QLC(units: 2), day: 20_000)])
            try await store.remember([
                .choice(.delegate(PublicKey())), .order(order), .rewards(book, came: QLC(units: 3), day: 20_001),
                .rewards(book, came: QLC(units: 4), day: 20_001), .rewards(book, came: .zero, day: 0),
            ])
        }
        let store = try scratch.open()
        let memory = try await store.recall()
        #expect(memory.choice == .delegate(PublicKey()) && memory.rewards == book && memory.orders == [order])
        #expect(try await store.rewards(on: channelID(9), since: 0) == QLC(units: 9))
        #expect(try await store.rewards(on: channelID(9), since: 20_001) == QLC(units: 7))
        #expect(try await store.rewards(on: channelID(9), since: 20_002) == .zero)
        #expect(try await store.rewards(on: channelID(8), since: 0) == .zero)
    }

    /// What was written before there was stake is read as it was.
    @Test func ordersOfTheVersionBeforeAreRead() throws {
        let id = channelID(1), key = PublicKey()
        let before = """
            {"id":"\(id)","chainID":"\(channelID(9))","deed":{"pay":{"to":"\(key)","amount":"0.00000007"}},"askedAt":3,\
            "state":"sent","sent":["\(channelID(2))"],"sequence":4,"fee":"0.00010000","validUntil":9,"signedAt":1}
            """
        let order = try JSONDecoder().decode(OwnerOrder.self, from: Data(before.utf8))
        #expect(order.deed == .pay(to: key, amount: QLC(units: 7)) && order.sequence == 4 && order.sharesBefore == nil)
        let close = before.replacing(#/"pay":\{[^}]*\}/#, with: "\"close\":{\"_0\":\"\(channelID(5))\"}")
        #expect(try JSONDecoder().decode(OwnerOrder.self, from: Data(close.utf8)).deed == .close(channelID(5)))
    }
}
