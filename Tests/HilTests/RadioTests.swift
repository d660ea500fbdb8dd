import Foundation
import Lab
import Netlink
import Primitives
import Testing

/// The kernel's radios, read and told by nl80211, against what hostapd and the kernel's own files say.
@Suite(hardwareInTheLoop, .serialized)
struct RadioTests {
    @Test func radiosAndTheirRulesAreRead() throws {
        let air = try Air(stations: 0, passphrases: ["a": "passphrase-a"])
        let socket = try WirelessSocket()
        let radio = try #require(try socket.radios().first)
        #expect(try socket.radios().count == 1)
        #expect(radio.name.hasPrefix("phy") && radio.canBeAccessPoint)
        let channels = Dictionary(radio.channels.map { ($0.megahertz, $0) }) { first, _ in first }
        // Germany: 20 dBm on 2.4 GHz to channel 13; none on channel 14.
        #expect(try socket.country() == "DE")
        #expect(channels[2_437]?.isDisabled == false && channels[2_437]?.maximumPower == 2_000)
        #expect(channels[2_484]?.isDisabled == true)
        #expect(channels[5_260]?.needsRadarCheck == true)
        let own = try #require(try socket.interfaces().first { $0.name == air.accessPoint })
        #expect(own.isAccessPoint && own.megahertz == 2_437 && own.ssid == Array(Air.ssid.utf8) && own.wiphy == radio.index)
        try socket.limitPower(of: own, to: 1_300)
        #expect(try socket.interfaces().first { $0.index == own.index }?.power == 1_300)
        // Never above what the regulator allows, whatever is asked for.
        try socket.limitPower(of: own, to: 3_000)
        #expect(try socket.interfaces().first { $0.index == own.index }?.power == 2_000)
    }

    @Test func aCountryChangesWhatIsAllowed() throws {
        let air = try Air(stations: 0, passphrases: ["a": "passphrase-a"])
        _ = try air.control("disable")
        let (socket, events) = (try WirelessSocket(), try WirelessEvents())
        try socket.setCountry("US")
        try waitUntil("the rules of the country", timeout: .seconds(20)) { try events.next().contains(.regulatory) }
        #expect(try socket.country() == "US")
        let channel13 = try socket.radios().first?.channels.first { $0.megahertz == 2_472 }
        #expect(channel13?.isDisabled == true)
    }

    @Test func whoIsOnTheAirIsTold() throws {
        let air = try Air(stations: 2, passphrases: ["alice": "alice-passphrase", "bob": "bob-passphrase1"])
        let (socket, events) = (try WirelessSocket(), try WirelessEvents())
        let interface = try #require(try socket.interfaces().first { $0.name == air.accessPoint }).index
        #expect(try socket.stations(of: interface).isEmpty)
        let alice = try air.join(0, passphrase: "alice-passphrase")
        let bob = try air.join(1, passphrase: "bob-passphrase1")
        try waitUntil("both to be authorised", timeout: .seconds(20)) {
            try socket.stations(of: interface).filter(\.isAuthorized).count == 2
        }
        let stations = try socket.stations(of: interface)
        #expect(Set(stations.map(\.mac)) == Set(air.stations.map(\.mac)))
        for (index, name) in ["alice", "bob"].enumerated() {
            let told = try air.control("sta", "\(air.stations[index].mac)")
            #expect(told.contains("keyid=\(name)\n"), "\(told)")
            let station = try #require(stations.first { $0.mac == air.stations[index].mac })
            // The handshake went both ways, and hwsim hears everybody at the same strength.
            #expect(station.bytesReceived > 0 && station.packetsReceived > 0 && station.signal.map { $0 < 0 } == true)
            #expect(told.contains("rx_packets="))
        }
        var seen: [WirelessEvent] = []
        alice.signal(SIGTERM)
        // On a slow machine one may have come and gone before it came to stay: all of it is read.
        let told = air.stations.map { WirelessEvent.joined(interface: interface, $0.mac) }
        try waitUntil("both to come and the first to leave", timeout: .seconds(30)) {
            seen += try events.next()
            return try told.allSatisfy(seen.contains) && seen.contains(.left(interface: interface, air.stations[0].mac))
                && socket.stations(of: interface).map(\.mac) == [air.stations[1].mac]
        }
        bob.close()
    }

    /// A reader that sleeps too long is told that it lost something; what there is, it reads again.
    @Test func whatIsMissedIsNoticed() throws {
        let air = try Air(stations: 0, passphrases: ["a": "passphrase-a"])
        let events = try WirelessEvents()
        var room: Int32 = 2_304  // the least that the kernel gives
        setsockopt(events.descriptor, SOL_SOCKET, SO_RCVBUF, &room, 4)
        for number in 0..<12 {
            try run(["iw", "dev", air.accessPoint, "interface", "add", "extra\(number)", "type", "managed"])
            try run(["iw", "dev", "extra\(number)", "del"])
        }
        var lost = false
        for _ in 0..<200 where !lost {
            do throws(NetlinkError) { _ = try events.next() } catch { lost = error == .overrun }
        }
        #expect(lost)
        #expect(try WirelessSocket().interfaces().map(\.name) == [air.accessPoint])
    }
}

/// Where there is no radio at all.
@Suite(hardwareInTheLoop, .serialized)
struct NoRadioTests {
    @Test func nothingIsFoundAndNothingFails() throws {
        #expect(!FileManager.default.fileExists(atPath: "/sys/module/mac80211_hwsim"))
        let socket = try WirelessSocket()
        #expect(try socket.radios().isEmpty && socket.interfaces().isEmpty)
        #expect(throws: NetlinkError.self) { try socket.stations(of: 4_711) }
    }
}
