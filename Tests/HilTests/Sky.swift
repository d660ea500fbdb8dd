import Foundation
import Lab
import Primitives
import Testing

/// Tells why these tests did not run: `make hil` boots a kernel with simulated radios for them.
let hardwareInTheLoop = ConditionTrait.enabled(
    if: ProcessInfo.processInfo.environment["QLINK_HIL"] == "1", "SKIPPED: needs the guest of make hil")

/// The same with systemd as the guest's first process.
let systemdInTheLoop = ConditionTrait.enabled(
    if: ProcessInfo.processInfo.environment["QLINK_HIL"] == "systemd", "SKIPPED: needs the guest of make hil with systemd")

/// The radios of `mac80211_hwsim`: the first for an access point, the others for devices, each in a namespace of its own.
final class Sky {
    /// What is written here goes with the guest.
    static let folder = "/tmp/air"
    let radio: String
    let accessPoint: String
    private(set) var devices: [Device] = []

    struct Device {
        let namespace: Namespace
        let interface: String
        let mac: MACAddress
        fileprivate let phy: String
        fileprivate var control: String { "/run/wpa-\(interface)" }

        /// What `wpa_cli` says to its supplicant; "" when there is none.
        @discardableResult func ask(_ words: String...) throws -> String {
            let process = try namespace.start(["wpa_cli", "-p", control, "-i", interface] + words)
            return try process.wait(timeout: .seconds(20)).stdout
        }

        /// Out of earshot of the others, who are not told; or back again: radios of one group of the simulated medium hear each other.
        func walk(away: Bool) throws {
            try (away ? "2" : "1").write(
                toFile: "/sys/kernel/debug/ieee80211/\(phy)/hwsim/group", atomically: false, encoding: .utf8)
        }

        /// How strong the others hear it, in dBm: hwsim adds the power that it sends with.
        func be(heardAt strength: Int) throws {
            try namespace.run("iw", "dev", interface, "set", "txpower", "fixed", "0")
            let file = "/sys/kernel/debug/ieee80211/\(phy)/hwsim/rx_rssi"
            do { try "\(strength)".write(toFile: file, atomically: false, encoding: .utf8) } catch {
                // Some kernels read it without its sign.
                try "\(UInt64(bitPattern: Int64(strength)))".write(toFile: file, atomically: false, encoding: .utf8)
            }
        }

        func hasJoined() throws -> Bool { try ask("status").contains("wpa_state=COMPLETED") }
    }

    enum Security { case wpa2, wpa3 }

    init(devices count: Int) throws {
        try run(["modprobe", "mac80211_hwsim", "radios=\(count + 1)"])
        try FileManager.default.createDirectory(atPath: Self.folder, withIntermediateDirectories: true)
        let phys = try FileManager.default.contentsOfDirectory(atPath: "/sys/class/ieee80211").sorted()
        radio = phys[0]
        accessPoint = try Self.interface(of: radio)
        for phy in phys.dropFirst() {
            let interface = try Self.interface(of: phy)
            let mac = try String(contentsOfFile: "/sys/class/net/\(interface)/address", encoding: .utf8)
            let namespace = try Namespace(role: "sta")
            try run(["iw", "phy", phy, "set", "netns", "name", namespace.name])
            devices.append(
                Device(namespace: namespace, interface: interface, mac: try #require(MACAddress(mac.trimmed)), phy: phy))
        }
    }

    deinit {
        for device in devices { device.namespace.close() }
        // A radio whose namespace has gone comes back first. The next test loads the module anew.
        try? waitUntil("the radios to go", timeout: .seconds(10)) { (try? run(["rmmod", "mac80211_hwsim"])) != nil }
    }

    /// A device tries to join a network; the process is its supplicant.
    func tryJoining(
        _ index: Int, ssid: String, passphrase: String, _ security: Security = .wpa2, elements: Int = 0
    ) throws -> LabProcess {
        let device = devices[index]
        let path = "\(Self.folder)/\(device.interface).conf"
        let secret =
            switch security {
            case .wpa2: "psk=\"\(passphrase)\"\nkey_mgmt=WPA-PSK\nieee80211w=0"
            case .wpa3: "sae_password=\"\(passphrase)\"\nkey_mgmt=SAE\nieee80211w=2"
            }
        try """
        ctrl_interface=\(device.control)
        sae_pwe=\(elements)
        network={
        ssid="\(ssid)"
        scan_freq=2437
        \(secret)
        }

        """.write(toFile: path, atomically: true, encoding: .utf8)
        return try device.namespace.start(["wpa_supplicant", "-t", "-Dnl80211", "-i", device.interface, "-c", path])
    }

    /// The same until it has joined.
    func join(
        _ index: Int, ssid: String, passphrase: String, _ security: Security = .wpa2, elements: Int = 0
    ) throws -> LabProcess {
        let supplicant = try tryJoining(index, ssid: ssid, passphrase: passphrase, security, elements: elements)
        do {
            try waitUntil("device \(index) to join", timeout: .seconds(60), every: .milliseconds(100)) {
                try devices[index].hasJoined()
            }
        } catch {
            throw LabError.unreadable(what: "how device \(index) joins (\(error))", text: String(supplicant.stdout.suffix(3_000)))
        }
        return supplicant
    }

    /// Addresses by DHCP, as any device asks for them.
    func getAddress(_ index: Int) throws {
        let device = devices[index]
        let script = Self.folder + "/udhcpc"
        try """
        #!/bin/sh
        [ "$1" = bound ] || [ "$1" = renew ] || exit 0
        ip addr flush dev $interface scope global
        ip addr add $ip/$mask dev $interface
        ip route replace default via $router

        """.write(toFile: script, atomically: true, encoding: .utf8)
        try run(["chmod", "755", script])
        try device.namespace.run(
            ["busybox", "udhcpc", "-i", device.interface, "-n", "-q", "-f", "-t", "20", "-T", "1", "-s", script],
            timeout: .seconds(60))
    }

    private static func interface(of phy: String) throws -> String {
        try #require(try FileManager.default.contentsOfDirectory(atPath: "/sys/class/ieee80211/\(phy)/device/net").first)
    }
}
