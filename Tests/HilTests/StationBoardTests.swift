import Foundation
import Lab
import StationAPI
import Testing

/// The whole station on a whole board: what its light, button, fan, sensor and receiver do to the daemon, and the daemon to them,
/// through the kernel's own files.
@Suite(hardwareInTheLoop, .serialized)
struct StationBoardTests {
    private static let lines = ["status-led", "radio-en", "pa-en", "fan", "reset"]
    private static let board = """
        [board]
        gpio_chip = "board"
        led_line = "status-led"
        radio_enable_line = "radio-en"
        amplifier_line = "!pa-en"
        fan_line = "fan"
        button_line = "reset"
        gpsd_address = "\(SatelliteReceiver.gpsd)"
        """

    /// How long the light was on and off, in milliseconds, one spell after the other; the first and the last are cut off.
    private func spells(of chip: GPIOChip, for time: Duration = .milliseconds(3_200)) throws -> [(isOn: Bool, length: Int)] {
        let (start, clock) = (ContinuousClock.now, ContinuousClock())
        var (found, isOn, since): ([(isOn: Bool, length: Int)], Bool, ContinuousClock.Instant) = (
            [], try chip.value("status-led"), start
        )
        while clock.now - start < time {
            let now = try chip.value("status-led")
            if now != isOn {
                found.append((isOn, Int((clock.now - since) / .milliseconds(1))))
                (isOn, since) = (now, clock.now)
            }
            usleep(5_000)
        }
        return found.isEmpty ? [(isOn, Int(time / .milliseconds(1)))] : Array(found.dropFirst())
    }

    private enum Light: String { case steady, slow, twice, fast, dark, other }

    /// The patterns of the documentation, with room for a busy processor.
    private func light(of chip: GPIOChip) throws -> Light {
        let spells = try spells(of: chip)
        let (bright, dark) = (spells.filter(\.isOn).map(\.length).sorted(), spells.filter { !$0.isOn }.map(\.length).sorted())
        guard spells.count > 1 else {
            return spells.first.map { $0.length < 3_000 ? .other : $0.isOn ? .steady : .dark } ?? .other
        }
        guard let brightest = bright.last, let darkest = dark.last, let least = dark.first else { return .other }
        switch (brightest, darkest) {
        case (700...1_400, 700...1_400): return .slow
        case (100...500, 900...1_600) where least < 500: return .twice
        case (30...190, 30...190): return .fast
        default: return .other
        }
    }

    private func expect(_ wanted: Light, on chip: GPIOChip, _ when: String) throws {
        try waitUntil("the light to be \(wanted) \(when)", timeout: .seconds(60), every: .milliseconds(50)) {
            try light(of: chip) == wanted
        }
    }

    @Test func whatTheBoardTellsAndDoes() throws {
        let chip = try GPIOChip(label: "board", lines: Self.lines)
        let sensor = try HeatSource(celsius: 40)
        let gpsd = try SatelliteReceiver.startGpsd()
        defer { gpsd.close() }
        let station = try AirStation(devices: 1, board: Self.board)
        try waitUntil("the station to be on the air", timeout: .seconds(60), every: .milliseconds(200)) {
            try AirStation.radio().onAir
        }
        #expect(try chip.value("radio-en") && !chip.value("pa-en"))
        try expect(.steady, on: chip, "while it serves")
        try isFound()
        try lightFollowsTheUplink(chip, station)
        try heatAndOwnerLowerThePower(chip, sensor, station)
        try lightFollowsTheRadio(chip)
        try buttonIsPressed(chip)
        withExtendedLifetime((sensor, station)) {}
    }

    private func isFound() throws {
        let wanted = SatelliteReceiver.step(7)
        try waitUntil("the position in the status", timeout: .seconds(60), every: .milliseconds(500)) {
            SatelliteReceiver.send(wanted.sentences)
            return try AirStation.get("/v1/status", as: StatusView.self).position != nil
        }
        let status = try JSON.decode(StatusView.self, from: Data(AirStation.ask("status", "--json").utf8))
        #expect(status.temperatureCelsius == 40)
        let place = try #require(status.position)
        for (text, degrees) in [(place.latitude, wanted.north), (place.longitude, wanted.east)] {
            #expect(abs((try #require(Double(text))) - Double(degrees) / 1e7) < 3e-6, "\(text)")
        }
    }

    private func lightFollowsTheUplink(_ chip: GPIOChip, _ station: AirStation) throws {
        try station.server.run("ip", "link", "set", "srv0", "down")
        try expect(.slow, on: chip, "without an uplink")
        try station.server.run("ip", "link", "set", "srv0", "up")
        try expect(.steady, on: chip, "with its uplink again")
    }

    private func heatAndOwnerLowerThePower(_ chip: GPIOChip, _ sensor: HeatSource, _ station: AirStation) throws {
        let port = station.sky.accessPoint
        /// What the kernel's own tool says is what the station says, and why.
        func expect(atMost limit: Int, by reason: String) throws {
            try waitUntil("at most \(limit) dBm by \(reason)", timeout: .seconds(90), every: .milliseconds(300)) {
                let told = try AirStation.radio()
                return try told.powerLimitDbm <= limit && told.powerLimitBy == reason
                    && AirStation.power(of: port) == "\(told.powerLimitDbm).00 dBm"
            }
        }
        try expect(atMost: 20, by: "configuration")
        #expect(try !chip.value("fan"))
        // Heat does not wait for those whose work has nothing to do with it.
        try Installed.away("dnsmasq") {
            for pid in AirStation.processes("dnsmasq") { kill(pid, SIGKILL) }
            try waitUntil("the address server to be missed", timeout: .seconds(30), every: .milliseconds(300)) {
                try !AirStation.radio().onAir
            }
            try sensor.set(celsius: 80)
            try expect(atMost: 17, by: "heat")
        }
        #expect(try chip.value("fan"))
        #expect(try AirStation.ask("radio", "status").contains("dBm, lowered while the board is hot"))
        // The owner cannot make a hot board louder, and is not forgotten when it has cooled.
        try AirStation.ask("radio", "set", "--power", "20")
        try expect(atMost: 17, by: "heat")
        try AirStation.ask("radio", "set", "--power", "7")
        try expect(atMost: 4, by: "heat")
        try sensor.set(celsius: 45)
        try waitUntil("the owner's 7 dBm", timeout: .seconds(200), every: .milliseconds(500)) {
            try AirStation.power(of: port) == "7.00 dBm"
        }
        try expect(atMost: 7, by: "owner")
        try waitUntil("the fan to stop", timeout: .seconds(30)) { try !chip.value("fan") }
    }

    private func lightFollowsTheRadio(_ chip: GPIOChip) throws {
        try Installed.away("hostapd") {
            for pid in AirStation.processes("hostapd") { kill(pid, SIGKILL) }
            try expect(.twice, on: chip, "while hostapd is gone")
        }
        try expect(.steady, on: chip, "with hostapd again")
    }

    private func buttonIsPressed(_ chip: GPIOChip) throws {
        let request = AirStation.folder + "/run/factory-reset"
        // Short: which board is it? The same by the CLI.
        try chip.pull("reset", up: true)
        usleep(200_000)
        try chip.pull("reset", up: false)
        try expect(.fast, on: chip, "after a short press")
        try expect(.steady, on: chip, "half a minute later")
        try AirStation.ask("identify")
        try expect(.fast, on: chip, "after identify")
        #expect(!FileManager.default.fileExists(atPath: request))
        try chip.pull("reset", up: true)
        let begin = ContinuousClock.now
        try waitUntil("the request for a factory reset", timeout: .seconds(60)) {
            FileManager.default.fileExists(atPath: request)
        }
        #expect(ContinuousClock.now - begin >= .seconds(9))
        try chip.pull("reset", up: false)
    }
}
