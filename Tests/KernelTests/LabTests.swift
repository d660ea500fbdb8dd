import Foundation
import Lab
import Testing

/// The laboratory itself on the real kernel: what the other tests take for granted.
@Suite(.enabled(if: Namespace.isAvailable, "needs root and network namespaces"), .serialized)
struct LabTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var direction: Traffic.Direction
        var client: Int
        var family: Family
        var testDescription: String { "\(direction) by client \(client) over IP\(family)" }
    }

    static let cases = [Traffic.Direction.upload, .download, .send].flatMap { direction in
        [(0, Family.v4), (0, .v6), (1, .v4), (1, .v6), (2, .v6)].map { Case(direction: direction, client: $0, family: $1) }
    }

    @Test func wireCounterEqualsPayloadAndHeadersOverUDP() throws {
        try withTopology(Plan(clients: [.dual, .dual, .ipv6])) { lab in
            try lab.masquerade()
            let wire = try WireCounter(lab)
            for item in Self.cases {
                let before = try (0..<3).map { try wire.carried(client: $0) }
                let traffic = Traffic(item.direction, bytes: 1_000_003, size: 1_111, rate: 20_000_000)
                let report = try lab.move(traffic, client: item.client, over: item.family)
                #expect(report.ended == .complete, "\(item)")
                #expect(report.payloadBytes == 1_000_003)
                #expect(report.packets == 901)
                let carried = try wire.carriedAtLast(client: item.client, calm: .milliseconds(20)) - before[item.client]
                #expect(carried == report.carriedUDP(over: item.family), "\(item)")
                for other in 0..<3 where other != item.client {
                    let untouched = try wire.carried(client: other)
                    #expect(untouched == before[other], "client \(other) was not asked")
                }
            }
        }
    }

    @Test(arguments: Family.allCases, [Traffic.Direction.upload, .download])
    func tcpTransfersComplete(family: Family, direction: Traffic.Direction) async throws {
        try await withTopology(Plan(clients: [family == .v6 ? .ipv6 : .ipv4])) { lab in
            try lab.masquerade()
            let wire = try WireCounter(lab)
            let report = try await lab.move(Traffic(direction, over: .tcp, bytes: 5_000_001), client: 0)
            #expect(report.ended == .complete)
            #expect(report.payloadBytes == 5_000_001)
            let carried = try wire.carriedAtLast(client: 0)
            let (data, acknowledgements) = direction == .upload ? (carried.up, carried.down) : (carried.down, carried.up)
            // 1,448 of payload a packet at most, 52 or 72 of headers with time stamps.
            #expect(data > 5_000_001 * 1_500 / 1_448)
            #expect(data < 5_000_001 * 1_600 / 1_448)
            #expect(acknowledgements > 0)
        }
    }

    @Test func interfaceCountsEqualTheWireWhenNeighboursArePinned() throws {
        try withTopology(Plan(clients: 1, isDirect: true, pinsNeighbours: true)) { lab in
            try lab.masquerade()
            let wire = try WireCounter(lab)
            try lab.startInternet()
            try lab.settle()
            let before = try lab.router.statistics(of: "lan0")
            try #require(try lab.move(.upload(bytes: 3_000_000, rate: 30_000_000), client: 0, over: .v4).ended == .complete)
            try #require(try lab.move(.download(bytes: 3_000_000, rate: 30_000_000), client: 0, over: .v6).ended == .complete)
            let carried = try wire.carriedAtLast(client: 0)
            let interface = try lab.router.statistics(of: "lan0") - before
            #expect(interface.rx.payloadBytes == carried.up)
            #expect(interface.tx.payloadBytes == carried.down)
            #expect(interface.rx.packets == carried.packetsUp)
            #expect(interface.tx.packets == carried.packetsDown)
        }
    }

    @Test func trafficThatIsBlockedEndsWithAReport() throws {
        try withTopology(Plan(clients: 1)) { lab in
            let wire = try WireCounter(lab)
            try lab.router.run(
                ["nft", "-f", "-"],
                input: "add table inet stop\nadd chain inet stop c { type filter hook forward priority 0; policy drop; }\n")
            for transport in Traffic.Transport.allCases {
                for direction in [Traffic.Direction.upload, .download] {
                    let report = try lab.move(Traffic(direction, over: transport, bytes: 1_000, idle: 0.3), client: 0)
                    #expect(report.ended == .noAnswer)
                    #expect(report.payloadBytes == 0)
                }
            }
            let carried = try wire.carried(client: 0)
            #expect(carried == Carried())
        }
    }

    @Test func nothingOutlivesATopologyWhoseBodyThrows() throws {
        struct Deliberate: Error {}
        var names: [String] = []
        var pids: [Int32] = []
        #expect(throws: Deliberate.self) {
            try withTopology(Plan(clients: [.dual, .ipv6, .ipv4])) { lab in
                names = lab.namespaces.map(\.name)
                // One with a child, one that leaves its group: both are ours all the same.
                let shell = try lab.router.start(["sh", "-c", "sleep 100 & sleep 100"])
                let independent = try lab.clients[0].namespace.start(["setsid", "--fork", "sleep", "100"])
                pids = [try lab.startInternet().pid, shell.pid, independent.pid]
                try waitUntil("three sleepers") { try sleepers(in: lab.namespaces).count == 3 }
                pids += try sleepers(in: lab.namespaces)
                throw Deliberate()
            }
        }
        #expect(names.count == 6)
        let left = Set(try FileManager.default.contentsOfDirectory(atPath: "/run/netns"))
        #expect(left.isDisjoint(with: names))
        try waitUntil("the processes to be gone") { pids.allSatisfy { !isAlive($0) } }
    }

    @Test func aKilledRunIsSweptAndALivingOneIsNot() throws {
        let dead = try run(["sh", "-c", "echo $$"]).stdout.trimmingCharacters(in: .newlines)
        let leftover = "qlab-\(dead)-1-1-router"
        try run(["ip", "netns", "add", leftover])
        let living = try Namespace(role: "living")
        sweepLeftovers()
        let names = try FileManager.default.contentsOfDirectory(atPath: "/run/netns")
        #expect(!names.contains(leftover))
        #expect(names.contains(living.name))
    }

    /// With a quota in the router, both measures agree on where the traffic stopped.
    @Test(arguments: Family.allCases) func wireCounterSeesACutOff(family: Family) throws {
        try withTopology(Plan(clients: 1)) { lab in
            try lab.masquerade()
            let wire = try WireCounter(lab)
            try lab.router.run(
                ["nft", "-f", "-"],
                input: """
                    table inet stop {
                        chain forward {
                            type filter hook forward priority 0; policy accept;
                            iifname "wan0" quota over 500000 bytes drop
                        }
                    }

                    """)
            let report = try lab.move(
                Traffic(.download, bytes: 2_000_000, rate: 10_000_000, idle: 0.5), client: 0, over: family)
            #expect(report.ended == .idle)
            let carried = try wire.carriedAtLast(client: 0)
            #expect(carried.down == report.carriedUDP(over: family).down)
            #expect(carried.down <= 500_000)
            #expect(carried.down > 500_000 - 1_248)
        }
    }

    @Test func aSocketMadeInsideStaysInside() async throws {
        try await withTopology(Plan(clients: 1)) { lab in
            let interfaces = { @Sendable in try String(contentsOfFile: "/proc/thread-self/net/dev", encoding: .utf8) }
            let router = try lab.router.inside { try interfaces() }
            let server = try await lab.server.inside { () async throws -> String in
                await Task.yield()
                return try interfaces()
            }
            let here = try interfaces()
            #expect(router.contains("lan0:"))
            #expect(server.contains("srv0:"))
            #expect(!here.contains("lan0:"))
        }
    }

    @Test func aFailedCommandSaysWhichAndWhy() throws {
        let error = #expect(throws: LabError.self) { try run(["ip", "link", "show", "dev", "nosuch0"]) }
        let text = String(describing: try #require(error))
        #expect(text.contains("ip link show dev nosuch0"))
        #expect(text.contains("does not exist"))
    }

    @Test func aCommandThatNeverEndsTimesOut() async throws {
        #expect(throws: LabError.self) { try run(["sleep", "100"], timeout: .milliseconds(50)) }
        try await waitUntil("nothing in particular", timeout: .seconds(1)) {
            await Task.yield()
            return true
        }
    }

    private func sleepers(in namespaces: [Namespace]) throws -> [Int32] {
        try namespaces.flatMap {
            try run(["ip", "netns", "pids", $0.name]).stdout.split(separator: "\n").compactMap { Int32($0) }
        }
        .filter { (try? String(contentsOfFile: "/proc/\($0)/comm", encoding: .utf8)) == "sleep\n" }  // gone meanwhile: no sleeper
    }

    private func isAlive(_ pid: Int32) -> Bool {
        // A killed orphan may stay a zombie where nobody reaps.
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
        return !stat.contains(") Z ")
    }
}
