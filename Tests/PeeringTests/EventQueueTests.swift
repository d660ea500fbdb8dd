import Primitives
import Testing

@testable import Peering

@Suite struct EventQueueTests {
    /// Senders and the reader are cancelled while others are served: each of them goes on.
    @Test(.timeLimit(.minutes(1)), arguments: 0..<60) func whoIsCancelledHoldsNobodyUp(round: Int) async throws {
        let queue = EventQueue(events: 2, bytes: 1 << 20)
        let key = try #require(PrivateKey(seed: [UInt8](repeating: 7, count: 32)))
        let event = PeerEvent.received(key.publicKey, type: FrameType.firstOfOthers, [1])
        for _ in 0..<300 {
            let received = await withTaskGroup(of: Int.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        for _ in 0..<20 { await queue.send(event) }
                        return 0
                    }
                }
                group.addTask {
                    var count = 0
                    while await queue.next() != nil { count += 1 }
                    return count
                }
                for _ in 0..<round % 7 { await Task.yield() }
                group.cancelAll()
                return await group.reduce(0, +)
            }
            #expect(received <= 32 * 20)
        }
    }
}
