import Foundation
import Lab
import LinuxHAL
import Primitives
import Testing

/// Tells why these tests did not run: `make hil` boots a kernel with simulated radios for them.
let hardwareInTheLoop = ConditionTrait.enabled(
    if: ProcessInfo.processInfo.environment["QLINK_HIL"] != nil, "SKIPPED: needs the guest of make hil")

/// The air of `mac80211_hwsim`: an access point of hostapd's, and devices each in a namespace of its own.
final class Air {
    static let ssid = "hil"
    let accessPoint: String
    let passphraseFile = "/tmp/air/psk"
    var controlPath: String { "/run/hostapd/\(accessPoint)" }
    let stations: [Station]
    private let folder = "/tmp/air"
    private let hostapd: LabProcess

    struct Station {
        let namespace: Namespace
        let interface: String
        let mac: MACAddress
        fileprivate var control: String { "/run/wpa-\(interface)" }
    }

    /// - Parameter passphrases: of each key id, which is a buyer's
    init(stations count: Int, passphrases: [String: String]) throws {
        try run(["modprobe", "mac80211_hwsim", "radios=\(count + 1)"])
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)  // there from the test before
        let phys = try FileManager.default.contentsOfDirectory(atPath: "/sys/class/ieee80211").sorted()
        accessPoint = try Self.interface(of: phys[0])
        stations = try phys.dropFirst().prefix(count).map { phy in
            let interface = try Self.interface(of: phy)
            let mac = try String(contentsOfFile: "/sys/class/net/\(interface)/address", encoding: .utf8)
            let namespace = try Namespace(role: "sta")
            try run(["iw", "phy", phy, "set", "netns", "name", namespace.name])
            return Station(
                namespace: namespace, interface: interface,
                mac: try #require(MACAddress(mac.trimmingCharacters(in: .whitespacesAndNewlines))))
        }
        var keys = Passphrases()
        for (id, passphrase) in passphrases { try keys.set(passphrase, for: id) }
        try keys.file.write(toFile: passphraseFile, atomically: true, encoding: .utf8)
        try """
        interface=\(accessPoint)
        driver=nl80211
        ctrl_interface=/run/hostapd
        ssid=\(Self.ssid)
        country_code=DE
        hw_mode=g
        channel=6
        wpa=2
        wpa_key_mgmt=WPA-PSK
        rsn_pairwise=CCMP
        wpa_psk_file=\(folder)/psk

        """.write(toFile: folder + "/hostapd.conf", atomically: true, encoding: .utf8)
        hostapd = try start(["hostapd", "-t", folder + "/hostapd.conf"])
        try waitUntil("hostapd to be on the air", timeout: .seconds(60)) {
            try control("status").contains("state=ENABLED")
        }
    }

    /// As when hostapd dies.
    func killHostapd() { hostapd.close() }

    deinit {
        hostapd.close()
        for station in stations { station.namespace.close() }
        // A radio whose namespace has gone comes back first. The next test loads the module anew.
        try? waitUntil("the radios to go", timeout: .seconds(10)) { (try? run(["rmmod", "mac80211_hwsim"])) != nil }
    }

    /// What hostapd says, by its own client; "" when it does not answer.
    func control(_ words: String...) throws -> String {
        let process = try start(["hostapd_cli", "-i", accessPoint] + words)
        return try process.wait(timeout: .seconds(20)).stdout
    }

    /// A device joins with a passphrase; the process is its supplicant.
    func join(_ index: Int, passphrase: String) throws -> LabProcess {
        let station = stations[index]
        let path = "\(folder)/\(station.interface).conf"
        try """
        ctrl_interface=\(station.control)
        network={
            ssid="\(Self.ssid)"
            psk="\(passphrase)"
            key_mgmt=WPA-PSK
            scan_freq=2437
        }

        """.write(toFile: path, atomically: true, encoding: .utf8)
        let supplicant = try station.namespace.start(["wpa_supplicant", "-Dnl80211", "-i", station.interface, "-c", path])
        try waitUntil("device \(index) to join", timeout: .seconds(60)) {
            let status = try station.namespace.start(["wpa_cli", "-p", station.control, "-i", station.interface, "status"])
            return try status.wait(timeout: .seconds(20)).stdout.contains("wpa_state=COMPLETED")
        }
        return supplicant
    }

    private static func interface(of phy: String) throws -> String {
        try #require(try FileManager.default.contentsOfDirectory(atPath: "/sys/class/ieee80211/\(phy)/device/net").first)
    }
}
