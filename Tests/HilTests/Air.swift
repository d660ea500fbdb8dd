import Foundation
import Lab
import LinuxHAL
import Primitives

/// A sky with an access point of hostapd's, started by the test and not by a station.
final class Air {
    static let ssid = "hil"
    let sky: Sky
    var accessPoint: String { sky.accessPoint }
    var stations: [Sky.Device] { sky.devices }
    let passphraseFile = Sky.folder + "/psk"
    var controlPath: String { "/run/hostapd/\(accessPoint)" }
    private let hostapd: LabProcess

    /// - Parameter passphrases: of each key id, which is a buyer's
    init(stations count: Int, passphrases: [String: String]) throws {
        sky = try Sky(devices: count)
        var keys = Passphrases()
        for (id, passphrase) in passphrases { try keys.set(passphrase, for: id) }
        try keys.file.write(toFile: passphraseFile, atomically: true, encoding: .utf8)
        let path = Sky.folder + "/hostapd.conf"
        try """
        interface=\(sky.accessPoint)
        driver=nl80211
        ctrl_interface=/run/hostapd
        ssid=\(Self.ssid)
        country_code=DE
        hw_mode=g
        channel=6
        wpa=2
        wpa_key_mgmt=WPA-PSK
        rsn_pairwise=CCMP
        wpa_psk_file=\(passphraseFile)

        """.write(toFile: path, atomically: true, encoding: .utf8)
        hostapd = try start(["hostapd", "-t", path])
        try waitUntil("hostapd to be on the air", timeout: .seconds(60)) {
            try control("status").contains("state=ENABLED")
        }
    }

    /// As when hostapd dies.
    func killHostapd() { hostapd.close() }

    deinit { hostapd.close() }

    /// What hostapd says, by its own client; "" when it does not answer.
    func control(_ words: String...) throws -> String {
        let process = try start(["hostapd_cli", "-i", accessPoint] + words)
        return try process.wait(timeout: .seconds(20)).stdout
    }

    func join(_ index: Int, passphrase: String) throws -> LabProcess {
        try sky.join(index, ssid: Self.ssid, passphrase: passphrase)
    }
}
