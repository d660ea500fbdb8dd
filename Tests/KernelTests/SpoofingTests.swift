import Foundation
import Lab
import Primitives
import StationAPI
import Testing

/// A neighbour on the same air who pretends to be a client that pays.
@Suite(kernelTests, .serialized)
struct SpoofingTests {
    /// Its address under another MAC: claimed aloud by gratuitous ARP and unsolicited advertisements, then used. Nothing passes,
    /// nothing is charged, and the owner of the address does not notice.
    @Test(arguments: Family.allCases) func aStolenAddressServesNobodyAndDisturbsNobody(family: Family) async throws {
        try await withStation(Plan(clients: 2)) { running, _ in
            let lab = running.lab
            let (victim, thief) = (lab.clients[0], lab.clients[1])
            let channel = try running.openChannel(0)
            let wallet = try running.connect(0, channel)
            try await waitUntil("service over both families") { try await running.isServed(0, over: family) }
            let stream = try lab.start(.download(bytes: 600_000, rate: 200_000), client: 0, over: family)
            let address = try #require(victim.address(family))
            try thief.namespace.set("net.ipv4.conf.eth0.arp_notify", to: "1")
            try thief.namespace.set("net.ipv6.conf.eth0.ndisc_notify", to: "1")
            let length = family == .v4 ? "20" : "64"
            let option = family == .v4 ? [] : ["nodad"]
            let program = try Products.url("labtraffic").path
            for _ in 1...5 {
                try thief.namespace.run(["ip", "address", "add", "\(address)/\(length)", "dev", "eth0"] + option)
                try thief.namespace.run([
                    program, "send", "\(thief.server(family))", "9", "--packets", "100", "--bind", "\(address)",
                ])
                try thief.namespace.run("ip", "address", "del", "\(address)/\(length)", "dev", "eth0")
            }
            let report = try TrafficReport(await stream.wait())
            #expect(report.ended == .complete && report.payloadBytes == 600_000)
            #expect(try running.wire.carried(client: 1) == Carried())
            let neighbours = try lab.router.run("ip", "neighbour", "show", "\(address)").stdout
            #expect(neighbours.contains("\(victim.mac)") && neighbours.contains("PERMANENT"))
            try await running.leave(wallet)
            try running.expect(channel, paysFor: running.wire.carriedAtLast(client: 0))
        }
    }

    /// An address that its owner has left, while his session is open, is his until the session ends: nobody else is served on it.
    @Test func anAddressThatWasLeftIsNotServedToAnotherDevice() async throws {
        try await withStation(Plan(clients: 2)) { running, _ in
            let lab = running.lab
            let old = try #require(lab.clients[0].address(.v4))
            let channels = try (0..<2).map { try running.openChannel($0) }
            let first = try running.connect(0, channels[0])
            try lab.clients[0].changeAddress(to: "10.77.0.202")
            try await waitUntil("service by the new address", timeout: .seconds(10)) { try await running.isServed(0) }
            try lab.clients[1].changeAddress(to: "\(old)")
            _ = try await lab.move(Traffic(.send, packets: 200, size: 100), client: 1)
            #expect(try running.wire.carried(client: 1) == Carried())
            try await running.leave(first)
            try running.expect(channels[0], paysFor: running.wire.carriedAtLast(client: 0))
            // The session has ended: whoever has the address now may pay for it.
            let second = try running.connect(1, channels[1])
            #expect(try await lab.move(.download(bytes: 100_000, rate: 1_000_000), client: 1, over: .v4).ended == .complete)
            try await running.leave(second)
            try running.expect(channels[1], paysFor: running.wire.carriedAtLast(client: 1))
        }
    }

    /// A full clone, MAC and address on one port, cannot be told from its original by frames alone: datapath.md leaves that to
    /// keyed air (one passphrase a buyer). What does hold: it never gets more than was paid, and every byte of both is accounted.
    @Test func aFullCloneGetsNoMoreThanWasPaid() async throws {
        try await withStation(Plan(clients: 2)) { running, _ in
            let lab = running.lab
            let channel = try running.openChannel(0)
            let wallet = try running.connect(0, channel, limit: "0.003")
            try lab.clients[1].pose(mac: lab.clients[0].mac, address: lab.clients[0].address(.v4))
            _ = try await lab.move(Traffic(.send, bytes: 900_000, size: 1_000), client: 1)
            _ = try await lab.move(Traffic(.send, bytes: 300_000, size: 1_000), client: 0)
            let carried = try running.wire.carriedAtLast(client: 0) + running.wire.carriedAtLast(client: 1)
            #expect(carried.up + carried.down <= 300_000 && carried.up > 290_000)
            wallet.signal(SIGKILL)
            try running.station.ask("client", "disconnect", lab.clients[0].mac.description)
            try running.expect(channel, paysFor: carried)
        }
    }
}
