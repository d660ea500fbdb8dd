import Foundation
import HAL
import Lab
import LinuxHAL
import Primitives
import Testing

/// Who is served, for how long, and what survives.
@Suite(kernelTests, .serialized)
struct GateServiceTests {
    private func passes(_ lab: Topology, _ client: Int, _ family: Family = .v4) async throws -> Bool {
        try await lab.move(Traffic(.download, packets: 3, size: 100, idle: 0.4), client: client, over: family).ended == .complete
    }

    @Test func serviceEndsWithItsLease() async throws {
        try await withGate { lab, gate in
            let client = lab.clients[0]
            try await gate.apply([.serve(.of(client, mark: 3, lease: .milliseconds(1_500)))])
            #expect(try await passes(lab, 0))
            try await Task.sleep(for: .milliseconds(1_600))
            let before = try await gate.reading(3)
            #expect(try await !passes(lab, 0))
            #expect(try await !passes(lab, 0, .v6))
            let after = try await gate.reading(3)
            #expect(before == after)
            // The lease is the only thing that ended.
            try await gate.apply([.serve(.of(client, mark: 3, lease: .seconds(30)))])
            #expect(try await passes(lab, 0))
        }
    }

    @Test func refreshingALeaseLosesNoPacket() async throws {
        try await withGate { lab, gate in
            let wire = try WireCounter(lab)
            try await gate.apply([.serve(.of(lab.clients[0], mark: 3, limit: 1 << 40, lease: .seconds(5)))])
            let stream = try lab.start(Traffic(.send, packets: 50_000, size: 100, rate: 2_000_000), client: 0)
            defer { stream.close() }
            var refreshes = 0
            while stream.isRunning {
                try await gate.apply([.serve(.of(lab.clients[0], mark: 3, limit: 1 << 40, lease: .seconds(5)))])
                refreshes += 1
            }
            #expect(refreshes > 50)
            let carried = try wire.carriedAtLast(client: 0)
            #expect(carried.packetsUp == 50_000)
        }
    }

    @Test func loadingTheRulesAnewUnderTrafficLosesNothing() async throws {
        try await withGate { lab, gate in
            let wire = try WireCounter(lab)
            try await gate.apply([.serve(.of(lab.clients[0], mark: 3, limit: 1 << 40, lease: .seconds(60)))])
            let stream = try lab.start(Traffic(.send, packets: 50_000, size: 100, rate: 2_000_000), client: 0)
            defer { stream.close() }
            while stream.isRunning {
                let next = LinuxPacketGate.inLab(lab)
                let found = try await next.open()
                #expect(found == [mark(3)])
            }
            let carried = try wire.carriedAtLast(client: 0)
            #expect(carried.packetsUp == 50_000)
            #expect(try await gate.reading(3).packetsUp == 50_000)
        }
    }

    @Test func aNewProcessAdoptsClientsCountersAndLimits() async throws {
        try await withGate { lab, gate in
            let client = lab.clients[0]
            try await gate.apply([.serve(.of(client, mark: 3, limit: 300_000, lease: .seconds(60)))])
            try #require(try await lab.move(Traffic(.send, bytes: 100_000, size: 1_000), client: 0).ended == .complete)
            let before = try await gate.readings()
            let next = LinuxPacketGate.inLab(lab)
            #expect(try await next.open() == [mark(3)])
            #expect(try await next.readings() == before)
            // Applied as before, it stays as before: no byte is given twice.
            try await next.apply([.serve(.of(client, mark: 3, limit: 300_000, lease: .seconds(60)))])
            _ = try await lab.move(Traffic(.send, bytes: 400_000, size: 1_000), client: 0)
            let counted = try await next.reading(3).bytesUp
            #expect(counted <= 300_000 && counted + 1_028 >= 300_000)
            // Another one adopts it cut off, and tops it up.
            let last = LinuxPacketGate.inLab(lab)
            _ = try await last.open()
            try await last.apply([.serve(.of(client, mark: 3, limit: 600_000, lease: .seconds(60)))])
            _ = try await lab.move(Traffic(.send, bytes: 500_000, size: 1_000), client: 0)
            let total = try await last.reading(3).bytesUp
            #expect(total <= 600_000 && total + 1_028 >= 600_000)
        }
    }

    @Test func stopKeepsTheCountersAndForgetRemovesAll() async throws {
        try await withGate { lab, gate in
            let empty = try elements(lab)
            try await gate.apply([.serve(.of(lab.clients[0], mark: 3, limit: 1_000_000, lease: .seconds(60)))])
            #expect(try await passes(lab, 0))
            try await gate.apply([.stop(mark(3))])
            #expect(try await !passes(lab, 0))
            let counted = try await gate.reading(3)
            #expect(counted.packetsDown >= 3)
            try await gate.apply([.stop(mark(3)), .stop(mark(99)), .forget(mark(98))])
            try await gate.apply([.serve(.of(lab.clients[0], mark: 3, limit: 1_000_000, lease: .seconds(60)))])
            #expect(try await passes(lab, 0))
            #expect(try await gate.reading(3).bytesDown > counted.bytesDown)
            try await gate.apply([.forget(mark(3))])
            #expect(try await gate.readings().isEmpty)
            #expect(try elements(lab) == empty)
            #expect(try await !passes(lab, 0))
        }
    }

    /// An element whose lease has ended keeps the quota for a moment: the client is forgotten all the same, and nothing stays.
    @Test func aClientWhoseLeaseHasJustEndedIsForgotten() async throws {
        try await withGate { lab, gate in
            let empty = try elements(lab)
            for number: UInt32 in 1...5 {
                var entry = GateEntry.of(lab.clients[0], mark: number, limit: 1_000, lease: .milliseconds(50))
                if number > 1 { entry.addresses = [] }
                try await gate.apply([.serve(entry)])
            }
            try await Task.sleep(for: .milliseconds(80))
            try await gate.apply((1...5).map { .forget(mark($0)) })
            #expect(try await gate.readings().isEmpty)
            // The kernel collects what has expired once a second, and starts anew when the table changes meanwhile: it is let alone.
            try await waitUntil("the quotas to go", timeout: .seconds(30), every: .seconds(3)) {
                try await gate.apply([])
                return try !lab.router.run("nft", "list", "quotas").stdout.contains("bytes")
            }
            #expect(try elements(lab) == empty)
        }
    }

    /// The table as text, without what unknown devices leave in it.
    private func elements(_ lab: Topology) throws -> String {
        try lab.router.run("nft", "reset", "counters")
        for set in ["knock", "refused", "seen4", "seen6"] { try lab.router.run("nft", "flush", "set", "inet", "gate", set) }
        return try lab.router.run("nft", "list", "table", "inet", "gate").stdout
    }

    @Test func anUnknownDeviceReachesNothingAndMakesNoConnectionEntry() async throws {
        try await withGate(clients: 2) { lab, gate in
            try await gate.apply([.serve(.of(lab.clients[0], mark: 3))])
            let wire = try WireCounter(lab)
            for family in Family.allCases {
                for transport in Traffic.Transport.allCases {
                    let report = try await lab.move(
                        Traffic(.upload, over: transport, bytes: 1_000, idle: 0.3), client: 1, over: family)
                    #expect(report.ended == .noAnswer)
                }
                _ = try await lab.move(Traffic(.send, packets: 500, size: 100), client: 1, over: family)
            }
            #expect(try wire.carried(client: 1) == Carried())
            let entries = try lab.router.run("cat", "/proc/sys/net/netfilter/nf_conntrack_count").stdout
            #expect(entries == "0\n")
            // The other way round, to know that it is counted at all.
            #expect(try await passes(lab, 0))
            #expect(try lab.router.run("cat", "/proc/sys/net/netfilter/nf_conntrack_count").stdout != "0\n")
        }
    }

    /// What a client newly sends from is told; what it cannot have on this link is not.
    @Test(arguments: Family.allCases) func newAddressesAreSeen(family: Family) async throws {
        try await withGate { lab, gate in
            let client = lab.clients[0]
            try await gate.apply([.serve(.of(client, mark: 3))])
            #expect(try await passes(lab, 0, family))
            #expect(try await gate.newcomers().isEmpty)
            let program = try Products.url("labtraffic").path
            let (new, foreign) = family == .v4 ? ("10.77.0.77", "192.0.2.77") : ("fd77::77", "2001:db8::77")
            for address in [new, foreign] {
                let option = family == .v4 ? [] : ["nodad"]
                try client.namespace.run(
                    ["ip", "address", "add", address + "/\(family == .v4 ? 32 : 128)", "dev", "eth0"] + option)
                try client.namespace.run([program, "send", "\(client.server(family))", "9", "--packets", "3", "--bind", address])
            }
            let found = try await gate.newcomers()
            let expected = [Neighbour(port: "lan0", mac: client.mac, address: try #require(IPAddress(new)))]
            #expect(found == expected)
        }
    }

    @Test func aStolenAddressOrMACIsNotServed() async throws {
        try await withGate(clients: 2) { lab, gate in
            let (owner, thief) = (lab.clients[0], lab.clients[1])
            try await gate.apply([.serve(.of(owner, mark: 3))])
            #expect(try await passes(lab, 0))
            let before = try await gate.reading(3)
            let start = try lab.router.statistics(of: "lan0")
            // The owner's address from another MAC.
            try owner.namespace.run("ip", "link", "set", "eth0", "down")
            let address = try #require(owner.address(.v4))
            try thief.namespace.run("ip", "address", "add", "\(address)/20", "dev", "eth0")
            let wire = try WireCounter(lab)
            let program = try Products.url("labtraffic").path
            _ = try thief.namespace.run(
                [program, "send", lab.clients[0].server(.v4).description, "9", "--packets", "100", "--bind", "\(address)"])
            // The owner's MAC with another address.
            try thief.namespace.run("ip", "address", "del", "\(address)/20", "dev", "eth0")
            try thief.namespace.run("ip", "link", "set", "eth0", "address", "\(owner.mac)")
            _ = try thief.namespace.run(
                [program, "send", lab.clients[0].server(.v4).description, "9", "--packets", "100"])
            #expect(try wire.carried(client: 0) == Carried())
            #expect(try await gate.reading(3) == before)
            let arrived = try lab.router.statistics(of: "lan0") - start
            #expect(arrived.rx.packets >= 200)
        }
    }

    @Test func anAddressHasOneOwner() async throws {
        try await withGate { lab, gate in
            let client = lab.clients[0]
            try await gate.apply([.serve(.of(client, mark: 3))])
            let error = try #require(
                await #expect(throws: HALError.self) { try await gate.apply([.serve(.of(client, mark: 4))]) })
            #expect(error.kind == .busy)
            #expect(error.what.contains("client 3") && error.what.contains("client 4"))
            #expect(try await gate.readings().map(\.mark) == [mark(3)])
            try await gate.apply([.serve(.of(client, mark: 4)), .stop(mark(3))])
            #expect(try await passes(lab, 0))
            #expect(try await gate.reading(4).packetsUp > 0)
            #expect(try await gate.reading(3).packetsUp == 0)
        }
    }

    @Test func addressesComeAndGoWithTheEntry() async throws {
        try await withGate { lab, gate in
            var entry = GateEntry.of(lab.clients[0], mark: 3, limit: 1_000_000)
            let both = entry.addresses
            entry.addresses = both.filter(\.isIPv6)
            try await gate.apply([.serve(entry)])
            #expect(try await !passes(lab, 0, .v4))
            #expect(try await passes(lab, 0, .v6))
            entry.addresses = both
            try await gate.apply([.serve(entry)])
            #expect(try await passes(lab, 0, .v4))
            entry.addresses = both.filter { !$0.isIPv6 }
            try await gate.apply([.serve(entry)])
            #expect(try await passes(lab, 0, .v4))
            #expect(try await !passes(lab, 0, .v6))
        }
    }

    @Test func aPortThatIsMadeAnewIsBoundAnew() async throws {
        try await withGate { lab, gate in
            let entry = GateEntry.of(lab.clients[0], mark: 3)
            try await gate.apply([.serve(entry)])
            #expect(try await passes(lab, 0))
            // The same wire under the same name, with another index.
            try lab.router.run([
                "sh", "-c",
                """
                ip link del lan0 && ip link add lan0 address 02:00:00:00:00:01 type veth peer name eth0 netns \(lab.clients[0].namespace.name)
                ip addr add 10.77.0.1/20 dev lan0 && ip link set lan0 up
                """,
            ])
            try lab.clients[0].namespace.run([
                "sh", "-c",
                """
                ip link set eth0 address \(entry.mac) up && ip addr add 10.77.0.10/20 dev eth0 && ip route add default via 10.77.0.1
                """,
            ])
            #expect(try await !passes(lab, 0))
            try await gate.rebind(port: "lan0")
            // The new wire takes a moment until it carries.
            try await waitUntil("service by the new port") { try await passes(lab, 0) }
        }
    }

    @Test func changesMadeByHandAreCopedWith() async throws {
        try await withGate { lab, gate in
            let client = lab.clients[0]
            try await gate.apply([.serve(.of(client, mark: 3, limit: 1_000_000))])
            try lab.router.run(
                ["nft", "-f", "-"],
                input: """
                    flush map inet gate bind4
                    flush map inet gate down6
                    flush map inet gate quota_of
                    delete quota inet gate q3

                    """)
            try await gate.apply([.serve(.of(client, mark: 4)), .forget(mark(3))])
            #expect(try await passes(lab, 0))
            #expect(try await passes(lab, 0, .v6))
            #expect(try await gate.readings().map(\.mark) == [mark(4)])
            // A client without a quota would be served for nothing: it is not.
            try lab.router.run(["nft", "-f", "-"], input: "flush map inet gate quota_of\ndelete quota inet gate q4\n")
            _ = try await gate.open()
            #expect(try await !passes(lab, 0))
            try await gate.apply([.serve(.of(client, mark: 4))])
            #expect(try await passes(lab, 0))
            // The table itself: that is for the one who opened it to know.
            try lab.router.run("nft", "delete", "table", "inet", "gate")
            let error = try #require(await #expect(throws: HALError.self) { try await gate.apply([.stop(mark(4))]) })
            #expect(error.kind == .missing)
            #expect(try await gate.open().isEmpty)
            try await gate.apply([.serve(.of(client, mark: 5))])
            #expect(try await passes(lab, 0))
        }
    }

    @Test func missingThingsAreNamed() async throws {
        try await withGate { lab, gate in
            var entry = GateEntry.of(lab.clients[0], mark: 3)
            entry.port = "lan7"
            let error = try #require(await #expect(throws: HALError.self) { try await gate.apply([.serve(entry)]) })
            #expect(error.kind == .missing)
            #expect(error.description.hasPrefix("there is no interface lan7; the board has lan0, wan0; set"))
        }
    }

    @Test func tenThousandClientsAreServedAndRead() async throws {
        try await withGate { _, gate in
            let count: UInt32 = 10_000
            let changes = (1...count).map { number -> GateChange in
                .serve(
                    GateEntry(
                        mark: mark(number), port: "lan0", mac: MACAddress(value: 0x02bb_0000_0000 + UInt64(number)),
                        addresses: [.v4(0x0a63_0000 + number), .v6(high: 0xfd99_0000_0000_0000, low: UInt64(number))],
                        byteLimit: 1_000_000, lease: .seconds(300)))
            }
            try await gate.apply(changes)
            #expect(Set(try await gate.readings().map(\.mark.value)) == Set(1...count))
            try await gate.apply(changes)
            try await gate.apply((1...count).map { .forget(mark($0)) })
            #expect(try await gate.readings().isEmpty)
        }
    }
}
