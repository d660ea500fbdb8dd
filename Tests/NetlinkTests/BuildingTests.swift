import Testing

@testable import Netlink

/// Messages as we send them.
struct BuildingTests {
    private func messages(_ bytes: [UInt8]) -> [(type: Int, flags: Int, sequence: UInt32, payload: [UInt8])] {
        WireBytes.read(bytes) { view in
            Messages(view).map { ($0.type, $0.flags, $0.sequence, $0.payload.array) }
        }
    }

    @Test func attributesArePaddedAndNested() {
        var builder = MessageBuilder()
        builder.message(type: 0x0102, flags: 0x400) { builder in
            builder.nest(5) { builder in
                builder.attribute(1, bytes: [0xaa])
                builder.attribute(2, network: UInt32(0x0102_0304))
            }
            builder.attribute(3, text: "ab")
        }
        #expect(
            builder.bytes == [
                44, 0, 0, 0, 0x02, 0x01, 0x01, 0x04, 0, 0, 0, 0, 0, 0, 0, 0,  // nlmsghdr, NLM_F_REQUEST added
                20, 0, 5, 0x80,  // nested
                5, 0, 1, 0, 0xaa, 0, 0, 0,
                8, 0, 2, 0, 1, 2, 3, 4,
                7, 0, 3, 0, 0x61, 0x62, 0, 0,
            ])
    }

    @Test func whatIsWrittenIsRead() throws {
        var batch = NetfilterBatch(table: "gate")
        let elements = [
            SetElement(key: [1, 2, 3, 4], data: [5, 6, 7, 8], timeoutMilliseconds: 1_500),
            SetElement(key: [9, 9, 9, 9], object: "q9"),
        ]
        batch.add(elements, to: "live")
        let sent = messages(batch.builder.bytes)
        #expect(sent.count == 2)
        let read = try #require(ReceivedElement.decode(payload: sent[1].payload))
        #expect(read.map(\.element) == elements)
    }

    @Test func longListsAreSplitAndNothingIsLost() {
        var batch = NetfilterBatch(table: "gate")
        let elements = (0..<20_000).map { number in
            SetElement(key: withUnsafeBytes(of: UInt32(number)) { Array($0) }, data: [0, 0, 0, 1], timeoutMilliseconds: 60_000)
        }
        batch.add(elements, to: "live")
        #expect(!batch.builder.isTooLong)
        let sent = messages(batch.builder.bytes)
        #expect(sent.count > 10)
        #expect(sent.dropFirst().flatMap { ReceivedElement.decode(payload: $0.payload) ?? [] }.map(\.element) == elements)
        #expect(sent.allSatisfy { $0.payload.count < 1 << 16 })
    }

    @Test func numbersAndTheAnswerAskedForAreWritten() {
        var builder = MessageBuilder()
        for size in 0..<5 { builder.message(type: 7, flags: 0) { $0.append([UInt8](repeating: 1, count: size)) } }
        builder.number(from: .max)
        builder.acknowledge(message: 3)
        let sent = messages(builder.bytes)
        #expect(sent.map(\.sequence) == [.max, 0, 1, 2, 3])
        #expect(sent.map { $0.flags & 4 != 0 } == [false, false, false, true, false])
    }

    @Test func tooLongAnAttributeIsRefusedNotSent() {
        var builder = MessageBuilder()
        builder.message(type: 7, flags: 0) { $0.attribute(1, bytes: [UInt8](repeating: 0, count: 70_000)) }
        #expect(builder.isTooLong)
        var nested = MessageBuilder()
        nested.message(type: 7, flags: 0) { builder in
            builder.nest(1) { builder in for _ in 0..<3 { builder.attribute(2, bytes: [UInt8](repeating: 0, count: 30_000)) } }
        }
        #expect(nested.isTooLong)
    }
}
