import Foundation
import Lab
import Primitives
import StationAPI
import Testing

/// What `basestation radio` tells and does, against what the kernel's own tool says.
@Suite(hardwareInTheLoop, .serialized)
struct RadioCommandTests {
    private func refusal(_ words: String...) throws -> String {
        let program = try Products.url("basestation").path
        let answer = try start([program] + words + ["--socket", AirStation.socket]).wait(timeout: .seconds(60))
        #expect(answer.status == 1, "\(words): \(answer.stdout)")
        return answer.stderr.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private func iw(_ words: String...) throws -> String { try run(["iw"] + words).stdout }

    @Test func statusScanAndSet() throws {
        let station = try AirStation(devices: 2)
        let (port, devices) = (station.sky.accessPoint, station.sky.devices)
        let supplicant = try station.join(0, station.sell("1GB", to: "Alice"))
        defer { supplicant.close() }
        try station.getAddress(0)

        try waitUntil("the device in the radio's status", timeout: .seconds(20), every: .milliseconds(200)) {
            try AirStation.radio().clients.map(\.mac) == [devices[0].mac]
        }
        let told = try JSON.decode(RadioStatusView.self, from: Data(AirStation.ask("radio", "status", "--json").utf8))
        let ports = told.radios.flatMap(\.ports)
        #expect(told.onAir && told.country == "DE" && ports.map(\.channel) == [6, 6], "\(told)")
        #expect(ports.map(\.ssid) == [AirStation.ssid, AirStation.ssid3])
        #expect(try iw("dev", port, "info").contains("channel 6 ") && iw("reg", "get").contains("country DE"))
        let text = try AirStation.ask("radio", "status")
        for line in [
            "On the air  ● yes", "Country     DE", "Power       at most 20 dBm, as configured",
            "Can be      an access point",
            "● Qlink WPA3", "channel 6, 20 dBm", "  \(devices[0].mac) \(port)    key 1",
        ] { #expect(text.contains(line), "\(line) in \(text)") }
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
        let heard = try iw("dev", port, "station", "get", "\(devices[0].mac)")
        #expect(heard.contains("signal:  \t\(told.clients[0].signalDbm ?? 0) "), "\(heard)")

        // A neighbour's network, made by the other radio.
        let neighbour = Sky.folder + "/neighbour.conf"
        try "network={\nssid=\"Neighbour\"\nmode=2\nfrequency=2412\nkey_mgmt=NONE\n}\n".write(
            toFile: neighbour, atomically: true, encoding: .utf8)
        let other = try devices[1].namespace.start(["wpa_supplicant", "-Dnl80211", "-i", devices[1].interface, "-c", neighbour])
        defer { other.close() }
        try waitUntil("the neighbour to be heard", timeout: .seconds(60), every: .seconds(1)) {
            let scan = try JSON.decode(RadioScanView.self, from: Data(AirStation.ask("radio", "scan", "--json").utf8))
            return scan.cells.contains {
                $0.ssid == "Neighbour" && $0.channel == 1 && !$0.protected && $0.bssid == devices[1].mac
            }
        }
        #expect(try AirStation.ask("radio", "scan").contains("Neighbour"))
        #expect(try devices[0].hasJoined(), "a scan cost a device its association")

        // The others are told where to, and nobody has to join again.
        let (since, session) = (try station.associations(), try station.session(0)?.sessionId)
        try AirStation.ask("radio", "set", "--channel", "11")
        try waitUntil("channel 11", timeout: .seconds(30), every: .milliseconds(200)) {
            try iw("dev", port, "info").contains("channel 11 ") && iw("dev", port + "s", "info").contains("channel 11 ")
        }
        try station.expectService(0)
        // Whether a device follows the announcement or joins anew is the device's business; its session is ours.
        #expect(try station.session(0)?.sessionId == session && session != nil)
        print("hil: the device \(try station.associations() == since ? "followed" : "joined anew") on channel 11")

        #expect(try refusal("radio", "set", "--channel", "14").contains("not allowed here"))
        #expect(try refusal("radio", "set", "--channel", "36").contains("another band"))
        // Neither half of what is refused is done.
        #expect(try refusal("radio", "set", "--power", "21", "--channel", "1").contains("0 to 20 dBm here, not 21"))
        #expect(try refusal("radio", "set", "--power", "10", "--channel", "14").contains("not allowed here"))
        let after = try iw("dev", port, "info")
        #expect(after.contains("channel 11 ") && after.contains("txpower 20.00 dBm"), "\(after)")
        // Back to where devices look for it.
        try AirStation.ask("radio", "set", "--channel", "6")
        try waitUntil("channel 6", timeout: .seconds(30), every: .milliseconds(200)) {
            try iw("dev", port, "info").contains("channel 6 ")
        }
        try switchedOff(station)
    }

    /// By the kernel's switch: said in words with the mend, and served again when it is on.
    private func switchedOff(_ station: AirStation) throws {
        let folder = "/sys/class/rfkill"
        let phy = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder).first {
                // Those of radios in other namespaces cannot be read.
                (try? String(contentsOfFile: "\(folder)/\($0)/name", encoding: .utf8))?.trimmed == station.sky.radio
            })
        try "1".write(toFile: "\(folder)/\(phy)/soft", atomically: false, encoding: .utf8)
        var words = ""
        do {
            try waitUntil("diagnose to say so", timeout: .seconds(30), every: .milliseconds(500)) {
                words = try AirStation.diagnosis()
                return words.contains("rfkill unblock wifi")
            }
        } catch { throw LabError.unreadable(what: "diagnose with the radio switched off", text: words) }
        #expect(try !AirStation.radio().onAir && AirStation.radio().radios[0].blocked == "soft")
        try "0".write(toFile: "\(folder)/\(phy)/soft", atomically: false, encoding: .utf8)
        try waitUntil("the station to be on the air again", timeout: .seconds(60), every: .milliseconds(500)) {
            try AirStation.radio().onAir
        }
        try waitUntil("the device to be back", timeout: .seconds(60), every: .milliseconds(200)) {
            try station.sky.devices[0].hasJoined()
        }
        try station.expectService(0)
    }
}
