import Foundation
import HAL
import Lab
import LinuxHAL
import Netlink
import Primitives
import Synchronization
import Testing

@Suite(kernelTests, .serialized)
struct LinksTests {
    private func inRouter(_ lab: Topology) -> LinuxLinks { LinuxLinks(in: NetworkNamespace(name: lab.router.name)) }

    /// Lets the router know who has the client's address.
    private func say(_ client: Topology.Client) throws {
        try client.namespace.run([Products.url("labtraffic").path, "send", "10.77.0.1", "9", "--packets", "1"])
    }

    /// In async tests too: nothing in these conditions suspends.
    private func waitSync(_ what: String, _ condition: () throws -> Bool) throws { try waitUntil(what, condition) }

    @Test func linksAreWhatTheKernelSays() throws {
        try withTopology(Plan(clients: 1)) { lab in
            let links = try inRouter(lab).links()
            #expect(Set(links.map(\.name)) == ["lo", "lan0", "wan0"])
            let lan = try #require(links.first { $0.name == "lan0" })
            #expect(lan.mac == MACAddress("02:00:00:00:00:01"))
            #expect(lan.isUp && lan.hasCarrier && lan.mtu == 1_500)
            #expect(lan.addresses.contains(IPAddress("10.77.0.1")!) && lan.addresses.contains(IPAddress("fd77::1")!))
            let before = try lab.router.statistics(of: "lan0")
            #expect(lan.bytesReceived <= before.rx.bytes && lan.bytesSent <= before.tx.bytes)
        }
    }

    @Test func neighboursAreSeenPinnedAndLetGo() throws {
        try withTopology(Plan(clients: 1)) { lab in
            let links = inRouter(lab)
            let client = lab.clients[0]
            try say(client)
            let neighbour = Neighbour(port: "lan0", mac: client.mac, address: client.address(.v4)!)
            #expect(try links.neighbours(on: "lan0").contains(neighbour))
            #expect(try !links.neighbours(on: "wan0").contains { $0.address == neighbour.address })
            for address in [client.address(.v4)!, client.address(.v6)!] {
                let pin = Neighbour(port: "lan0", mac: MACAddress("02:00:00:00:00:99")!, address: address)
                try links.pin(pin)
                #expect(try links.neighbours(on: "lan0").contains(pin))
                try links.unpin(pin)
                try links.unpin(pin)
                #expect(try !links.neighbours(on: "lan0").contains(pin))
            }
            let error = #expect(throws: HALError.self) { try links.neighbours(on: "lan9") }
            #expect(error?.kind == .missing)
        }
    }

    @Test func eventsTellOfDevicesAndPortsAndEndWithTheHAL() async throws {
        try await withTopology(Plan(clients: 1)) { lab in
            let links = inRouter(lab)
            let client = lab.clients[0]
            let stream = try links.events()
            let seen = Mutex<[LinkEvent]>([])
            let reader = Task { for await event in stream { seen.withLock { $0.append(event) } } }
            let neighbour = Neighbour(port: "lan0", mac: client.mac, address: client.address(.v4)!)
            try say(client)
            try waitSync("the neighbour") { seen.withLock { $0.contains(.neighbour(neighbour)) } }
            try lab.router.run("ip", "neighbour", "del", "\(neighbour.address)", "dev", "lan0")
            try waitSync("its going") { seen.withLock { $0.contains(.neighbourGone(neighbour)) } }
            try lab.router.run("ip", "link", "set", "lan0", "down")
            try waitSync("link down") { seen.withLock { $0.contains(.linkDown(port: "lan0")) } }
            try lab.router.run("ip", "link", "set", "lan0", "up")
            try waitSync("link up") { seen.withLock { $0.last == .linkUp(port: "lan0") } }
            links.close()
            await reader.value
        }
    }

    @Test func aFloodOfEventsIsBoundedAndSaysResync() async throws {
        try await withTopology(Plan(clients: 1)) { lab in
            let links = inRouter(lab)
            let stream = try links.events()
            let lines = (0..<5_000).map {
                "neighbour add 10.77.\(4 + $0 / 250).\(1 + $0 % 250) lladdr 02:00:00:01:00:01 dev lan0"
            }
            try lab.router.run(["ip", "-batch", "-"], input: lines.joined(separator: "\n") + "\n")
            let socket = try RouteSocket(in: NetworkNamespace(name: lab.router.name))
            try waitSync("the neighbours") { try socket.neighbours().count >= 1_000 }
            try await Task.sleep(for: .milliseconds(200))
            links.close()
            var count = 0
            var resyncs = 0
            for await event in stream {
                count += 1
                if event == .resync { resyncs += 1 }
            }
            #expect(count <= LinuxLinks.eventsMax)
            #expect(resyncs > 0)
        }
    }

    @Test func aStreamThatNobodyReadsAnyMoreEndsItsThread() async throws {
        try await withTopology(Plan(clients: 1)) { lab in
            let links = inRouter(lab)
            for _ in 0..<200 {
                let stream = try links.events()
                let reader = Task { for await _ in stream {} }
                reader.cancel()
                await reader.value
            }
            // 200 sockets and 200 wake-ups: if they stayed, they would be here.
            try waitSync("the descriptors to be closed") {
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count < 200
            }
        }
    }

    @Test func clocksMoveAndNameTheBoot() async throws {
        let clocks = try LinuxClocks()
        let first = clocks.now()
        try await clocks.sleep(.milliseconds(20))
        let second = clocks.now()
        #expect(second.boot - first.boot >= .milliseconds(20))
        #expect(clocks.bootID == (try LinuxClocks()).bootID)
    }
}
