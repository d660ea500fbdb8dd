import Charging
import Foundation
import Primitives
import StationConfiguration
import Testing

let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..").standardizedFileURL
let example = try! String(contentsOf: root.appendingPathComponent("board/station.toml"), encoding: .utf8)

func read(_ text: String, _ environment: [String: String] = [:]) throws(ConfigurationError) -> StationConfiguration {
    try StationConfiguration(text: text, file: "station.toml", environment: environment)
}

/// What is wrong, a line each; empty if nothing is.
func complaints(_ text: String, _ environment: [String: String] = [:]) -> [String] {
    do {
        _ = try read(text, environment)
        return []
    } catch { return error.problems.map(\.description) }
}

let minimal = "[[tariff]]\nid = \"free\"\n"

@Suite struct StationConfigurationTests {
    @Test func theExampleOfTheBoardIsRight() throws {
        let configuration = try StationConfiguration.load(path: root.appendingPathComponent("board/station.toml").path)
        #expect(configuration.tariffs.map(\.id) == ["per-byte", "per-second", "night", "day-pass", "free"])
        #expect(configuration.tariffs[4].isFree && !configuration.tariffs[0].isFree)
        let night = configuration.tariffs[2]
        #expect(night.rates == Rates(byteUp: Price(QLC("0.01")!, per: 1_000_000), byteDown: Price(QLC("0.01")!, per: 1_000_000)))
        #expect(night.windows.count == 1 && night.windows[0].startMinute == 1_320 && night.windows[0].endMinute == 360)
        #expect(configuration.tariffs[3].package == Package(price: QLC("0.5")!, bytes: 1_000_000_000, seconds: 86_400))
    }

    /// What is commented out shows the default: taken in, it changes nothing.
    @Test func theExampleTellsTheDefaults() throws {
        let all = example.split(separator: "\n").map { line in
            line.hasPrefix("# ") && line.contains(" = ") || line.hasPrefix("# [") ? line.dropFirst(2) : line
        }
        #expect(try read(all.joined(separator: "\n")) == read(example))
    }

    @Test func everyKeyOfATariffArrives() throws {
        let tariff = try read(
            """
            [[tariff]]
            id = "all"
            name = "Näme"
            price_per_hour = "1"
            price_per_mb = "0.5"
            price_per_mb_up = "0.25"
            flat = "2"
            package_price = "3"
            package_time = "90s"
            free_data = "1kB"
            free_time = "2m"
            cap_session = "4"
            cap_day = "5.00000001"
            donations = true
            utc_offset = "-03:30"
            idle_timeout = "60s"
            hard_timeout = "7d"
            credit_window_min = "0.1"
            credit_window_max = "0.2"
            [[tariff.window]]
            days = ["sun", "mon"]
            from = "08:00"
            to = "08:01"
            price_per_second = "0.00000001"
            """
        ).tariffs[0]
        let window = TimeWindow(days: 0b100_0001, startMinute: 480, endMinute: 481, rates: Rates(second: Price(QLC(units: 1))))
        let wanted = Tariff(
            id: "all", name: "Näme",
            rates: Rates(
                second: Price(QLC("1")!, per: 3_600), byteUp: Price(QLC("0.25")!, per: 1_000_000),
                byteDown: Price(QLC("0.5")!, per: 1_000_000)),
            windows: [window], flat: QLC("2")!, package: Package(price: QLC("3")!, seconds: 90), freeBytes: 1_000,
            freeSeconds: 120,
            capPerSession: QLC("4")!, capPerDay: QLC("5.00000001")!, acceptsDonations: true, utcOffsetMinutes: -210,
            idleTimeout: 60,
            hardTimeout: 604_800, creditWindow: CreditWindowLimits(minimum: QLC("0.1")!, maximum: QLC("0.2")!))
        #expect(tariff == wanted)
        #expect(try Tariff(canonicalBytes: tariff.canonicalBytes) == tariff)  // it can be signed and offered
    }

    @Test func allMistakesAreToldAtOnceWithPlaceAndMend() {
        let text = """
            [station]
            nmae = "x"
            hal = "linus"
            [network]
            client_ports = "lan0"
            sample_interval = "1s"
            [charging]
            sample_interval = 5
            default_tariff = "fre"
            [[tariff]]
            id = "free"
            flat = 0.5
              price_per_mib = "1"
            [[tariff]]
            id = "free"
            package_data = "1GB"
            [[tariff.window]]
            from = "25:00"
            """
        let quoted = "it is an amount of QLC above zero, in quotes, with eight decimals at most"
        #expect(
            complaints(text) == [
                "station.toml:2:1: [station] has no key \"nmae\"; did you mean \"name\"?",
                "station.toml:3:1: station.hal cannot be \"linus\": it is one of linux, simulated; did you mean \"linux\"?",
                "station.toml:5:1: network.client_ports cannot be \"lan0\": it is 1 to 16 names of network interfaces, each once; "
                    + "write it like client_ports = [\"lan0\", \"wlan0\"]",
                "station.toml:6:1: [network] has no key \"sample_interval\"; it belongs below [charging]",
                "station.toml:8:1: charging.sample_interval cannot be 5: it is a time from 50ms to 10s, in ms, s, m, h or d; "
                    + "write it like sample_interval = \"1s\"",
                "station.toml:9:1: there is no tariff \"fre\"; did you mean \"free\"?",
                "station.toml:12:1: tariff.flat cannot be a number with a decimal point: \(quoted); write it like flat = \"0.5\"",
                "station.toml:13:3: [tariff] has no key \"price_per_mib\"; did you mean \"price_per_mb\"?",
                "station.toml:15:1: tariff \"free\" is there twice; give each an id of its own",
                "station.toml:16:1: the package has no price; add package_price = \"1\", or give it away as free_data or free_time",
                "station.toml:17:1: a window has a beginning and an end; add from = \"22:00\" and to = \"06:00\"",
                "station.toml:18:1: tariff.window.from cannot be \"25:00\": it is a time of day from 00:00 to 23:59; "
                    + "write it like from = \"22:00\"",
            ])
    }

    @Test(arguments: [
        ("station = 5\n", "\"station\" is a section"), ("[[[", "this is not TOML"),
        ("[stations]\n", "there is no section \"stations\"; did you mean \"station\"?"),
        ("name = \"x\"\n", "it belongs below [station]"),
        ("\"station.name\" = \"x\"\n", "there is no section \"station.name\""),
        ("[network]\nuplink_port = \"a/b\"\n", "network interface"),
        ("[network]\nuplink_port = \"lan0\"\n", "both a port for clients and the uplink"),
        ("[network]\nclient_ports = [\"a\", \"a\"]\n", "each once"), ("[network]\nclient_ports = []\n", "1 to 16 names"),
        ("[network]\nclient_ports = [1]\n", "cannot be this list"),
        ("[station]\nname = \"a\\u0000b\"\n", "without control characters"),
        ("[station]\nname = \"\"\n", "1 to 64 bytes"), ("[station]\nstate_directory = \"var\"\n", "absolute path"),
        ("[portal]\nlisten_port = 65536\n", "1 to 65535"), ("[portal]\nlisten_port = true\n", "cannot be true"),
        ("[log]\nlevel = 1979-05-27\n", "a date or time without quotes"), ("[log.level]\n", "cannot be a table"),
        ("[simulation]\nseed = -1\n", "from 0 to"), ("[station]\nname = \"x\n", "this is not TOML"),
        ("[station]\nname = \"x\"\nname = \"y\"\n", "this is not TOML"),
        ("[charging]\nsave_interval = \"9999999999999d\"\n", "a time from"),
    ])
    func aMistakeIsExplained(_ mistake: String, _ words: String) {
        let found = complaints(mistake + minimal)
        #expect(!found.isEmpty && found.contains { $0.contains(words) && $0.hasPrefix("station.toml:") }, "\(found)")
    }

    @Test(arguments: [
        ("price_per_mb = \"0\"", "above zero"), ("price_per_mb = \"0.000000001\"", "eight decimals"),
        ("price_per_mb = \"600000001\"", "an amount of QLC"),
        ("price_per_minute = \"1\"\nprice_per_hour = \"1\"", "several prices for time"),
        ("price_per_mb = \"1\"\nprice_per_mb_up = \"1\"\nprice_per_mb_down = \"1\"", "says nothing"),
        ("package_price = \"1\"", "holds nothing"), ("package_time = \"1h\"", "has no price"),
        ("free_time = \"500ms\"", "whole seconds"),
        ("free_data = \"1 parsec\"", "amount of data"), ("utc_offset = \"02:00\"", "with its sign"),
        ("utc_offset = \"+14:30\"", "offset"),
        ("idle_timeout = \"1s\"", "a time from 10s to 1d"), ("credit_window_min = \"2\"", "above credit_window_max"),
        ("id2 = \"x\"", "did you mean \"id\"?"),
        ("window = [{from = \"01:00\", to = \"02:00\", days = [\"mo\"]}]", "one or more of mon"),
        ("window = [{from = \"01:00\", to = \"02:00\", days = []}]", "one or more of mon"), ("window = 3", "[[tariff.window]]"),
        ("name = \"\(String(repeating: "x", count: 65))\"", "at most 64"),
        ("window = [\(String(repeating: "{from = \"01:00\", to = \"02:00\"},", count: 17))]", "keep 16 at most"),
    ])
    func aTariffThatContradictsItselfIsRefused(_ lines: String, _ words: String) {
        let found = complaints(minimal + lines)
        #expect(found.count == 1 && found[0].contains(words), "\(found)")
    }

    @Test func thereIsATariffWithAnIdAndNotTooMany() {
        #expect(complaints("").first?.contains("there is no tariff") == true)
        #expect(complaints("[[tariff]]\nflat = \"1\"").first?.contains("has no id") == true)
        #expect(complaints("[[tariff]]\nid = \"Free\"").first?.contains("a-z, 0-9 and -") == true)
        let many = (0..<65).map { "[[tariff]]\nid = \"t\($0)\"\n" }.joined()
        #expect(complaints(many).first?.contains("keep 64 at most") == true)
    }

    @Test func theEnvironmentStandsAboveTheFile() throws {
        let configuration = try read(
            minimal,
            [
                "BASESTATION_STATION_NAME": "From outside", "BASESTATION_NETWORK_CLIENT_PORTS": "lan0,wlan0", "PATH": "/bin",
                "BASESTATION_NETWORK_SHARING": "false", "BASESTATION_PORTAL_LISTEN_PORT": "80", "BASESTATION_SOCKET": "/x",
                "BASESTATION_CHARGING_SAMPLE_INTERVAL": "200ms", "BASESTATION_STATION_HAL": "simulated",
            ])
        #expect(configuration.name == "From outside" && configuration.clientPorts == ["lan0", "wlan0"] && !configuration.sharing)
        #expect(
            configuration.portalPort == 80 && configuration.sampleInterval == .milliseconds(200)
                && configuration.hal == .simulated)
        #expect(
            complaints(minimal, ["BASESTATION_NETWORK_SHARING": "maybe", "BASESTATION_STATION_NAEM": "x"]) == [
                "environment variable BASESTATION_STATION_NAEM: [station] has no key \"naem\"; did you mean BASESTATION_STATION_NAME?",
                "environment variable BASESTATION_NETWORK_SHARING: network.sharing cannot be \"maybe\": it is true or false; "
                    + "set it to something like true",
            ])
        #expect(complaints("tariff = 5")[0].contains("write [[tariff]] with double brackets"))
    }

    @Test func aFileThatCannotBeReadIsNamed() {
        #expect(throws: ConfigurationError.self) { try StationConfiguration.load(path: "/does/not/exist") }
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("station-\(UUID().uuidString).toml")
        defer { try? FileManager.default.removeItem(at: path) }
        for bytes in [Data([0x5b, 0xff, 0xfe]), Data(repeating: UInt8(ascii: "\n"), count: 1 << 21)] {
            try! bytes.write(to: path)
            let error = #expect(throws: ConfigurationError.self) { try StationConfiguration.load(path: path.path) }
            #expect(error?.description.hasPrefix("\(path.path):1:1: ") == true)
        }
    }

    @Test func differencesSayWhatWaitsForARestart() throws {
        let old = try read("[charging]\ndefault_tariff = \"a\"\n[[tariff]]\nid = \"a\"\n[[tariff]]\nid = \"b\"\n")
        let new = try read(
            "[charging]\ndefault_tariff = \"a\"\nsample_interval = \"2s\"\n[[tariff]]\nid = \"a\"\nflat = \"1\"\n[[tariff]]\nid = \"c\"\n"
        )
        #expect(
            new.diff(from: old) == [
                "charging.sample_interval: \"1s\" → \"2s\" (from the next start: systemctl restart basestationd)",
                "tariff a: earlier prices → new prices for new sessions", "tariff c: added for new sessions",
                "tariff b: for new sessions taken out",
            ])
        #expect(new.diff(from: new).isEmpty)
        #expect(new.changes(from: old).map(\.isLive) == [false, true, true, true])
    }

    @Test func theDocumentListsEveryKey() throws {
        let path = root.appendingPathComponent("docs/configuration.md")
        let text = try String(contentsOf: path, encoding: .utf8)
        let mark = "<!-- reference -->\n"
        let parts = text.components(separatedBy: mark)
        try #require(parts.count == 2)
        let wanted = parts[0] + mark + StationConfiguration.reference
        if ProcessInfo.processInfo.environment["QLINK_WRITE_DOCS"] != nil {
            try wanted.write(to: path, atomically: true, encoding: .utf8)
        }
        #expect(
            text == wanted || ProcessInfo.processInfo.environment["QLINK_WRITE_DOCS"] != nil,
            "out of date: QLINK_WRITE_DOCS=1 swift test --filter StationConfigurationTests")
    }

    /// Every example in the table is itself accepted.
    @Test func everyExampleOfTheReferenceIsRight() throws {
        var (section, keys) = ("", [(section: String, line: String)]())
        for line in StationConfiguration.reference.split(separator: "\n") {
            if line.hasPrefix("### `") { section = String(line.dropFirst(5).dropLast()) }
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 5, cells[0].hasPrefix("`") else { continue }
            keys.append((section, "\(cells[0].dropFirst().dropLast()) = \(cells[4].dropFirst().dropLast())"))
        }
        #expect(keys.count > 45)
        for key in keys {
            let text =
                switch key.section {
                case "[[tariff]]": tariff(with: key.line)
                case "[[tariff.window]]": minimal + "[[tariff.window]]\n" + window(with: key.line)
                case "[wifi]":
                    // An access point is more than one key.
                    (["[wifi]", key.line]
                        + ["port = \"wlan0\"", "country = \"DE\""].filter {
                            $0.prefix { $0 != " " } != key.line.prefix { $0 != " " }
                        }
                        + ["[[tariff]]", "id = \"per-byte\"", ""]).joined(separator: "\n")
                case "[board]" where key.line.contains("_line"):
                    "[board]\ngpio_chip = \"chip\"\n\(key.line)\n[[tariff]]\nid = \"per-byte\"\n"
                case "[mining]" where key.line.hasPrefix("pools") || key.line.hasPrefix("node"):
                    "[mining]\nlogin = \"somebody\"\n\(key.line)\n[[tariff]]\nid = \"per-byte\"\n"
                case "[pool]" where key.line.hasPrefix("listen"):
                    """
                    [chain]
                    genesis = "/genesis.json"
                    [pool]
                    node = "127.0.0.1:18081"
                    wallet = "4ADDRESS"
                    qlc_per_xmr = "250"
                    \(key.line)
                    [[tariff]]
                    id = "per-byte"

                    """
                default: "\(key.section)\n\(key.line)\n[[tariff]]\nid = \"per-byte\"\n"
                }
            #expect(complaints(text).isEmpty, "\(key)")
        }
    }

    /// The smallest tariff in which a key makes sense.
    private func tariff(with line: String) -> String {
        let id = line.hasPrefix("id = ") ? "" : "id = \"free\""
        let package =
            line.hasPrefix("package_price") ? "package_data = \"1MB\"" : line.hasPrefix("package_") ? "package_price = \"1\"" : ""
        return ["[[tariff]]", id, package, line].joined(separator: "\n")
    }

    private func window(with line: String) -> String {
        let others = ["from = \"00:00\"", "to = \"01:00\""].filter { !line.hasPrefix($0.prefix { $0 != "=" }) }
        return (others + [line]).joined(separator: "\n")
    }
}
