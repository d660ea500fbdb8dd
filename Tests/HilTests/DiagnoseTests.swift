import Foundation
import Lab
@testable import Netlink
import Testing

/// Everything that may be wrong with a station's radio and its surroundings, as `diagnose` tells it, with the mend.
@Suite(hardwareInTheLoop, .serialized)
struct DiagnoseTests {
    private func expect(_ words: [String], while what: String) throws {
        var told = ""
        do {
            try waitUntil("diagnose to tell it", timeout: .seconds(60), every: .milliseconds(200)) {
                told = try AirStation.diagnosis()
                return words.allSatisfy(told.contains)
            }
        } catch { throw LabError.unreadable(what: "diagnose while \(what)", text: told) }
    }

    private func expectHealth() throws {
        try expect(["on the air as \"\(AirStation.ssid)\"", "rules of DE", "wan0 up, uplink"], while: "all is well")
    }

    @Test func whatIsWrongIsSaidWithItsMend() throws {
        let station = try AirStation(devices: 1)
        try expectHealth()
        try uplinkAndSignal(station)
        try hostapd()
        try dnsmasq()
        try expectHealth()
        try radio()
    }

    private func uplinkAndSignal(_ station: AirStation) throws {
        try station.server.run("ip", "link", "set", "srv0", "down")
        try expect(["wan0 is absent or has no link", "plug it in"], while: "the uplink is down")
        try station.server.run("ip", "link", "set", "srv0", "up")

        let supplicant = try station.join(0, station.sell("1GB", to: "Alice"))
        defer { supplicant.close() }
        try station.sky.devices[0].be(heardAt: -86)
        try station.getAddress(0)
        try expect(["\(station.sky.devices[0].mac) is heard at -86 dBm only", "move it nearer"], while: "a device is far away")
    }

    /// Gone from the disk, and there but of no use.
    private func hostapd() throws {
        try Installed.away("hostapd") {
            for pid in AirStation.processes("hostapd") { kill(pid, SIGKILL) }
            try expect(["hostapd is not installed", "apt-get install hostapd"], while: "hostapd is not there")
            try Installed.replace("hostapd", by: "echo 'Could not set channel for kernel driver'; exit 1")
            try expect(["hostapd does not start: Could not set channel", "see hostapd -d"], while: "hostapd does not start")
        }
        try expectHealth()
    }

    private func dnsmasq() throws {
        try Installed.away("dnsmasq") {
            for pid in AirStation.processes("dnsmasq") { kill(pid, SIGKILL) }
            try expect(["dnsmasq is not installed", "apt-get install dnsmasq-base"], while: "dnsmasq is not there")
        }
        try expectHealth()
        try Installed.away("dnsmasq") {
            for pid in AirStation.processes("dnsmasq") { kill(pid, SIGKILL) }
            try waitUntil("the ports to be free", timeout: .seconds(10)) { AirStation.processes("dnsmasq").isEmpty }
            let other = try start([
                Installed.kept("dnsmasq"), "-k", "-p", "0", "-C", "/dev/null", "--dhcp-range=192.168.9.2,192.168.9.9",
            ])
            defer { other.close() }
            try waitUntil("the other server", timeout: .seconds(20)) {
                // 67 is 0043.
                try String(contentsOfFile: "/proc/net/udp", encoding: .utf8).contains(":0043 00000000:0000")
            }
            try Installed.back("dnsmasq")
            try expect(["another DHCP or DNS server has the ports of", "names it"], while: "another server has the port")
        }
    }

    /// Without rules, without a radio, with one that cannot be an access point, without any driver.
    private func radio() throws {
        try run(["iw", "reg", "set", "00"])
        try expect(["no country's rules are in force", "set country below [wifi]"], while: "no country is set")

        try run(["rmmod", "mac80211_hwsim"])
        try expect(["there is no radio", "install its firmware", "look at dmesg"], while: "the radio is gone")
        try run(["modprobe", "mac80211_hwsim", "radios=0"])
        try SimulatedRadio.plugIn(interfaceTypes: 1 << 2)  // NL80211_IFTYPE_STATION
        // Whether the kernel gives it the name of the one before or not.
        try expect(["be an access point", "shows with \"access point\""], while: "the radio is a client's only")
        try run(["modprobe", "-r", "mac80211_hwsim"])
        try waitUntil("cfg80211 to go", timeout: .seconds(20)) { (try? run(["rmmod", "cfg80211"])) != nil }
        // Asking for a radio may load what all drivers need.
        try expect(["install its firmware", "look at dmesg"], while: "no driver is loaded")
    }
}

/// A radio of mac80211_hwsim's by its own netlink family (drivers/net/wireless/virtual/mac80211_hwsim.h).
private enum SimulatedRadio {
    static func plugIn(interfaceTypes: UInt32) throws {
        let (newRadio, interfaceTypeSupport) = (4, 23)
        try GenericSocket(family: "MAC80211_HWSIM").request("plug a radio in", newRadio) { builder in
            builder.attribute(interfaceTypeSupport, native: interfaceTypes)
        } _: { _ in
        }
    }
}
