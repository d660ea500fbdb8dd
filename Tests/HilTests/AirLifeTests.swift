import Foundation
import Lab
import Primitives
import StationAPI
import Testing

/// A device's life on the air: it pays, is sent away, walks off, comes back; and what is charged for it is what was.
@Suite(hardwareInTheLoop, .serialized)
struct AirLifeTests {
    /// With a guest's passphrase as far as the portal; then a wallet pays over the air, up to its limit and beyond it with the next.
    @Test func aWalletPaysOverTheAir() throws {
        let station = try AirStation(devices: 1)
        let guest = try JSON.decode(
            KeyView.self, from: Data(AirStation.ask("key", "create", "--name", "Guest", "--json").utf8))
        let supplicant = try station.join(0, guest)
        defer { supplicant.close() }
        try station.getAddress(0)
        #expect(try station.session(0) == nil)
        #expect(try station.move(Traffic(.download, packets: 3, size: 100, idle: 1), 0).ended != .complete)

        let device = station.sky.devices[0].namespace
        let (wallet, qlink) = (AirStation.folder + "/wallet.key", try Products.url("qlink").path)
        let buyer = try device.run(qlink, "wallet", "create", "--wallet", wallet).stdout.trimmed
        let channel = try JSON.decode(
            ChannelView.self,
            from: Data(AirStation.ask("channel", "open", "--buyer", buyer, "--deposit", "1", "--json").utf8))
        let gateway = try #require(
            try device.run("ip", "route", "show", "default").stdout.split(separator: " ").dropFirst(2).first)
        for (round, limit) in ["0.002", "0.004"].enumerated() {
            let payer = try device.start([
                qlink, "connect", String(gateway), "--channel", "\(channel.channelId)", "--tariff", "per-byte", "--limit", limit,
                "--wallet", wallet, "--yes",
            ])
            defer { payer.close() }
            try waitUntil("the wallet's payment", timeout: .seconds(60)) {
                guard payer.isRunning else {
                    throw LabError.unreadable(what: "the wallet's end", text: payer.stdout + payer.stderr)
                }
                return payer.stdout.contains("\npaid")
            }
            // The wallet pays in steps; a flood overtakes it again and again.
            let paid = UInt64(200_000 * (round + 1))
            var all: UInt64 = 0
            for _ in 0..<20 where all + 1_500 <= paid {
                _ = try station.move(Traffic(.download, bytes: 100_000, rate: 200_000, idle: 1), 0)
                let carried = try station.wire.carriedAtLast(client: 0)
                all = carried.up + carried.down
            }
            #expect(all <= paid && all > paid - 1_500, "limit \(limit): \(all)")
            #expect(try station.session(0)?.buyer == buyer)
        }
    }

    /// The owner sends a device away: its session ends with what it used, and with its key it begins another.
    @Test func whoIsSentAwayComesBackAsANewSession() throws {
        let station = try AirStation(devices: 1)
        let key = try station.sell("1GB", to: "Alice")
        let supplicant = try station.join(0, key)
        defer { supplicant.close() }
        try station.getAddress(0)
        try station.expectService(0)
        let (first, mac) = (try #require(try station.session(0)), station.sky.devices[0].mac)
        try AirStation.ask("client", "disconnect", "\(mac)")
        try waitUntil("the next session", timeout: .seconds(60), every: .milliseconds(100)) {
            try station.session(0).map { $0.sessionId != first.sessionId } ?? false
        }
        #expect(supplicant.stdout.contains("CTRL-EVENT-DISCONNECTED"))
        let ended = try #require(try station.sessions().first { $0.sessionId == first.sessionId })
        #expect(ended.endReason == "disconnected" && ended.bytesUp == first.bytesUp && ended.bytesDown == first.bytesDown)
        #expect(try station.move(.download(bytes: 100_000, rate: 500_000), 0).ended == .complete)

        // Blocked it may associate, and is not served; allowed it is again, without anybody touching the device.
        try AirStation.ask("client", "block", "\(mac)")
        try waitUntil("the end of it", timeout: .seconds(30), every: .milliseconds(100)) { try station.session(0) == nil }
        try AirStation.ask("client", "allow", "\(mac)")
        try waitUntil("her session", timeout: .seconds(60), every: .milliseconds(100)) { try station.session(0) != nil }
    }
}
