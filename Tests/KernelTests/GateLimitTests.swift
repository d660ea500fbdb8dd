import HAL
import Lab
import LinuxHAL
import Primitives
import Testing

/// No byte past the quota, and none of it lost.
@Suite(kernelTests, .serialized)
struct GateLimitTests {
    /// 1,000 bytes of payload over UDP.
    static func packetBytes(_ family: Family) -> UInt64 { 1_000 + 8 + family.headerBytes }

    struct Case: Sendable, CustomTestStringConvertible {
        var direction: Traffic.Direction
        var family: Family
        var rate: UInt64?
        var testDescription: String { "\(direction) over IP\(family)" + (rate == nil ? " at full speed" : "") }
    }
    static let cases = [Traffic.Direction.send, .download].flatMap { direction in
        Family.allCases.flatMap {
            [Case(direction: direction, family: $0, rate: 20_000_000), Case(direction: direction, family: $0)]
        }
    }

    @Test(arguments: cases)
    func cutOffIsWithinOnePacketOfTheLimit(_ item: Case) async throws {
        try await withGate { lab, gate in
            let limit: UInt64 = 2_000_500
            try await gate.apply([.serve(.of(lab.clients[0], mark: 7, limit: limit))])
            let wire = try WireCounter(lab)
            let traffic = Traffic(item.direction, bytes: 5_000_000, size: 1_000, rate: item.rate, idle: 0.5)
            _ = try await lab.move(traffic, client: 0, over: item.family)
            let counted = try await gate.reading(7)
            let total = counted.bytesUp + counted.bytesDown
            #expect(total <= limit)
            #expect(total + Self.packetBytes(item.family) >= limit)
            let carried = try wire.carriedAtLast(client: 0)
            #expect(carried.up == counted.bytesUp)
            // At full speed the client's own socket may overflow, but only after its interface has counted.
            #expect(carried.down == counted.bytesDown)
        }
    }

    @Test(arguments: Family.allCases)
    func dropsAfterTheCutOffDoNotEatTheNextTopUp(family: Family) async throws {
        try await withGate { lab, gate in
            let client = lab.clients[0]
            var limit: UInt64 = 500_000
            try await gate.apply([.serve(.of(client, mark: 7, limit: limit))])
            for _ in 0..<5 {
                // Three times the limit each time: two thirds are dropped.
                _ = try await lab.move(Traffic(.send, bytes: 1_500_000, size: 1_000), client: 0, over: family)
                let counted = try await gate.reading(7)
                #expect(counted.bytesUp <= limit)
                #expect(counted.bytesUp + Self.packetBytes(family) >= limit)
                limit += 500_000
                try await gate.apply([.serve(.of(client, mark: 7, limit: limit))])
            }
        }
    }

    @Test func topUpsUnderAFloodNeverLeaveThePayingClientOut() async throws {
        try await withGate { lab, gate in
            let client = lab.clients[0]
            let flood = try lab.start(Traffic(.send, seconds: 60, size: 64), client: 0, over: .v4)
            defer { flood.close() }
            var limit: UInt64 = 20_000
            try await gate.apply([.serve(.of(client, mark: 7, limit: limit))])
            for step in 0..<60 {
                try await waitUntil("cut-off \(step)", timeout: .seconds(10)) {
                    try await gate.reading(7).bytesUp + 92 >= limit
                }
                let counted = try await gate.reading(7)
                #expect(counted.bytesUp <= limit)
                limit += 20_000
                // Other changes make the commit longer, and so the moment between element and limit.
                let others = (0..<50).map { number -> GateChange in
                    .serve(
                        GateEntry(
                            mark: mark(UInt32(1_000 + step * 50 + number)), port: "lan0",
                            mac: MACAddress(value: 0x02aa_0000_0000),
                            addresses: [], byteLimit: 1, lease: nil))
                }
                try await gate.apply([.serve(.of(client, mark: 7, limit: limit))] + others)
            }
        }
    }

    @Test func raisingALimitJustWhenItIsReachedLeavesTheClientIn() async throws {
        try await withGate { lab, gate in
            let client = lab.clients[0]
            let flood = try lab.start(Traffic(.send, seconds: 60, size: 64), client: 0, over: .v4)
            defer { flood.close() }
            var limit: UInt64 = 20_000
            try await gate.apply([.serve(.of(client, mark: 7, limit: limit))])
            for step in 0..<1_000 {
                try await waitUntil("step \(step)", timeout: .seconds(5), every: .microseconds(50)) {
                    try await gate.reading(7).bytesUp + 6_000 >= limit
                }
                limit += 20_000
                try await gate.apply([.serve(.of(client, mark: 7, limit: limit))])
            }
            // A packet that was dropped just as the last raise came would be made good with the next one.
            try await waitUntil("the cut-off") { try await gate.reading(7).bytesUp + 2 * 92 >= limit }
            #expect(try await gate.reading(7).bytesUp <= limit)
        }
    }

    @Test(arguments: [Traffic.Direction.send, .download])
    func raisingALimitInTimeLosesNoPacket(direction: Traffic.Direction) async throws {
        try await withGate { lab, gate in
            let client = lab.clients[0]
            var limit: UInt64 = 4_000_000
            try await gate.apply([.serve(.of(client, mark: 7, limit: limit, lease: .seconds(30)))])
            let wire = try WireCounter(lab)
            let stream = try lab.start(Traffic(direction, bytes: 8_000_000, size: 200, rate: 4_000_000), client: 0, over: .v4)
            defer { stream.close() }
            while stream.isRunning {
                let counted = try await gate.reading(7)
                limit = max(limit, counted.bytesUp + counted.bytesDown + 4_000_000)
                try await gate.apply([.serve(.of(client, mark: 7, limit: limit, lease: .seconds(30)))])
            }
            // A busy machine's own queues may overflow on the way, so the gate is asked what it refused.
            let report = try TrafficReport(await stream.wait())
            #expect(try lab.router.count(of: "gate_drop", in: "gate").packets == 0)
            #expect(report.packets > 39_000)
            let carried = try wire.carriedAtLast(client: 0)
            let counted = try await gate.reading(7)
            #expect(counted.bytesUp == carried.up)
            #expect(counted.bytesDown == carried.down)
        }
    }

    @Test func theLimitCanBeLowered() async throws {
        try await withGate { lab, gate in
            let client = lab.clients[0]
            try await gate.apply([.serve(.of(client, mark: 7, limit: 100_000_000))])
            try #require(try await lab.move(Traffic(.send, bytes: 100_000, size: 1_000), client: 0).ended == .complete)
            try await gate.apply([.serve(.of(client, mark: 7, limit: 200_000))])
            _ = try await lab.move(Traffic(.send, bytes: 500_000, size: 1_000), client: 0)
            let first = try await gate.reading(7).bytesUp
            #expect(first <= 200_000 && first + 1_028 >= 200_000)
            #expect(try lab.router.count(of: "gate_drop", in: "gate").packets > 0)
            // Below what is used already: nothing passes, nothing is lost.
            try await gate.apply([.serve(.of(client, mark: 7, limit: 50_000))])
            _ = try await lab.move(Traffic(.send, bytes: 500_000, size: 1_000), client: 0)
            let second = try await gate.reading(7).bytesUp
            #expect(second == first)
            try await gate.apply([.serve(.of(client, mark: 7, limit: 0))])
            try await gate.apply([.serve(.of(client, mark: 7, limit: 400_000))])
            _ = try await lab.move(Traffic(.send, bytes: 500_000, size: 1_000), client: 0)
            let third = try await gate.reading(7).bytesUp
            #expect(third <= 400_000 && third + 1_028 >= 400_000)
        }
    }

    @Test func limitedAndUnlimitedCanBeSwitchedWithoutLosingCount() async throws {
        try await withGate { lab, gate in
            let client = lab.clients[0]
            try await gate.apply([.serve(.of(client, mark: 7))])
            let wire = try WireCounter(lab)
            let stream = try lab.start(Traffic(.send, packets: 30_000, size: 200, rate: 4_000_000), client: 0, over: .v6)
            defer { stream.close() }
            var isLimited = false
            while stream.isRunning {
                isLimited.toggle()
                try await gate.apply([.serve(.of(client, mark: 7, limit: isLimited ? 50_000_000 : nil))])
            }
            let carried = try wire.carriedAtLast(client: 0)
            #expect(carried.packetsUp == 30_000)
            let counted = try await gate.reading(7)
            #expect(counted.bytesUp == carried.up)
            // The quota saw all of it: a limit set now is kept to the packet.
            let limit = counted.bytesUp + 100_000
            try await gate.apply([.serve(.of(client, mark: 7, limit: limit))])
            _ = try await lab.move(Traffic(.send, bytes: 500_000, size: 1_000), client: 0, over: .v6)
            let last = try await gate.reading(7).bytesUp
            #expect(last <= limit && last + 1_048 >= limit)
        }
    }
}
