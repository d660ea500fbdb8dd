import Primitives
import Testing

@testable import Netlink

/// Messages as the kernel sends them, and as no kernel would.
struct DecodingTests {
    private func payload(_ datagram: [UInt8]) -> [UInt8] { Array(datagram.dropFirst(Message.headerSize)) }

    @Test func linkIsRead() throws {
        let link = try #require(LinkMessage.decode(payload: payload(Captured.link)))
        #expect(link.name == "lan0")
        #expect(link.index == 3)
        #expect(link.mac == MACAddress("02:00:00:00:00:01"))
        #expect(link.isUp && link.hasCarrier)
        #expect(link.mtu == 1_500)
        #expect(link.bytesReceived == 180 && link.bytesSent == 180)
    }

    @Test func neighboursAreRead() throws {
        let events = RouteEvent.decode(datagram: Captured.neighbours)
        #expect(events.count == 3)
        guard case .neighbour(let first) = events[0], case .neighbour(let multicast) = events[1],
            case .neighbour(let third) = events[2]
        else {
            Issue.record("\(events)")
            return
        }
        #expect(first.address == IPAddress("10.77.0.10") && third.address == IPAddress("fd77::10"))
        #expect(first.mac == MACAddress("02:00:00:00:00:10") && third.mac == first.mac)
        #expect(first.isPermanent && first.isKnown && first.index == 3)
        #expect(!multicast.isKnown)
    }

    @Test func countersOfElementsAreRead() throws {
        let elements = try #require(ReceivedElement.decode(payload: payload(Captured.accounts)))
        #expect(elements.map(\.element.key) == [[5, 0, 0, 0], [5, 0, 0, 0x80]])
        #expect(elements.map(\.counter) == [NetfilterCounter(bytes: 4242, packets: 7), NetfilterCounter(bytes: 0, packets: 0)])
    }

    @Test func keysAndValuesOfMapsAreRead() throws {
        let elements = try #require(ReceivedElement.decode(payload: payload(Captured.bindings)))
        #expect(
            elements.map(\.element) == [
                SetElement(key: [3, 0, 0, 0, 2, 0, 0, 0, 0, 0x10, 0, 0, 10, 77, 0, 10], data: [5, 0, 0, 0])
            ])
        let live = try #require(ReceivedElement.decode(payload: payload(Captured.live)))
        #expect(live.map(\.element) == [SetElement(key: [5, 0, 0, 0], timeoutMilliseconds: 60_000)])
    }

    @Test func quotaIsRead() throws {
        let quota = try #require(QuotaObject.decode(payload: payload(Captured.quota)))
        #expect(quota.name == "q5" && quota.limit == 100_000_000 && quota.consumed == 4_242 && !quota.isDepleted)
    }

    @Test func refusalsKeepTheKernelsWords() throws {
        let plain = try #require(Acknowledgement.decode(datagram: Captured.refusal))
        #expect(plain.errno == 2 && plain.detail == nil && plain.offset == 20)
        let spoken = try #require(Acknowledgement.decode(datagram: Captured.refusalWithWords))
        #expect(spoken.errno == 34 && spoken.detail == "Attribute failed policy validation" && spoken.offset == 32)
    }

    /// Reads `bytes` as everything that it could be taken for.
    private func readAsAnything(_ bytes: [UInt8]) {
        _ = Acknowledgement.decode(datagram: bytes)
        _ = RouteEvent.decode(datagram: bytes)
        let payload = payload(bytes)
        for body in [bytes, payload] {
            _ = LinkMessage.decode(payload: body)
            _ = AddressMessage.decode(payload: body)
            _ = NeighbourMessage.decode(payload: body)
            _ = ReceivedElement.decode(payload: body)
            _ = QuotaObject.decode(payload: body)
        }
    }

    @Test func hostileBytesAreRefusedAndNeverTrap() {
        for original in Captured.all {
            for length in 0...original.count { readAsAnything(Array(original.prefix(length))) }
            for index in original.indices {
                for value in [0, 1, 3, 0x7f, 0x80, 0xff, original[index] &+ 1, original[index] &- 1] as [UInt8] {
                    var mutant = original
                    mutant[index] = value
                    readAsAnything(mutant)
                }
            }
        }
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        for _ in 0..<20_000 {
            var mutant = Captured.all[Int(state >> 33) % Captured.all.count]
            for _ in 0..<4 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                mutant[Int(state >> 33) % mutant.count] = UInt8(truncatingIfNeeded: state >> 20)
            }
            readAsAnything(mutant)
        }
    }

    @Test func aMessageThatIsCutShortIsNoticed() {
        WireBytes.read(Array(Captured.neighbours.dropLast(1))) { bytes in
            var messages = Messages(bytes)
            var count = 0
            while messages.next() != nil { count += 1 }
            #expect(count == 2)
            #expect(messages.isBroken)
        }
        #expect(ReceivedElement.decode(payload: Array(payload(Captured.accounts).dropLast(4))) == nil)
    }

    @Test func readsPastTheEndGiveNothing() {
        WireBytes.read([1, 2, 3]) { bytes in
            #expect(bytes.native(UInt32.self) == nil)
            #expect(bytes.native(UInt16.self, at: 2) == nil)
            #expect(bytes.native(UInt16.self, at: -1) == nil)
            #expect(bytes.native(UInt8.self, at: .max) == nil)
            #expect(bytes.slice(at: 1, count: .max) == nil)
            #expect(bytes.slice(at: .max, count: 1) == nil)
            #expect(bytes.slice(at: 3, count: 0)?.count == 0)
            #expect(bytes.dropping(4) == nil)
            #expect(bytes[3] == nil && bytes[-1] == nil)
        }
    }
}
