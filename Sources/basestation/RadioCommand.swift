import ArgumentParser
import Primitives
import StationAPI
import StationClient

struct Identify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Blinks the board's light for half a minute: which box is it?")
    @OptionGroup var common: Common
    func run() async throws { try await common.station.post("/v1/identify") }
}

struct RadioCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "radio", abstract: "The access point, as the kernel tells it.",
        subcommands: [Status.self, Scan.self, Set.self])

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What is on the air, and who is on it.")
        @OptionGroup var common: Common
        func run() async throws {
            let status: RadioStatusView = try await common.station.get("/v1/radio")
            try common.show(status, RadioCommand.lines)
        }
    }

    struct Scan: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Listens for other access points; clients may notice a short pause.")
        @OptionGroup var common: Common
        func run() async throws {
            let scan: RadioScanView = try await common.station.post("/v1/radio/scan", [String: String]())
            try common.show(scan) { scan in
                scan.cells.map { cell in
                    Screen.right("\(cell.signalDbm) dBm", 8) + Screen.right("\(cell.channel)", 5) + "  \(cell.bssid)  "
                        + Screen.fit(cell.protected ? "" : "open", 6) + RadioCommand.plain(cell.ssid, 36)
                }
                    + scan.channels.map { channel in
                        "channel " + Screen.right("\(channel.channel)", 3) + Screen.right("\(channel.cells)", 4) + " heard"
                            + (channel.busyPercent.map { Screen.right("\($0)", 5) + " % busy" } ?? "")
                            + (channel.noiseDbm.map { ", noise \($0) dBm" } ?? "")
                    }
            }
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Changes power or channel until the next start; clients move along.",
            usage: "basestation radio set [--power DBM] [--channel N]",
            discussion: "To keep it, set [wifi] in station.toml. Example: basestation radio set --power 14")
        @OptionGroup var common: Common
        @Option(help: "At most so many dBm; 20 is 100 mW. Heat may lower it further.") var power: Int?
        @Option(help: "The channel.") var channel: Int?
        func run() async throws {
            guard power != nil || channel != nil else { throw ValidationError("give --power or --channel") }
            let status: RadioStatusView = try await common.station.put(
                "/v1/radio", RadioRequest(powerDbm: power, channel: channel))
            try common.show(status, RadioCommand.lines)
        }
    }

    static func lines(_ status: RadioStatusView) -> [String] {
        var lines = Screen.field("On the air", status.onAir ? "● yes" : "○ no: \(status.reason); \(status.mend)")
        lines += Screen.field("Country", status.country == "00" ? "none is set" : status.country)
        lines += Screen.field("Power", "at most \(status.powerLimitDbm) dBm, \(by(status.powerLimitBy))")
        for radio in status.radios {
            let blocked = radio.blocked.map { ", switched off (\($0))" } ?? ""
            lines += ["", Screen.rule(radio.name)]
            lines += Screen.field("Can be", radio.accessPoint ? "an access point\(blocked)" : "no access point\(blocked)")
            for port in radio.ports {
                let place = port.channel.map { "channel \($0), \(port.powerDbm ?? 0) dBm" } ?? "on no channel"
                lines += Screen.field(port.name, "\(port.onAir ? "●" : "○") \(plain(port.ssid, 32)) \(place)")
            }
            lines += channels(of: radio)
        }
        if !status.clients.isEmpty { lines += ["", Screen.rule("Devices")] }
        for client in status.clients {
            lines.append(
                "  \(client.mac) " + Screen.fit(client.port, 9) + Screen.fit(client.key.map { "key \($0)" } ?? "", 9)
                    + Screen.right(client.signalDbm.map { "\($0) dBm" } ?? "", 8) + "  "
                    + Screen.duration(client.connectedSeconds))
        }
        return lines
    }

    private static func by(_ limit: String) -> String {
        switch limit {
        case "owner": "as set with radio set"
        case "heat": "lowered while the board is hot"
        default: "as configured"
        }
    }

    /// The same number means another channel in another band. "r": radar must be listened for first.
    private static func channels(of radio: RadioStatusView.Radio) -> [String] {
        let bands = [("2.4 GHz", 2_400..<2_500), ("5 GHz", 5_000..<5_925), ("6 GHz", 5_925..<7_200)]
        let lines = bands.flatMap { name, band in
            let allowed = radio.channels.filter { $0.allowed && band.contains(Int($0.megahertz)) }
            return allowed.isEmpty
                ? [] : Screen.field(name, allowed.map { "\($0.number)\($0.radar ? "r" : "")" }.joined(separator: " "))
        }
        return lines.isEmpty ? Screen.field("Channels", "none are allowed") : lines
    }

    /// A stranger chose the name: nothing of it steers the terminal.
    static func plain(_ ssid: String, _ columns: Int) -> String {
        let shown = String(
            String.UnicodeScalarView(ssid.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
        return Screen.fit(shown, columns)
    }
}
