import Foundation
import Lab
import Netlink
import Primitives
import StationAPI
import Testing

/// Whoever joins with a buyer's passphrase is that buyer, from the first byte to the last.
@Suite(hardwareInTheLoop, .serialized)
struct AirStationTests {
    /// Two buyers, one with WPA2 and one with WPA3; then everything of the station dies, piece by piece, under their feet.
    @Test func buyersAreServedWhateverDies() throws {
        let station = try AirStation(devices: 2)
        let alice = try station.sell("1GB", to: "Alice")
        let bob = try station.sell("1GB", to: "Bob", mac: station.sky.devices[1].mac)
        let supplicants = [try station.join(0, alice), try station.join(1, bob, .wpa3)]
        defer { supplicants.forEach { $0.close() } }
        for (index, key) in [alice, bob].enumerated() {
            try station.getAddress(index)
            try station.expectService(index)
            #expect(try station.session(index)?.buyer == key.buyer)
        }
        let told = try JSON.decode([SessionView].self, from: Data(AirStation.ask("sessions", "--json").utf8))
        #expect(Set(told.map(\.buyer)) == [alice.buyer, bob.buyer] && told.count == 2)
        let before = try [0, 1].map { try #require(try station.session($0)?.sessionId) }

        // The agent: nobody is disconnected, and no byte is lost.
        let connected = try station.associations()
        station.killDaemon()
        #expect(try station.move(.download(bytes: 50_000, rate: 500_000), 0).ended == .complete)
        try station.restartDaemon()
        for index in [0, 1] { try station.expectService(index) }
        #expect(try station.associations() == connected)

        // hostapd, without a word; then the interface that it has.
        for death in ["hostapd", "interface"] {
            let (start, old) = (ContinuousClock.now, AirStation.processes("hostapd"))
            switch death {
            case "hostapd": for pid in old { kill(pid, SIGKILL) }
            default: try run(["iw", "dev", station.sky.accessPoint, "del"])
            }
            try waitUntil("the access point after the death of \(death)", timeout: .seconds(30), every: .milliseconds(50)) {
                let new = AirStation.processes("hostapd")
                return try !new.isEmpty && new != old && AirStation.isOnAir(station.sky.accessPoint)
            }
            print("hil: on the air again \(ContinuousClock.now - start) after the death of \(death)")
            for index in [0, 1] {
                try waitUntil("device \(index) to be back", timeout: .seconds(60), every: .milliseconds(100)) {
                    try station.sky.devices[index].hasJoined()
                }
                try station.expectService(index)
            }
        }
        #expect(try [0, 1].map { try station.session($0)?.sessionId } == before)
    }

    /// Service ends with the last paid byte, on the air as on the wire.
    @Test func thePaidByteIsTheLast() throws {
        let station = try AirStation(devices: 1)
        let key = try station.sell("200KB", to: "Alice")
        let supplicant = try station.join(0, key)
        defer { supplicant.close() }
        try station.getAddress(0)
        _ = try station.move(Traffic(.download, bytes: 500_000, rate: 500_000, idle: 2), 0)
        let carried = try station.wire.carriedAtLast(client: 0)
        #expect(carried.up + carried.down <= 200_000 && carried.up + carried.down > 200_000 - 1_500)
        let record = try #require(try station.sessions().first)
        #expect(record.bytesUp == carried.up && record.bytesDown == carried.down && record.state == "exhausted")
    }

    /// Mallory has Alice's address and a passphrase of his own: he pays, she does not.
    @Test func aStolenAddressPaysForItself() throws {
        let station = try AirStation(devices: 2)
        let (alice, mallory) = (try station.sell("1GB", to: "Alice"), try station.sell("1GB", to: "Mallory"))
        let victim = try station.join(0, alice)
        try station.getAddress(0)
        try station.expectService(0)
        let first = try #require(try station.session(0))
        // She is out of range, he takes her address.
        victim.close()
        let thief = station.sky.devices[1]
        try thief.namespace.run("ip", "link", "set", thief.interface, "address", "\(station.sky.devices[0].mac)")
        let supplicant = try station.join(1, mallory)
        defer { supplicant.close() }
        try station.getAddress(1)
        #expect(try station.move(.download(bytes: 100_000, rate: 500_000), 1).ended == .complete)
        let carried = try station.wire.carriedAtLast(client: 1)
        try waitUntil("Mallory's session to have it all", timeout: .seconds(20), every: .milliseconds(200)) {
            let session = try station.sessions().first { $0.buyer == mallory.buyer && $0.endedAt == nil }
            return session?.bytesUp == carried.up && session?.bytesDown == carried.down
        }
        let hers = try #require(try station.sessions().first { $0.sessionId == first.sessionId })
        #expect(hers.bytesUp == first.bytesUp && hers.bytesDown == first.bytesDown && hers.endReason == "moved")
    }

    /// One buyer more and one less: nobody else is disconnected, with WPA2 and with WPA3.
    @Test func buyersComeAndGoAlone() throws {
        let station = try AirStation(devices: 3)
        let macs = station.sky.devices.map(\.mac)
        let keys = [
            try station.sell("1GB", to: "Alice"), try station.sell("1GB", to: "Bob", mac: macs[1]),
            try station.sell("1GB", to: "Carol", mac: macs[2]),
        ]
        var supplicants = [try station.join(0, keys[0]), try station.join(1, keys[1], .wpa3)]
        let connected = try station.associations()
        // Carol's key is made while the others are there; she can use it at once, by either way of SAE.
        let dave = try station.sell("1GB", to: "Dave")
        supplicants.append(try station.join(2, keys[2], .wpa3))
        #expect(try station.associations().filter { connected[$0.key] != nil } == connected)
        try AirStation.ask("key", "revoke", "\(keys[2].number)")
        try waitUntil("Carol to be sent away", timeout: .seconds(20), every: .milliseconds(100)) {
            try station.associations()["\(macs[2])"] == nil
        }
        try AirStation.ask("key", "revoke", "\(dave.number)")
        // She tries again with what she has.
        try waitUntil("her passphrase to be refused", timeout: .seconds(60), every: .milliseconds(200)) {
            supplicants[2].stdout.contains("CTRL-EVENT-SSID-TEMP-DISABLED")
                || supplicants[2].stdout.contains("CTRL-EVENT-ASSOC-REJECT")
                || supplicants[2].stdout.contains("CTRL-EVENT-AUTH-REJECT")
        }
        #expect(try station.associations() == connected)
        supplicants.forEach { $0.close() }
    }

    /// Devices come and go all day; nothing of them stays behind.
    @Test func aHundredJoinsLeaveNothingBehind() throws {
        let station = try AirStation(devices: 2)
        let keys = [try station.sell("1GB", to: "Alice"), try station.sell("1GB", to: "Bob", mac: station.sky.devices[1].mac)]
        let supplicants = [try station.join(0, keys[0]), try station.join(1, keys[1], .wpa3)]
        defer { supplicants.forEach { $0.close() } }
        var first: AirStation.Holdings?
        for round in 0..<50 {
            for device in station.sky.devices { try device.ask("disconnect") }
            try waitUntil("both to be gone", timeout: .seconds(30), every: .milliseconds(50)) {
                try station.authorized() == 0
            }
            for device in station.sky.devices { try device.ask("reconnect") }
            try waitUntil("both to be back", timeout: .seconds(60), every: .milliseconds(50)) {
                try station.authorized() == 2
            }
            if round == 9 { first = try station.holdings() }
        }
        for index in [0, 1] {
            try station.getAddress(index)
            try station.expectService(index)
        }
        let (before, after) = (try #require(first), try station.holdings())
        print("hil: after 20 joins \(before), after 100 \(after)")
        #expect(after.descriptors <= before.descriptors && after.interfaces == before.interfaces)
        #expect(after.threads <= before.threads + 2 && after.kilobytes < before.kilobytes + 4_096)
        #expect(try station.sessions().count == 2)
    }
}
