/// `[board]`: how this board is wired, and when it is too hot.
extension Section {
    static let board = Section(
        name: "board",
        meaning:
            "What else is on the board; all of it may be left out. A line is named as the kernel names it, or by its offset on the chip; `!` before it: on is low.",
        keys: [
            Key(
                "gpio_chip", \.board.chip, .text(0...64), example: "\"radio-gpio\"",
                "The label of the GPIO chip that the lines below are on, as gpiodetect shows it."),
            Key("led_line", \.board.led, .line, example: "\"led-status\"", "The status light."),
            Key("radio_enable_line", \.board.radioEnable, .line, example: "\"radio0-en\"", "Switches the radio on."),
            Key("amplifier_line", \.board.amplifier, .line, example: "\"!pa-en\"", "Switches the power amplifier on."),
            Key("fan_line", \.board.fan, .line, example: "\"17\"", "Switches the fan on."),
            Key(
                "button_line", \.board.button, .line, example: "\"!btn-reset\"",
                "The reset button: a short press makes the light blink, ten seconds are a factory reset."),
            Key(
                "gpsd_address", \.board.gpsd, .endpoint, example: "\"127.0.0.1:2947\"",
                "Where gpsd answers; left out: the station does not ask where it is."),
            Key(
                "position_accuracy_metres", \.board.positionAccuracyMetres, .number(1...10_000), example: "50",
                "A position whose error may be larger is not believed."),
            Key(
                "fan_celsius", \.board.fanCelsius, .number(0...120), example: "55",
                "The fan runs from here on, until it is 5 °C cooler."),
            Key(
                "hot_celsius", \.board.hotCelsius, .number(20...120), example: "75",
                "From here on transmit power steps down, then mining stops."),
            Key(
                "critical_celsius", \.board.criticalCelsius, .number(30...125), example: "90",
                "From here on the radio sends as softly as it can. Clients are served all the same."),
        ])
}

/// What is on the board besides its network interfaces.
public struct BoardConfiguration: Hashable, Sendable {
    /// The label of the GPIO chip; "" for none.
    public var chip = ""
    /// Lines; "" for what the board does not have.
    public var led = ""
    public var radioEnable = ""
    public var amplifier = ""
    public var fan = ""
    public var button = ""
    /// An `Endpoint`; "" for none.
    public var gpsd = ""
    public var positionAccuracyMetres: UInt32 = 50
    public var fanCelsius: Int32 = 55
    public var hotCelsius: Int32 = 75
    public var criticalCelsius: Int32 = 90

    public init() {}

    /// What contradicts itself, and the key to blame.
    var contradictions: [(key: String, what: String, mend: String)] {
        var found: [(key: String, what: String, mend: String)] = []
        let lines = [
            ("led_line", led), ("radio_enable_line", radioEnable), ("amplifier_line", amplifier), ("fan_line", fan),
            ("button_line", button),
        ].filter { !$0.1.isEmpty }
        if let first = lines.first, chip.isEmpty {
            found.append((first.0, "\(first.0) is on no chip", "add gpio_chip; gpiodetect shows the labels"))
        }
        for (index, line) in lines.enumerated() {
            let name = line.1.drop { $0 == "!" }
            if let other = lines[..<index].first(where: { $0.1.drop { $0 == "!" } == name }) {
                found.append((line.0, "\(line.0) and \(other.0) are the same line", "give each a line of its own"))
            }
        }
        if fanCelsius > hotCelsius {
            found.append(("fan_celsius", "the fan would start after the board is hot", "set it to \(hotCelsius) or less"))
        }
        if hotCelsius > criticalCelsius - 5 {
            found.append(
                ("hot_celsius", "hot_celsius is not 5 below critical_celsius", "set it to \(criticalCelsius - 5) or less"))
        }
        return found
    }
}
