import Foundation
import Lab
import Primitives
import StationAPI
import Testing

/// Devices that leave without a word, and what is left for when they come back.
@Suite(kernelTests, .serialized)
struct ReturningClientTests {
    static let tariffs =
        RunningStation.perByte + """
            [[tariff]]
            id = "per-second"
            price_per_second = "0.01"
            credit_window_min = "0.02"
            idle_timeout = "10s"

            """

    /// Three ways in one lab, for the wait of one idle timeout: a link goes down, a device is gone altogether, time is what is paid.
    @Test func whatWasPaidAndNotUsedIsThereForTheNextSession() async throws {
        try await withStation(Plan(clients: 3), configuration: Self.tariffs) { running, _ in
            let lab = running.lab
            let opened = ContinuousClock.now
            let channels = try (0..<3).map { try running.openChannel($0) }
            let tariffs = ["per-byte", "per-byte", "per-second"]
            let wallets = try (0..<3).map { try running.connect($0, channels[$0], tariff: tariffs[$0]) }
            let traffic = try (0..<3).map { client in
                try lab.start(Traffic(.send, seconds: 60, size: 500, rate: 50_000), client: client)
            }
            try await Task.sleep(for: .seconds(1))

            let air = try #require(lab.air)
            for client in [0, 2] { try air.run("ip", "link", "set", "client\(client)", "down") }
            lab.clients[1].namespace.close()
            let used = opened.duration(to: .now)
            for process in wallets + traffic { process.close() }
            try await waitUntil("all have timed out", timeout: .seconds(30), every: .milliseconds(500)) {
                await Task.yield()
                return try running.station.sessions().count { $0.endReason == "idle" } == 3
            }
            for client in 0..<3 {
                let up = try running.wire.bytesUp(client: client)
                let session = try running.session(lab.clients[client].mac)
                #expect(up > 10_000)
                #expect(session.bytesUp == up && session.bytesDown == 0)
                if client == 2 {
                    // By the second, and not a second of the ten that it was gone.
                    #expect(session.durationSeconds <= UInt64(used.components.seconds) + 1)
                    #expect(
                        session.chargeQlc.units == session.durationSeconds * 1_000_000 || session.chargeQlc == session.paidQlc)
                } else {
                    #expect(session.chargeQlc.units == up)
                }
            }

            // Back with a wallet that pays nothing more: it has exactly what it left.
            let before = try running.channel(channels[0])
            let rest = (before.paidQlc - before.chargedQlc).units
            #expect(rest > 10_000)
            try air.run("ip", "link", "set", "client0", "up")
            let wallet = try running.connect(0, channels[0], limit: "0", untilPaid: false)
            let start = try running.wire.carriedAtLast(client: 0)
            _ = try await lab.move(Traffic(.send, bytes: rest + 100_000, size: 500), client: 0)
            let carried = try running.wire.carriedAtLast(client: 0) - start
            #expect(carried.up <= rest && carried.up + 528 > rest)
            try await running.leave(wallet)
            #expect(try running.channel(channels[0]).paidQlc == before.paidQlc)
            try running.expect(channels[0], paysFor: running.wire.carriedAtLast(client: 0))
        }
    }

    /// One wallet on two devices: a channel pays for one session, which goes where the wallet speaks from; a second channel
    /// pays for a second device. Nobody's bytes are on another's account.
    @Test func twoDevicesOfOneBuyer() async throws {
        try await withStation(Plan(clients: 2)) { running, _ in
            let lab = running.lab
            let channel = try running.openChannel(0)
            let buyer = try running.channel(channel).payer.description
            try run(["cp", running.station.wallet(0), running.station.wallet(1)])
            let second = try JSON.decode(
                ChannelView.self,
                from: Data(try running.station.ask("channel", "open", "--buyer", buyer, "--deposit", "1", "--json").utf8)
            ).channelId
            let wallets = try [running.connect(0, channel), running.connect(1, second)]
            async let up = lab.move(.upload(bytes: 300_000, rate: 300_000), client: 0)
            async let down = lab.move(.download(.tcp, bytes: 400_000, rate: 400_000), client: 1)
            #expect(try await up.ended == .complete)
            #expect(try await down.ended == .complete)
            for wallet in wallets { try await running.leave(wallet) }
            for (client, id) in [channel, second].enumerated() {
                let carried = try running.wire.carriedAtLast(client: client)
                #expect(try running.channel(id).chargedQlc.units == carried.up + carried.down)
                let session = try running.session(lab.clients[client].mac)
                #expect(session.bytesUp == carried.up && session.bytesDown == carried.down)
                #expect(session.buyer == buyer)
            }
        }
    }
}
