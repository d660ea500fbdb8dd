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
}
