import Charging
import Primitives
import SimulatedHAL
import Testing

/// A use and what it costs, worked out by hand.
struct Priced: Sendable, CustomTestStringConvertible {
    var name: String
    var tariff: Tariff
    var use: [(day: Int32, window: UInt8?, up: UInt64, down: UInt64, seconds: Double)]
    var earlier: [DayCharge] = []
    var units: UInt64

    var testDescription: String { name }

    var usage: Usage {
        var usage = Usage()
        for piece in use {
            let key = Usage.Key(day: piece.day, window: piece.window ?? Usage.Key.noWindow)
            usage.add(bytesUp: piece.up, bytesDown: piece.down, time: Nanoseconds(Int64(piece.seconds * 1e9)), in: key)
        }
        return usage
    }
}

private func price(_ units: UInt64, per: UInt64 = 1) -> Price { Price(QLC(units: units), per: per) }

@Suite struct TariffCharges {
    static let perSecond = Tariff(id: "s", rates: Rates(second: price(100)))
    static let perByte = Tariff(id: "b", rates: Rates(byteUp: price(5, per: 1_000), byteDown: price(5, per: 1_000)))
    static let upAndDown = Tariff(id: "ud", rates: Rates(byteUp: price(30, per: 1_000), byteDown: price(10, per: 1_000)))
    static let bundle = Tariff(id: "p", package: Package(price: QLC(units: 1_000), bytes: 1_000_000, seconds: 60))
    static let night = Tariff(
        id: "n", rates: Rates(second: price(10)),
        windows: [TimeWindow(startMinute: 22 * 60, endMinute: 6 * 60, rates: Rates(second: price(2)))])
    static func capped(session: UInt64? = nil, day: UInt64? = nil) -> Tariff {
        var tariff = perSecond
        tariff.capPerSession = session.map { QLC(units: $0) }
        tariff.capPerDay = day.map { QLC(units: $0) }
        return tariff
    }

    static let table: [Priced] = [
        Priced(name: "nothing used costs nothing", tariff: perSecond, use: [], units: 0),
        Priced(name: "a second begun is not charged", tariff: perSecond, use: [(1, nil, 0, 0, 9.999)], units: 900),
        Priced(
            name: "seconds add up across samples", tariff: perSecond, use: [(1, nil, 0, 0, 0.5), (1, nil, 0, 0, 0.5)], units: 100),
        Priced(name: "one byte price rounds the sum once", tariff: perByte, use: [(1, nil, 150, 150, 1)], units: 1),
        Priced(name: "two byte prices round each direction", tariff: upAndDown, use: [(1, nil, 99, 199, 1)], units: 3),
        Priced(name: "up alone", tariff: upAndDown, use: [(1, nil, 1_000, 0, 1)], units: 30),
        Priced(name: "down alone", tariff: upAndDown, use: [(1, nil, 0, 1_000, 1)], units: 10),
        Priced(name: "the first package is bought by connecting", tariff: bundle, use: [(1, nil, 0, 0, 0.1)], units: 1_000),
        Priced(name: "a package lasts to its last byte", tariff: bundle, use: [(1, nil, 400_000, 600_000, 1)], units: 1_000),
        Priced(name: "one byte more is the next package", tariff: bundle, use: [(1, nil, 400_000, 600_001, 1)], units: 2_000),
        Priced(name: "a package lasts to its last second", tariff: bundle, use: [(1, nil, 0, 0, 60.9)], units: 1_000),
        Priced(name: "time or bytes, whichever comes first", tariff: bundle, use: [(1, nil, 0, 1_000_001, 121)], units: 3_000),
        Priced(
            name: "flat, whatever is used", tariff: Tariff(id: "f", flat: QLC(units: 77)), use: [(1, nil, 9, 9, 9)], units: 77),
        Priced(
            name: "flat is not owed by who was never served", tariff: Tariff(id: "f", flat: QLC(units: 77)), use: [], units: 0),
        Priced(name: "free", tariff: Tariff(id: "free"), use: [(1, nil, 9, 9, 9)], units: 0),
        Priced(
            name: "donations are no charge", tariff: Tariff(id: "d", acceptsDonations: true), use: [(1, nil, 9, 9, 9)], units: 0),
        Priced(
            name: "free seconds first", tariff: Tariff(id: "t", rates: Rates(second: price(10)), freeSeconds: 30),
            use: [(1, nil, 0, 0, 29.9), (1, nil, 0, 0, 2.2)], units: 20),
        Priced(
            name: "free bytes go to downlink first",
            tariff: Tariff(
                id: "t", rates: Rates(byteUp: price(30, per: 1_000), byteDown: price(10, per: 1_000)), freeBytes: 1_500),
            use: [(1, nil, 1_000, 1_000, 1)], units: 15),
        Priced(
            name: "free bytes go to the earlier price first",
            tariff: Tariff(
                id: "t", rates: Rates(byteUp: price(1), byteDown: price(1)),
                windows: [TimeWindow(startMinute: 0, endMinute: 60, rates: Rates(byteUp: price(9), byteDown: price(9)))],
                freeBytes: 100),
            use: [(1, 0, 0, 80, 1), (1, nil, 0, 80, 1)], units: 60),
        Priced(
            name: "windows have their own totals", tariff: night,
            use: [(1, nil, 0, 0, 1.5), (1, 0, 0, 0, 1.5), (2, 0, 0, 0, 1.5), (2, nil, 0, 0, 1.5)], units: 36),
        Priced(name: "the session's cap", tariff: capped(session: 250), use: [(1, nil, 0, 0, 100)], units: 250),
        Priced(name: "under the session's cap", tariff: capped(session: 250), use: [(1, nil, 0, 0, 2)], units: 200),
        Priced(
            name: "each day has a cap", tariff: capped(day: 250),
            use: [(1, nil, 0, 0, 100), (2, nil, 0, 0, 1), (3, nil, 0, 0, 100)], units: 600),
        Priced(
            name: "earlier sessions count towards the day's cap", tariff: capped(day: 250),
            use: [(1, nil, 0, 0, 100), (2, nil, 0, 0, 100)],
            earlier: [DayCharge(day: 1, charged: QLC(units: 200))], units: 300),
        Priced(
            name: "a day already above its cap is free", tariff: capped(day: 250), use: [(1, nil, 0, 0, 100)],
            earlier: [DayCharge(day: 1, charged: QLC(units: 999))], units: 0),
        Priced(
            name: "a clock set back over midnight does not open the day's cap again", tariff: capped(day: 250),
            use: [(1, nil, 0, 0, 100), (2, nil, 0, 0, 1), (1, nil, 0, 0, 100)], units: 350),
        Priced(
            name: "both caps", tariff: capped(session: 300, day: 250), use: [(1, nil, 0, 0, 100), (2, nil, 0, 0, 100)], units: 300
        ),
        Priced(
            name: "everything together",
            tariff: Tariff(
                id: "all", rates: Rates(second: price(10), byteUp: price(3, per: 100), byteDown: price(2, per: 100)),
                windows: [TimeWindow(startMinute: 0, endMinute: 60, rates: Rates(second: price(1)))], flat: QLC(units: 50),
                package: Package(price: QLC(units: 20), bytes: 10_000), freeBytes: 1_000, freeSeconds: 5,
                capPerSession: QLC(units: 100_000), capPerDay: QLC(units: 1_000)),
            // Day 1: 50 + 2 packages (12,000 B) 40 + 20 s 200 + up 5,000 B 150 + down 6,000 B 120 = 560.
            // Window: 10 s 10 and 8,000 B more, 20,000 B in all: 2 packages, nothing new: 10. Day 2: 1,000 s, capped at 1,000.
            use: [(1, nil, 5_000, 7_000, 25), (1, 0, 8_000, 0, 10), (2, nil, 0, 0, 1_000)], units: 1_570),
    ]

    @Test(arguments: table)
    func areAsWorkedOutByHand(_ row: Priced) {
        #expect(row.tariff.charge(for: row.usage, earlier: row.earlier).units == row.units)
    }
}

@Suite struct TimeOfDay {
    static let weekdays: UInt8 = 0x1f
    static let tariff = Tariff(
        id: "t",
        windows: [
            TimeWindow(startMinute: 22 * 60, endMinute: 6 * 60, rates: Rates()),
            TimeWindow(days: weekdays, startMinute: 9 * 60, endMinute: 17 * 60, rates: Rates()),
            TimeWindow(days: 0x40, startMinute: 0, endMinute: 1_440, rates: Rates()),
        ])

    /// 2026-11-23 is a Monday.
    @Test(
        arguments: [
            ("2026-11-23T21:59:59Z", nil), ("2026-11-23T22:00:00Z", 0), ("2026-11-24T00:00:00Z", 0), ("2026-11-24T05:59:59Z", 0),
            ("2026-11-24T06:00:00Z", nil), ("2026-11-23T08:59:59Z", nil), ("2026-11-23T09:00:00Z", 1),
            ("2026-11-23T16:59:59Z", 1),
            ("2026-11-23T17:00:00Z", nil), ("2026-11-28T12:00:00Z", nil), ("2026-11-29T12:00:00Z", 2),
            ("2026-11-29T23:00:00Z", 0),
            ("2026-11-29T21:59:59Z", 2), ("1970-01-05T12:00:00Z", nil),
        ] as [(String, UInt8?)])
    func fallsInTheFirstWindowThatMatches(_ time: String, _ window: UInt8?) {
        #expect(Self.tariff.segment(at: WallTime(time)!).window == window ?? Usage.Key.noWindow)
    }

    /// Friday night's window reaches into Saturday, Sunday's does not exist.
    @Test(
        arguments: [
            ("2026-11-27T23:00:00Z", 0), ("2026-11-28T01:00:00Z", 0), ("2026-11-28T02:00:00Z", nil),
            ("2026-11-29T01:00:00Z", nil),
            ("2026-11-23T01:00:00Z", nil), ("2026-11-24T01:00:00Z", 0),
        ] as [(String, UInt8?)])
    func aWindowOverMidnightBelongsToTheDayItBegan(_ time: String, _ window: UInt8?) {
        let tariff = Tariff(
            id: "t", windows: [TimeWindow(days: Self.weekdays, startMinute: 23 * 60, endMinute: 2 * 60, rates: Rates())])
        #expect(tariff.segment(at: WallTime(time)!).window == window ?? Usage.Key.noWindow)
    }

    @Test func followsLocalTime() {
        var tariff = Self.tariff
        tariff.utcOffsetMinutes = 120
        let key = tariff.segment(at: WallTime("2026-11-23T22:30:00Z")!)
        #expect(key == Usage.Key(day: 20_781, window: 0))
        #expect(tariff.secondsToBoundary(at: WallTime("2026-11-23T22:30:00Z")!) == UInt64(5 * 3_600 + 1_800))
    }

    /// A board that boots in 1970 charges its base rates, on no day, and waits for no boundary.
    @Test func isOfNoConsequenceWhileTheClockIsNotCredible() {
        let dead = WallTime(secondsSince1970: 3_600)
        #expect(Self.tariff.segment(at: dead) == Usage.Key(day: 0, window: Usage.Key.noWindow))
        #expect(Self.tariff.secondsToBoundary(at: dead) == nil)
    }

    @Test(
        arguments: [
            ("2026-11-23T05:59:59Z", 1), ("2026-11-23T06:00:00Z", 10_800), ("2026-11-23T22:00:00Z", 7_200),
            ("2026-11-23T23:59:59Z", 1),
            ("2026-11-23T00:00:00Z", 21_600),
        ] as [(String, UInt64)])
    func knowsWhenAPriceCanChange(_ time: String, _ seconds: UInt64) {
        #expect(Self.tariff.secondsToBoundary(at: WallTime(time)!) == seconds)
    }

    /// Between two boundaries nothing changes: what is granted up to the next one is at one price.
    @Test(arguments: seeds(60))
    func thePriceIsOneUpToTheBoundary(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var tariff = Tariff.random(&random)
        if tariff.windows.isEmpty { tariff.capPerDay = QLC(units: 1) }
        for _ in 0..<200 {
            let now = WallTime(secondsSince1970: 1_800_000_000 + Int64(random.next() % 5_000_000))
            let left = Int64(tariff.secondsToBoundary(at: now)!)
            let before = WallTime(secondsSince1970: now.secondsSince1970 + Int64(random.next() % UInt64(left)))
            #expect(left > 0 && tariff.segment(at: before) == tariff.segment(at: now))
        }
    }
}
