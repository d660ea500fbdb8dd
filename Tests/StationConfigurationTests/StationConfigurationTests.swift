import Charging
import Foundation
import Primitives
import StationConfiguration
import Testing

/// A configuration is right, or every mistake in it is named with its place and its mend.
@Suite struct StationConfigurationTests {
    static let example = try! String(
        contentsOf: URL(fileURLWithPath: #filePath).appendingPathComponent("../../../board/station.toml").standardizedFileURL,
        encoding: .utf8)

    @Test func theExampleIsRight() throws {
        let configuration = try StationConfiguration(text: Self.example, file: "station.toml")
        #expect(configuration.tariffs.map(\.id) == ["per-byte", "per-second", "night"])
        #expect(configuration.tariffs[0].rates.byteUp == Price(QLC("0.01")!, per: 1_000_000))
        #expect(
            configuration.tariffs[2].windows == [
                TimeWindow(
                    startMinute: 1_320, endMinute: 360,
                    rates: Rates(byteUp: Price(QLC("0.002")!, per: 1_000_000), byteDown: Price(QLC("0.002")!, per: 1_000_000)))
            ])
    }

    @Test(arguments: [
        ("[station]\nnmae = \"x\"", "f:2", "station.name"),
        ("[station]\nname = 5", "f:2", "wrong type"),
        ("[network]\nuplink_port = \"\"", "f:2", "0 bytes"),
        ("[charging]\nsample_interval = \"soon\"", "f:2", "500ms"),
        ("[charging]\ndefault_tariff = \"fre\"", "f:2", "did you mean \"free\"?"),
        ("[portal]\nlisten_port = 99999", "f:2", "1 to 65535"),
        ("[[tariff]]\nid = \"Not An Id\"", "f:2", "a-z"),
        ("[[tariff]]\nid = \"a\"\nprice_per_mb = \"0.000000001\"", "f:3", "amount of QLC"),
        ("[[tariff]]\nid = \"a\"\n[[tariff.window]]\nfrom = \"25:00\"\nto = \"06:00\"", "f:4", "time of day"),
        ("[[tariff]]\nid = \"free\"", "f:4", "twice"),
        ("[statoin]", "f:1", "station"),
        ("x = [", "f:2", "toml.io"),
    ]) func aMistakeIsNamedWithItsPlaceAndItsMend(text: String, place: String, words: String) {
        let error = #expect(throws: ConfigurationError.self) {
            _ = try StationConfiguration(text: text + "\n[[tariff]]\nid = \"free\"\n", file: "f")
        }
        let lines = error.map { "\($0)" } ?? ""
        #expect(lines.contains(place) && lines.contains(words), "\(lines)")
    }

    @Test func allMistakesAreNamedAtOnce() {
        let error = #expect(throws: ConfigurationError.self) {
            _ = try StationConfiguration(text: "[station]\nname = 1\nhal = \"moon\"\nfoo = 2\n", file: "f")
        }
        #expect(error?.problems.count == 4)  // the fourth: there is no tariff
    }

    @Test func theEnvironmentHasTheLastWord() throws {
        let configuration = try StationConfiguration(
            text: Self.example, file: "f",
            environment: ["BASESTATION_STATION_NAME": "Roof", "BASESTATION_NETWORK_CLIENT_PORTS": "wlan0,wlan1"])
        #expect(configuration.name == "Roof")
        #expect(configuration.clientPorts == ["wlan0", "wlan1"])
    }

    @Test func noTextMakesItFall() {
        var state: UInt64 = 11
        func random(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1
            return Int(state >> 33) % limit
        }
        var outcomes = (right: 0, wrong: 0)
        for _ in 0..<2_000 {
            var bytes = Array(Self.example.utf8)
            for _ in 0...random(6) { bytes[random(bytes.count)] = UInt8(random(128)) }
            do {
                _ = try StationConfiguration(text: String(decoding: bytes, as: UTF8.self), file: "f")
                outcomes.right += 1
            } catch {
                #expect(error.problems.allSatisfy { $0.line > 0 && !$0.mend.isEmpty })
                outcomes.wrong += 1
            }
        }
        #expect(outcomes.right > 0 && outcomes.wrong > 0)
    }
}
