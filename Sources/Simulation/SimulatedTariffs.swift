import Charging
import Primitives

/// One price plan of each kind, with timeouts short enough to be met.
enum SimulatedTariffs {
    private static let window = CreditWindowLimits(minimum: QLC(units: 20_000), maximum: QLC(units: 100_000_000))

    static let all: [Tariff] = [
        make("byte", Rates(byteUp: each(1, 10), byteDown: each(1, 10))),
        make("byte-updown", Rates(byteUp: each(3, 7), byteDown: each(1, 11))),
        make("second", Rates(second: each(9_000, 1))),
        make("mixed", Rates(second: each(1_500, 1), byteUp: each(1, 40), byteDown: each(1, 40))),
        make("iot", Rates(byteUp: each(7, 1), byteDown: each(5, 1))),
        with("package", Rates()) { $0.package = Package(price: QLC(units: 40_000), bytes: 1_000_000, seconds: 30) },
        with("flat", Rates(byteUp: each(1, 50), byteDown: each(1, 50))) { $0.flat = QLC(units: 15_000) },
        with("allowance", Rates(second: each(5_000, 1), byteUp: each(1, 20), byteDown: each(1, 20))) {
            ($0.freeBytes, $0.freeSeconds) = (300_000, 10)
        },
        with("capped", Rates(byteUp: each(1, 10), byteDown: each(1, 10))) {
            $0.capPerSession = QLC(units: 900_000)
            $0.capPerDay = QLC(units: 2_000_000)
        },
        with("hours", Rates(byteUp: each(1, 20), byteDown: each(1, 20))) { $0.windows = windows },
    ]

    /// Eight a day, each half of its three hours.
    private static let windows = (0..<8).map { index in
        let start = UInt16(index * 180)
        return TimeWindow(
            startMinute: start + 2, endMinute: start + 90, rates: Rates(byteUp: each(1, 30), byteDown: each(1, 30)))
    }

    static let free = make("free", Rates())
    static let donations = with("donations", Rates()) { $0.acceptsDonations = true }

    private static func each(_ units: UInt64, _ per: UInt64) -> Price { Price(QLC(units: units), per: per) }

    private static func make(_ id: String, _ rates: Rates) -> Tariff {
        Tariff(id: id, rates: rates, idleTimeout: 25, hardTimeout: 400, creditWindow: window)
    }

    private static func with(_ id: String, _ rates: Rates, _ body: (inout Tariff) -> Void) -> Tariff {
        var tariff = make(id, rates)
        body(&tariff)
        return tariff
    }
}
