import Foundation
import Lab
import Primitives
import StationAPI
import Testing

/// The station as a board's systemd runs it: installed, under a user of its own, its radio's programs in units beside it.
@Suite(systemdInTheLoop, .serialized)
struct UnitsTests {
    static let units = ["basestationd", "basestation-hostapd", "basestation-dnsmasq"]

    private func systemctl(_ words: String...) throws -> String {
        try start(["systemctl"] + words).wait(timeout: .seconds(90)).stdout
    }

    /// The main process of a unit; 0 where there is none.
    private func process(_ unit: String) throws -> String {
        try systemctl("show", "-P", "MainPID", unit).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// "active", "activating" while it waits for a restart too, "inactive".
    private func state(_ unit: String) throws -> String {
        try systemctl("show", "-P", "ActiveState", unit).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func processes() throws -> [String] { try Self.units.map(process) }

    private func ask(_ words: String...) throws -> String {
        try run(["/usr/bin/basestation"] + words, timeout: .seconds(60)).stdout
    }

    private func sessions() throws -> [SessionView] {
        try JSON.decode([SessionView].self, from: Data(ask("sessions", "--active", "--json").utf8))
    }

    private func install(_ sky: Sky) throws {
        let tree = URL(fileURLWithPath: Products.rules).deletingLastPathComponent().deletingLastPathComponent().path
        try run(["make", "-C", tree, "install", "BIN=\(Products.url("basestationd").deletingLastPathComponent().path)"])
        try setUp(sky)
        // A development build finds its libraries where the compiler is, which may be somebody's home.
        try run(["mkdir", "-p", "/run/systemd/system/basestationd.service.d"])
        try "[Service]\nProtectHome=no\n".write(
            toFile: "/run/systemd/system/basestationd.service.d/home.conf", atomically: true, encoding: .utf8)
        try run(["systemctl", "daemon-reload"])
        try run(["systemctl", "start", "basestationd"], timeout: .seconds(90))
    }

    private func setUp(_ sky: Sky) throws {
        // As an owner does it: name, uplink, country, no wired clients, free of charge, the usual greeting.
        let answers = "/tmp/answers"
        try "\(AirStation.ssid)\nwan0\nDE\nnone\n0\n\n".write(toFile: answers, atomically: true, encoding: .utf8)
        #expect(try ask("setup", "--force", "--answers", answers).contains("\(Self.configuration) is written"))
        let made = try String(contentsOfFile: Self.configuration, encoding: .utf8)
        #expect(made.contains("port = \"\(sky.accessPoint)\"\ncountry = \"DE\""), "\(made)")
    }

    static let configuration = "/etc/basestation/station.toml"

    private func failure(_ what: String) throws -> LabError {
        .unreadable(
            what: what,
            text: String(
                try start(["journalctl", "-b", "--no-pager", "-n", "60"]).wait(timeout: .seconds(20)).stdout.suffix(1_000)))
    }

    @Test func installedStartedRestartedAndReset() throws {
        let sky = try Sky(devices: 1)
        let server = try Namespace(role: "server")
        defer {
            _ = try? run(["systemctl", "stop"] + Self.units, timeout: .seconds(60))
            server.close()
            for name in ["wan0", "lan0"] { _ = try? run(["ip", "link", "del", name]) }
        }
        try AirStation.wire(server, clients: 1)
        try run(["ip", "link", "add", "lan0", "type", "dummy"])  // of the first configuration
        try install(sky)
        do { try live(sky) } catch { throw try failure("the journal after \(error)") }
    }

    private func live(_ sky: Sky) throws {
        try waitUntil("the station to be on the air", timeout: .seconds(60), every: .milliseconds(200)) {
            try AirStation.isOnAir(sky.accessPoint) && !processes().contains("0")
        }
        for unit in Self.units {
            let status = try String(contentsOfFile: "/proc/\(process(unit))/status", encoding: .utf8)
            let user = status.split(separator: "\n").first { $0.hasPrefix("Uid:") } ?? ""
            #expect(!user.split(separator: "\t").contains("0"), "\(unit) is root: \(user)")
        }
        let key = try JSON.decode(
            KeyView.self, from: Data(ask("key", "create", "--name", "Alice", "--free", "--tariff", "free", "--json").utf8))
        let supplicant = try sky.join(0, ssid: AirStation.ssid, passphrase: try #require(key.passphrase))
        defer { supplicant.close() }
        try sky.getAddress(0)
        try waitUntil("Alice's session", timeout: .seconds(30), every: .milliseconds(200)) { try sessions().count == 1 }
        let session = try sessions().map(\.sessionId)

        // An update of the agent: neither hostapd nor dnsmasq nor anybody on the air notices.
        let (before, since) = (try processes(), try AirStation.associations(on: [sky.accessPoint]))
        #expect(since.count == 1)
        try run(["systemctl", "restart", "basestationd"], timeout: .seconds(90))
        try run(["systemctl", "kill", "--kill-whom=main", "-s", "KILL", "basestationd"])
        try waitUntil("the agent to be back", timeout: .seconds(60), every: .milliseconds(200)) {
            let process = try process("basestationd")
            return process != "0" && process != before[0] && (try? sessions().map(\.sessionId)) == session
        }
        #expect(try processes().dropFirst() == before.dropFirst())
        #expect(try AirStation.associations(on: [sky.accessPoint]) == since)

        // systemd starts hostapd again, and the session goes on.
        try run(["systemctl", "kill", "-s", "KILL", "basestation-hostapd"])
        try waitUntil("hostapd and Alice to be back", timeout: .seconds(90), every: .milliseconds(200)) {
            let process = try process("basestation-hostapd")
            return try process != "0" && process != before[1] && sky.devices[0].hasJoined()
        }
        #expect(try sessions().map(\.sessionId) == session)
        try reset(sky)

        // The owner sets it up again.
        try setUp(sky)
        try run(["systemctl", "restart", "basestationd"], timeout: .seconds(90))
        try waitUntil("the network to be back", timeout: .seconds(60), every: .milliseconds(200)) {
            try AirStation.isOnAir(sky.accessPoint) && Self.units.allSatisfy { try state($0) == "active" }
        }
    }

    /// What the button orders, by the name that the daemon gives it: the first configuration is back, the accounts are still there.
    private func reset(_ sky: Sky) throws {
        let (ours, agent) = (try String(contentsOfFile: Self.configuration, encoding: .utf8), try process("basestationd"))
        try run([
            "setpriv", "--reuid=basestation", "--regid=basestation", "--clear-groups", "touch", "/run/basestation/factory-reset",
        ])
        try waitUntil("the factory's configuration to be in force", timeout: .seconds(60), every: .milliseconds(200)) {
            let process = try process("basestationd")
            return process != "0" && process != agent && (try? ask("status")) != nil
        }
        let factory = try String(contentsOfFile: "/usr/share/basestation/station.toml", encoding: .utf8)
        #expect(try String(contentsOfFile: Self.configuration, encoding: .utf8) == factory)
        #expect(try String(contentsOfFile: Self.configuration + ".~1~", encoding: .utf8) == ours)
        #expect(!FileManager.default.fileExists(atPath: "/run/basestation/factory-reset"))
        #expect(try ask("key", "list").contains("Alice"))
        // It names no Wi-Fi: the network is off the air, and systemd does not try to start its programs again and again.
        try waitUntil("the network to be gone", timeout: .seconds(30), every: .milliseconds(200)) {
            try !AirStation.isOnAir(sky.accessPoint) && Self.units.dropFirst().allSatisfy { try state($0) == "inactive" }
        }
    }
}
