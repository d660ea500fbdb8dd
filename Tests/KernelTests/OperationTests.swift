import Foundation
import Lab
import Primitives
import StationAPI
import Testing

/// What the owner does to a station, or happens to it, while clients use it.
@Suite(kernelTests, .serialized)
struct OperationTests {
    enum Ending: CaseIterable {
        case politely, killed
        var signal: Int32 { self == .politely ? SIGTERM : SIGKILL }
    }

    /// A download over TCP, through a restart with other rules: it completes, and every byte is counted once.
    @Test(arguments: Ending.allCases) func aDownloadSurvivesARestartWithOtherRules(ending: Ending) async throws {
        try await withStation(Plan(clients: [.dual, .ipv6])) { running, daemon in
            let lab = running.lab
            let channels = try (0..<2).map { try running.openChannel($0) }
            let wallets = try (0..<2).map { try running.connect($0, channels[$0]) }
            let traffic = try (0..<2).map { client in
                try lab.start(.download(.tcp, bytes: 1_500_000, rate: 400_000), client: client)
            }
            try await Task.sleep(for: .milliseconds(500))
            daemon.signal(ending.signal)
            _ = try await daemon.wait(timeout: .seconds(10))
            let rules = running.station.directory + "/other.nft"
            let text = rulesTemplate.replacingOccurrences(
                of: "\tchain to_wan {\n", with: "\tcounter lab_extra {}\n\tchain to_wan {\n\t\tcounter name \"lab_extra\"\n")
            try run(["tee", rules], input: text)
            _ = try running.station.start(rules: rules)
            for process in traffic {
                let report = try TrafficReport(await process.wait())
                #expect(report.ended == .complete && report.payloadBytes == 1_500_000)
            }
            let extra = try lab.router.run("nft", "list", "counter", "inet", "gate", "lab_extra").stdout
            #expect(!extra.contains("packets 0 "), "the new rules are in force")
            for wallet in wallets { try await running.leave(wallet) }
            for client in 0..<2 {
                try running.expect(channels[client], paysFor: running.wire.carriedAtLast(client: client))
            }
        }
    }

    /// New prices are for new sessions. Who is online keeps its contract, its connection and every byte.
    @Test func newTariffsUnderTrafficLoseNothing() async throws {
        try await withStation(Plan(clients: 1)) { running, _ in
            let (lab, station) = (running.lab, running.station)
            let channel = try running.openChannel(0)
            let wallet = try running.connect(0, channel)
            // Slow enough that a busy machine's wallet pays in time: UDP has no second try.
            let tcp = try lab.start(.download(.tcp, bytes: 400_000, rate: 100_000), client: 0)
            let udp = try lab.start(.upload(bytes: 120_000, rate: 30_000), client: 0, over: .v6)
            let text = try String(contentsOfFile: station.configurationPath, encoding: .utf8)
            for price in ["0.07", "0.03", "0.02"] {
                let changed = text.replacingOccurrences(of: "price_per_mb = \"0.01\"", with: "price_per_mb = \"\(price)\"")
                try #require(changed != text)
                try run(["tee", station.configurationPath], input: changed)
                try station.ask("config", "apply")
            }
            for process in [tcp, udp] {
                let report = try TrafficReport(await process.wait())
                #expect(report.ended == .complete, "\(report)")
            }
            try await running.leave(wallet)
            let first = try running.wire.carriedAtLast(client: 0)
            try running.expect(channel, paysFor: first)

            let next = try running.connect(0, channel, untilPaid: false)  // it may live on what is left
            #expect(try await lab.move(.download(bytes: 100_000, rate: 1_000_000), client: 0).ended == .complete)
            try await running.leave(next)
            let second = try running.wire.carriedAtLast(client: 0) - first
            let charged = try running.channel(channel).chargedQlc.units
            #expect(charged == first.up + first.down + 2 * (second.up + second.down))
        }
    }

    /// Behind another translator service goes on; `diagnose` says so and fails nothing.
    @Test(arguments: [("192.168.178.20/24", "a router before it"), ("100.64.3.4/24", "the provider")])
    func aSecondTranslatorIsAWarning(address: String, who: String) async throws {
        try await withStation(Plan(clients: 1)) { running, _ in
            #expect(!(try running.station.ask("diagnose")).contains("double NAT"))
            try running.lab.router.run("ip", "address", "flush", "dev", "wan0")
            try running.lab.router.run("ip", "address", "add", address, "dev", "wan0")
            try await waitUntil("the warning", timeout: .seconds(10), every: .milliseconds(100)) {
                await Task.yield()
                let words = try running.station.ask("diagnose").split { $0.isWhitespace }.joined(separator: " ")
                return words.contains("! double NAT") && words.contains(who)
            }
        }
    }

    /// The disk fills up under traffic. Nobody is served beyond what is safely paid; with room again it goes on by itself.
    @Test func aFullDiskGivesNothingAwayAndLosesNoMoney() async throws {
        var directory = ""
        defer { _ = try? run(["umount", "--lazy", directory]) }  // not mounted: nothing to do
        try await withStation(Plan(clients: 1)) { station in
            directory = station.directory + "/state"
            try run(["mkdir", "-p", directory])
            try run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "qlab", directory])
        } _: { running, _ in
            let lab = running.lab
            let channel = try running.openChannel(0)
            let wallet = try running.connect(0, channel)
            let filling = directory + "/filling"
            // Whatever is free, to the last block; dd ends with an error, that is the point.
            try run([
                "sh", "-c",
                "dd if=/dev/zero of=\(filling) bs=4k 2>/dev/null; dd if=/dev/zero of=\(filling)2 bs=1 2>/dev/null; true",
            ])
            _ = try await lab.move(Traffic(.send, bytes: 3_000_000, rate: 1_500_000), client: 0)
            let atCut = try running.wire.carriedAtLast(client: 0)
            let persisted = try running.channel(channel).paidQlc.units
            #expect(atCut.up + atCut.down <= persisted)
            #expect(atCut.up < 2_900_000, "the disk was never full")
            #expect(wallet.isRunning)

            try run(["rm", filling, filling + "2"])
            try await waitUntil("payment goes on", timeout: .seconds(10), every: .milliseconds(200)) {
                await Task.yield()
                return try running.channel(channel).paidQlc.units > persisted
            }
            try await waitUntil("service", timeout: .seconds(10)) { try await running.isServed(0) }
            #expect(try await lab.move(.download(.tcp, bytes: 300_000), client: 0).ended == .complete)
            try await running.leave(wallet)
            try running.expect(channel, paysFor: running.wire.carriedAtLast(client: 0))
            #expect(!(try running.station.ask("diagnose")).contains("✗"))
        }
    }
}
