import Foundation
import HAL
import Lab
import LinuxHAL
import Logging
import Netlink
import Primitives
import Synchronization
import Testing

/// The first packet of a client, and the counters, on the real kernel.
@Suite(kernelTests, .serialized)
struct IdleSensorTests {
    private func sensor(_ lab: Topology, ports: [String] = ["lan0"]) -> LinuxIdleSensor {
        LinuxIdleSensor(
            ports: ports, uplink: "wan0", in: NetworkNamespace(name: lab.router.name), logger: Logger(label: "test"))
    }

    /// One datagram from within a namespace; what goes over the wire first may be the question who has the address.
    private func send(from namespace: Namespace, to address: String) throws {
        let sent = try NetworkNamespace(name: namespace.name).run { () -> Int in
            let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            defer { close(descriptor) }
            var place = sockaddr_in()
            place.sin_family = sa_family_t(AF_INET)
            place.sin_port = UInt16(9).bigEndian
            inet_pton(AF_INET, address, &place.sin_addr)
            return withUnsafePointer(to: &place) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(descriptor, "x", 1, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        #expect(sent == 1)
    }

    /// A wait for the first packet, and when it returned.
    private final class Wait: Sendable {
        let returned = Mutex<ContinuousClock.Instant?>(nil)
        let task: Mutex<Task<Void, any Error>?> = Mutex(nil)

        init(_ body: @escaping @Sendable () async throws -> Void) {
            let task = Task {
                try await body()
                self.returned.withLock { $0 = .now }
            }
            self.task.withLock { $0 = task }
        }

        var isOver: Bool { returned.withLock { $0 != nil } }
        func value() async throws { try await task.withLock { $0 }?.value }
        func cancel() { task.withLock { $0?.cancel() } }
    }

    @Test(arguments: [true, false])
    func aClientsFirstPacketIsSeenAtOnce(listens: Bool) async throws {
        try await withTopology(Plan(clients: 1)) { lab in
            let sensor = sensor(lab)
            var delays: [Duration] = []
            for _ in 0..<5 {
                try lab.settle()
                let wait = Wait { listens ? try await sensor.firstPacket() : try await sensor.glanceForPackets() }
                try await Task.sleep(for: .milliseconds(200))
                #expect(!wait.isOver, "nobody sent anything")
                let start = ContinuousClock.now
                try send(from: lab.clients[0].namespace, to: "10.77.0.1")
                try await wait.value()
                delays.append(try #require(wait.returned.withLock { $0 }) - start)
            }
            print(
                "first packet, \(listens ? "listening" : "by counters"): \(delays.sorted().map { "\($0)" }.joined(separator: ", "))"
            )
            #expect(try #require(delays.min()) < .milliseconds(50) && delays.allSatisfy { $0 < .seconds(2) }, "\(delays)")
            #expect(sensor.handicap == nil)
        }
    }

    @Test func whatTheStationSendsIsNoClientsPacket() async throws {
        try await withTopology(Plan(clients: 1)) { lab in
            let sensor = sensor(lab)
            try lab.router.run(
                "ip", "neighbour", "replace", "10.77.0.250", "lladdr", "02:00:00:00:0f:0f", "dev", "lan0", "nud", "permanent")
            try lab.settle()
            let before = try await sensor.activity()
            let wait = Wait { try await sensor.firstPacket() }
            try await Task.sleep(for: .milliseconds(100))
            for _ in 0..<5 { try send(from: lab.router, to: "10.77.0.250") }
            try await Task.sleep(for: .milliseconds(300))
            #expect(!wait.isOver)
            #expect(try await sensor.activity().clientPackets >= before.clientPackets + 5, "they are counted all the same")
            try send(from: lab.clients[0].namespace, to: "10.77.0.1")
            try await wait.value()
        }
    }

    @Test func aPortThatGoesDoesNoHarmAndOneThatComesIsHeard() async throws {
        try await withTopology(Plan(clients: 1)) { lab in
            let sensor = sensor(lab, ports: ["lan0", "late0"])
            func addLate() throws {
                // Its other end is the client's: a router would send on what comes back to it.
                try lab.router.run(
                    ["ip", "-batch", "-"],
                    input: """
                        link add late0 address 02:00:00:00:0e:0e type veth peer name late1 netns \(lab.clients[0].namespace.name)
                        link set late0 addrgenmode none
                        link set late0 up

                        """)
                try lab.clients[0].namespace.run(
                    ["ip", "-batch", "-"],
                    input: """
                        link set late1 addrgenmode none
                        address add 192.0.2.1/24 dev late1
                        link set late1 up
                        neighbour replace 192.0.2.2 lladdr 02:00:00:00:0e:0e dev late1 nud permanent

                        """)
            }
            try addLate()
            try send(from: lab.clients[0].namespace, to: "192.0.2.2")
            let first = try await sensor.activity()
            try lab.settle()
            var wait = Wait { try await sensor.firstPacket() }
            try await Task.sleep(for: .milliseconds(100))
            #expect(!wait.isOver, "nobody sent anything")
            try lab.router.run("ip", "link", "del", "late0")
            try await Task.sleep(for: .milliseconds(200))
            #expect(!wait.isOver, "a port that goes is no packet")
            #expect(try await sensor.activity().clientPackets >= first.clientPackets, "sums only grow")
            try send(from: lab.clients[0].namespace, to: "10.77.0.1")
            try await wait.value()

            try lab.settle()
            wait = Wait { try await sensor.firstPacket() }
            try await Task.sleep(for: .milliseconds(100))
            try addLate()
            try await Task.sleep(for: .milliseconds(100))
            try send(from: lab.clients[0].namespace, to: "192.0.2.2")
            try await wait.value()
        }
    }

    @Test func oneThatGoesDownAndUpIsHeardAgain() async throws {
        try await withTopology(Plan(clients: 1)) { lab in
            let sensor = sensor(lab)
            try lab.settle()
            let wait = Wait { try await sensor.firstPacket() }
            try await Task.sleep(for: .milliseconds(100))
            try lab.router.run("ip", "link", "set", "lan0", "down")
            try await Task.sleep(for: .milliseconds(100))
            #expect(!wait.isOver, "a port that goes down is no packet")
            try lab.router.run("ip", "link", "set", "lan0", "up")
            try await Task.sleep(for: .milliseconds(100))
            try send(from: lab.clients[0].namespace, to: "10.77.0.1")
            try await wait.value()
            #expect(wait.isOver)
        }
    }

    @Test func whoIsCancelledLeavesNothing() async throws {
        try await withTopology(Plan(clients: 1)) { lab in
            let sensor = sensor(lab)
            try lab.settle()
            func descriptors() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
            let before = try descriptors()
            for _ in 0..<100 {
                let wait = Wait { try await sensor.firstPacket() }
                wait.cancel()
                await #expect(throws: CancellationError.self) { try await wait.value() }
            }
            try await Task.sleep(for: .milliseconds(200))
            #expect(try descriptors() < before + 50)
        }
    }

    @Test func whatTheBoardDoesGrowsWithIt() async throws {
        try await withTopology(Plan(clients: 1)) { lab in
            let sensor = sensor(lab)
            let (before, own) = (try await sensor.activity(), try await sensor.processorTime(of: getpid()))
            for _ in 0..<3 { try send(from: lab.clients[0].namespace, to: "10.77.0.1") }
            let end = ContinuousClock.now + .milliseconds(300)
            var sum: UInt64 = 0
            while .now < end { sum &+= 1 }
            let (after, ownAfter) = (try await sensor.activity(), try await sensor.processorTime(of: getpid()))
            #expect(after.clientPackets >= before.clientPackets + 3)
            #expect(after.busy > before.busy && after.cores > 0 && after.memoryAvailable < after.memoryTotal)
            #expect(try #require(ownAfter) > (try #require(own)), "\(sum)")
            #expect(try await sensor.processorTime(of: 4_194_304) == nil, "above the largest number of a process")
            #expect(try await sensor.processorTime(of: -1) == nil)
        }
    }
}
