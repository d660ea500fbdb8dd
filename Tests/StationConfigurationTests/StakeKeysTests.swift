import Charging
import Primitives
import StationConfiguration
import Testing

@Suite struct StakeKeysTests {
    private static func read(_ lines: String) throws -> RestakePolicy {
        try StationConfiguration(text: "[[tariff]]\nid = \"a\"\n[stake]\n\(lines)\n", file: "station.toml").restaking
    }

    @Test func nothingIsRestakedUnlessTheOwnerSaysSo() throws {
        let plain = try StationConfiguration(text: "[[tariff]]\nid = \"a\"\n", file: "station.toml")
        #expect(plain.restaking == RestakePolicy() && !plain.restaking.isOn)
        #expect(try !Self.read("least = \"5\"").isOn)
    }

    @Test func everyKeyArrives() throws {
        var wanted = RestakePolicy()
        (wanted.percent, wanted.keep, wanted.least) = (80, QLC("12.5")!, QLC("2")!)
        #expect(try Self.read("restake = 80\nkeep = \"12.5\"\nleast = \"2\"") == wanted)
    }

    @Test(arguments: [
        ("restake = 101", "from 0 to 100"), ("restake = \"50%\"", "a whole number"), ("keep = 20", "in quotes"),
        ("least = \"0\"", "above zero"), ("restaek = 5", "restake"),
    ]) func whatCannotBeIsRefusedWithItsLine(_ lines: String, _ words: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try Self.read(lines) }
        #expect(error?.problems.count == 1 && error?.problems[0].line == 4, "\(String(describing: error))")
        #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    }
}
