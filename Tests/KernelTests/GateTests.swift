import Foundation
import HAL
import Lab
import LinuxHAL
import Primitives
import Testing

/// The promises of the packet gate (docs/architecture.md), on the real kernel.
@Suite(.serialized, .enabled(if: Namespace.isAvailable, "needs root and network namespaces"))
struct GateTests {
    static let rules = try! String(
        contentsOfFile: #filePath.replacing("Tests/KernelTests/GateTests.swift", with: "board/gate.nft"), encoding: .utf8)

    static func gate(_ lab: Topology) -> LinuxPacketGate {
        LinuxPacketGate(
            .init(
                rules: rules, rulesPath: "/tmp/\(lab.router.name).nft", clientPorts: ["lan0"], uplinkPort: "wan0",
                namespace: lab.router.name))
    }

    static func entry(_ mark: UInt32, _ client: Topology.Client, limit: UInt64?, lease: Nanoseconds? = nil) -> GateEntry {
        GateEntry(
            mark: ClientMark(mark)!, port: "lan0", mac: client.mac,
            addresses: Set([client.address(.v4), client.address(.v6)].compactMap(\.self)), byteLimit: limit, lease: lease)
    }

    /// A lab with the gate open in its router and an internet to talk to.
    static func withGate(clients: Int = 2, offload: Bool = false, _ body: (Topology, LinuxPacketGate) async throws -> Void)
        async throws
    {
        try await withTopology(Plan(clients: clients, offload: offload, pinsNeighbours: true)) { lab in
            let gate = gate(lab)
            #expect(try await gate.open() == [])
            let internet = try lab.startInternet()
            try await body(lab, gate)
            withExtendedLifetime(internet) {}
        }
    }

    static func reading(_ gate: LinuxPacketGate, _ mark: UInt32 = 7) async throws -> GateReading {
        try #require(try await gate.readings().first { $0.mark.value == mark })
    }

    @Test(arguments: [(22, false), (1_400, false), (1_400, true)])
    func whatIsCountedIsWhatWasCarried(size: Int, offload: Bool) async throws {
        try await Self.withGate(offload: offload) { lab, gate in
            try await gate.apply([.serve(Self.entry(7, lab.clients[0], limit: nil))])
            let wire = try WireCounter(lab)
            for family in [Family.v4, .v6] {
                for direction in [Traffic.Direction.upload, .download] {
                    _ = try await lab.move(
                        Traffic(direction, packets: 2_000, size: size, rate: 20_000_000), client: 0, over: family)
                }
                _ = try await lab.move(.download(.tcp, bytes: 2_000_000), client: 0, over: family)
            }
            let carried = try await wire.carriedAtLast(client: 0)
            let reading = try await Self.reading(gate)
            #expect(carried.down > 2_000_000)
            #expect(reading.bytesUp == carried.up)
            #expect(reading.bytesDown == carried.down)
            #expect(reading.packetsUp == carried.packetsUp)
            #expect(reading.packetsDown == carried.packetsDown)
        }
    }

    @Test(arguments: [Family.v4, .v6], [Traffic.Direction.download, .send])
    func noByteBeyondTheQuotaAndLessThanAPacketLeft(family: Family, direction: Traffic.Direction) async throws {
        try await Self.withGate { lab, gate in
            let limit: UInt64 = 500_000
            try await gate.apply([.serve(Self.entry(7, lab.clients[0], limit: limit))])
            let wire = try WireCounter(lab)
            _ = try await lab.move(
                Traffic(direction, bytes: 2_000_000, size: 1_000, rate: 4_000_000, idle: 1), client: 0, over: family)
            let carried = try await wire.carriedAtLast(client: 0)
            #expect(carried.up + carried.down <= limit)
            #expect(carried.up + carried.down > limit - 1_100)
            let reading = try await Self.reading(gate)
            #expect(reading.bytesUp + reading.bytesDown == carried.up + carried.down)
        }
    }

    @Test func whatWasRefusedAfterTheCutDoesNotEatTheTopUp() async throws {
        try await Self.withGate { lab, gate in
            let wire = try WireCounter(lab)
            var limit: UInt64 = 0
            for _ in 1...4 {
                limit += 200_000
                try await gate.apply([.serve(Self.entry(7, lab.clients[0], limit: limit))])
                // five times what is paid: the rest is refused
                _ = try await lab.move(Traffic(.send, bytes: 1_000_000, size: 1_000, rate: 10_000_000, idle: 1), client: 0)
                let carried = try await wire.carriedAtLast(client: 0)
                #expect(carried.up <= limit)
                #expect(carried.up > limit - 1_100)
            }
        }
    }

    @Test func aTopUpHasNoGap() async throws {
        try await Self.withGate { lab, gate in
            try await gate.apply([.serve(Self.entry(7, lab.clients[0], limit: 1_000_000, lease: .seconds(5)))])
            let traffic = try lab.start(Traffic(.download, packets: 4_000, size: 500, rate: 1_000_000), client: 0)
            for step in 1...60 {
                try await gate.apply([
                    .serve(Self.entry(7, lab.clients[0], limit: 1_000_000 + UInt64(step) * 50_000, lease: .seconds(5)))
                ])
                try await Task.sleep(for: .milliseconds(25))
            }
            let report = try await TrafficReport(traffic.wait(timeout: .seconds(20)))
            #expect(report.packets == 4_000)
            #expect(report.ended == .complete)
        }
    }

    @Test func theLeaseEndsServiceAndARefreshKeepsIt() async throws {
        try await Self.withGate { lab, gate in
            try await gate.apply([.serve(Self.entry(7, lab.clients[0], limit: nil, lease: .milliseconds(700)))])
            let hello = Traffic(.download, packets: 5, size: 100, idle: 0.5)
            for _ in 1...4 {
                #expect(try await lab.move(hello, client: 0).ended == .complete)
                try await gate.apply([.serve(Self.entry(7, lab.clients[0], limit: nil, lease: .milliseconds(700)))])
                try await Task.sleep(for: .milliseconds(300))
            }
            try await Task.sleep(for: .milliseconds(700))
            #expect(try await lab.move(hello, client: 0).ended != .complete)
        }
    }

    @Test func anUnknownDeviceReachesNothingAndMakesNoConnection() async throws {
        try await Self.withGate { lab, gate in
            let wire = try WireCounter(lab)
            try await gate.apply([.serve(Self.entry(7, lab.clients[0], limit: nil))])
            for family in [Family.v4, .v6] {
                _ = try await lab.move(Traffic(.send, packets: 100, size: 100, idle: 1), client: 1, over: family)
            }
            // a thief: the payer's address under another MAC
            let thief = lab.clients[1].namespace
            let stolen = try #require(lab.clients[0].address(.v4))
            _ = try await thief.run("ip", "addr", "add", "\(stolen)/32", "dev", "eth0")
            let words = Traffic(.send, packets: 100, size: 100, idle: 1).arguments(to: lab.clients[0].server(.v4), port: 9)
            let theft = try thief.start([Products.url("labtraffic").path] + words + ["--bind", "\(stolen)"])
            #expect(try await theft.wait(timeout: .seconds(6)).status == 0)
            #expect(try await wire.carriedAtLast(client: 0).up == 0)
            #expect(try await wire.carriedAtLast(client: 1).up == 0)
            #expect(try await Self.reading(gate).bytesUp == 0)
            let table = try await lab.router.run("cat", "/proc/net/nf_conntrack").stdout
            #expect(!table.contains("src=\(try #require(lab.clients[1].address(.v4)))"))
        }
    }

    @Test func anotherAgentFindsEverythingAsItWas() async throws {
        try await Self.withGate { lab, gate in
            try await gate.apply([
                .serve(Self.entry(7, lab.clients[0], limit: 400_000)), .serve(Self.entry(9, lab.clients[1], limit: nil)),
            ])
            _ = try await lab.move(Traffic(.download, packets: 100, size: 1_000), client: 0)
            let before = try await Self.reading(gate)
            let successor = Self.gate(lab)
            #expect(try await successor.open().map(\.value) == [7, 9])
            #expect(try await Self.reading(successor) == before)
            // it may raise without knowing what its predecessor granted, to the byte
            try await successor.apply([.serve(Self.entry(7, lab.clients[0], limit: 600_000))])
            let wire = try WireCounter(lab)
            _ = try await lab.move(Traffic(.send, bytes: 2_000_000, size: 1_000, rate: 10_000_000, idle: 1), client: 0)
            let total = try await wire.carriedAtLast(client: 0).up + before.bytesUp + before.bytesDown
            #expect(total <= 600_000)
            #expect(total > 600_000 - 1_100)
            try await successor.apply([.stop(ClientMark(7)!)])
            try await successor.apply([.forget(ClientMark(7)!), .forget(ClientMark(9)!)])
            #expect(try await successor.readings().isEmpty)
            #expect(try await Self.gate(lab).open().isEmpty)
        }
    }

    @Test func anAddressBelongsToOneClientAtATime() async throws {
        try await Self.withGate { lab, gate in
            try await gate.apply([.serve(Self.entry(7, lab.clients[0], limit: nil))])
            await #expect(throws: HALError.self) { try await gate.apply([.serve(Self.entry(8, lab.clients[0], limit: nil))]) }
            try await gate.apply([.stop(ClientMark(7)!), .serve(Self.entry(8, lab.clients[0], limit: nil))])
            _ = try await lab.move(Traffic(.download, packets: 10, size: 100), client: 0)
            #expect(try await Self.reading(gate, 8).packetsDown >= 10)
            #expect(try await Self.reading(gate, 7).packetsDown == 0)
        }
    }

    @Test func tenThousandClientsAreAdmittedReadAndForgotten() async throws {
        try await Self.withGate { lab, gate in
            let entries = (1...10_000).map { number in
                GateEntry(
                    mark: ClientMark(UInt32(number))!, port: "lan0", mac: MACAddress(value: 0x0200_0100_0000 + UInt64(number)),
                    addresses: [.v4(0x0a60_0000 + UInt32(number)), .v6(high: 0xfd60 << 48, low: UInt64(number))],
                    byteLimit: 1_000_000, lease: .seconds(600))
            }
            for part in stride(from: 0, to: entries.count, by: 1_000) {
                try await gate.apply(entries[part..<part + 1_000].map { .serve($0) })
            }
            #expect(try await gate.readings().count == 10_000)
            try await gate.apply(entries.map { .forget($0.mark) })
            #expect(try await gate.readings().isEmpty)
        }
    }
}
