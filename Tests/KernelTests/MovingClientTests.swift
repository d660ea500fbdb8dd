import Foundation
import Lab
import Primitives
import StationAPI
import Testing

/// A device that changes what it is known by, and who else may then use that.
@Suite(kernelTests, .serialized)
struct MovingClientTests {
    enum Change: CaseIterable { case address, macAndAddress }

    /// The wallet is gone without a word and comes back from what looks like another device: one session, one account.
    @Test(arguments: Change.allCases) func theSameWalletReturnsAsAnotherDevice(change: Change) async throws {
        try await withStation(Plan(clients: 2)) { running, _ in
            let (lab, client) = (running.lab, running.lab.clients[0])
            let channel = try running.openChannel(0)
            let first = try running.connect(0, channel)
            #expect(try await lab.move(.download(bytes: 300_000, rate: 3_000_000), client: 0).ended == .complete)
            let before = try running.session(client.mac)
            first.signal(SIGKILL)

            // Another MAC under the same address would be a thief's work for all that frames tell: it gets no answer.
            let mac = change == .address ? client.mac : MACAddress(value: 0x0200_0000_00aa)
            if change == .macAndAddress { try client.changeMAC(to: mac) }
            try client.changeAddress(to: "10.77.0.200")
            let second = try running.connect(0, channel, untilPaid: false)
            #expect(try await lab.move(.upload(.tcp, bytes: 300_000), client: 0).ended == .complete)
            if change == .macAndAddress {
                // Whoever takes what was left behind is a stranger.
                try lab.clients[1].pose(mac: client.mac, address: client.address(.v4))
                _ = try await lab.move(Traffic(.send, packets: 100, size: 100), client: 1)
                #expect(try running.wire.carried(client: 1) == Carried())
            }
            try await running.leave(second)
            let after = try running.session(mac)
            #expect(after.sessionId == before.sessionId, "it went on")
            try running.expect(channel, paysFor: running.wire.carriedAtLast(client: 0))
        }
    }

    /// An address that a paying device newly uses is learned from its own packets, and paid for by it.
    @Test(arguments: Family.allCases) func aNewAddressInMidSessionIsServedAndCharged(family: Family) async throws {
        try await withStation(Plan(clients: 2)) { running, _ in
            let (lab, client) = (running.lab, running.lab.clients[0])
            let channel = try running.openChannel(0)
            let wallet = try running.connect(0, channel)
            try await waitUntil("service over both families") { try await running.isServed(0, over: family) }
            let old = try #require(client.address(family))
            let new = try #require(IPAddress(family == .v4 ? "10.77.0.201" : "fd77::aaaa:1"))
            switch family {
            case .v4: try client.changeAddress(to: "\(new)")
            // As privacy extensions do: the new one is preferred, the old one stays for what goes on.
            case .v6:
                try client.namespace.run("ip", "address", "add", "\(new)/64", "dev", "eth0", "nodad")
                try client.namespace.run("ip", "address", "change", "\(old)/64", "dev", "eth0", "preferred_lft", "0")
            }
            try await waitUntil("service by \(new)", timeout: .seconds(4)) { try await running.isServed(0, over: family) }
            #expect(try running.session(client.mac).clientAddresses.contains(new))
            #expect(try await lab.move(.download(.tcp, bytes: 300_000), client: 0, over: family).ended == .complete)
            try await running.leave(wallet)
            try running.expect(channel, paysFor: running.wire.carriedAtLast(client: 0))
        }
    }
}

extension Topology.Client {
    /// The interface goes down for it: addresses of IPv4 stay, routes and neighbours do not.
    func changeMAC(to mac: MACAddress) throws {
        try namespace.run("ip", "link", "set", "eth0", "address", "\(mac)")
    }

    func changeAddress(to address: String) throws {
        try namespace.run([
            "sh", "-c",
            "ip -4 address flush dev eth0 && ip address add \(address)/20 dev eth0 && ip route add default via 10.77.0.1",
        ])
    }

    /// Takes another's MAC, and its IPv4 address if given.
    func pose(mac: MACAddress, address: IPAddress?) throws {
        try changeMAC(to: mac)
        if let address { try changeAddress(to: "\(address)") }
    }
}
