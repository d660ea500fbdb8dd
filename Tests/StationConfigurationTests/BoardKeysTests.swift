import StationConfiguration
import Testing

@Suite struct BoardKeysTests {
    private static func read(_ lines: String) throws -> BoardConfiguration {
        try StationConfiguration(text: "[[tariff]]\nid = \"a\"\n[board]\n\(lines)\n", file: "station.toml").board
    }

    @Test func aBoardWithoutAnyOfItWorks() throws {
        let plain = try StationConfiguration(text: "[[tariff]]\nid = \"a\"\n", file: "station.toml")
        #expect(plain.board == BoardConfiguration())
        #expect(try Self.read("") == BoardConfiguration())
    }

    @Test func everyKeyArrives() throws {
        var wanted = BoardConfiguration()
        (wanted.chip, wanted.led, wanted.radioEnable, wanted.amplifier) = ("radio-gpio", "led", "radio0-en", "!pa")
        (wanted.fan, wanted.button, wanted.gpsd, wanted.positionAccuracyMetres) = ("17", "!btn", "[::1]:2947", 20)
        (wanted.fanCelsius, wanted.hotCelsius, wanted.criticalCelsius) = (50, 60, 70)
        let read = try Self.read(
            """
            gpio_chip = "radio-gpio"
            led_line = "led"
            radio_enable_line = "radio0-en"
            amplifier_line = "!pa"
            fan_line = "17"
            button_line = "!btn"
            gpsd_address = "[::1]:2947"
            position_accuracy_metres = 20
            fan_celsius = 50
            hot_celsius = 60
            critical_celsius = 70
            """)
        #expect(read == wanted)
    }

    @Test(arguments: [
        ("led_line = \"led\"", "is on no chip"), ("gpio_chip = \"c\"\nled_line = \"5\"\nfan_line = \"!5\"", "are the same line"),
        ("gpio_chip = \"c\"\nled_line = \"!\"", "the name or the offset"),
        ("gpsd_address = \"localhost:2947\"", "an IP address and a port"),
        ("gpsd_address = \"127.0.0.1\"", "an IP address and a port"), ("fan_celsius = 80", "after the board is hot"),
        ("hot_celsius = 86", "5 below"), ("hot_celsius = 75\ncritical_celsius = 79", "5 below"),
        ("hot_celsius = 500", "from 20 to 120"),
        ("gpio_chip = \"c\"\nfan_line = \"\(String(repeating: "x", count: 33))\"", "at most 31 bytes"),
    ]) func whatCannotBeIsRefusedWithItsLine(_ lines: String, _ words: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try Self.read(lines) }
        #expect(error?.problems.count == 1 && error?.problems[0].line ?? 0 > 3, "\(String(describing: error))")
        #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    }
}
