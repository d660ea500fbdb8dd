import Charging
import Primitives
import Testing

/// A small generator with a seed, so that a failure can be replayed.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

let key = Usage.Key(day: 20_000, window: Usage.Key.noWindow)

func usage(up: UInt64 = 0, down: UInt64 = 0, seconds: UInt64 = 0, in key: Usage.Key = key) -> Usage {
    var usage = Usage()
    usage.add(bytesUp: up, bytesDown: down, time: .seconds(seconds), in: key)
    return usage
}

@Suite struct RatingTests {
    static let perByte = Tariff(
        id: "b", rates: Rates(byteUp: Price(QLC(units: 3), per: 2), byteDown: Price(QLC(units: 3), per: 2)))
    static let directions = Tariff(id: "d", rates: Rates(byteUp: Price(QLC(units: 5)), byteDown: Price(QLC(units: 2))))
    static let perSecond = Tariff(id: "s", rates: Rates(second: Price(QLC(units: 7), per: 60)))

    static let cases: [(Tariff, Usage, UInt64)] = [
        (perByte, usage(up: 1, down: 2), 4),  // 3 × 3 ÷ 2, rounded down once
        (perByte, usage(up: 1), 1),
        (directions, usage(up: 10, down: 100), 250),
        (perSecond, usage(seconds: 59), 6),
        (perSecond, usage(seconds: 60), 7),
        (Tariff(id: "f", flat: QLC(units: 9)), usage(down: 1), 9),
        (Tariff(id: "p", package: Package(price: QLC(units: 100), bytes: 1_000)), usage(down: 1_000), 100),
        (Tariff(id: "p", package: Package(price: QLC(units: 100), bytes: 1_000)), usage(down: 1_001), 200),
        (Tariff(id: "a", rates: directions.rates, freeBytes: 105), usage(up: 10, down: 100), 25),
        (Tariff(id: "c", rates: directions.rates, capPerSession: QLC(units: 40)), usage(up: 10, down: 100), 40),
        (Tariff(id: "x"), usage(up: .max / 4, down: .max / 4, seconds: 1_000_000), 0),
    ]

    @Test(arguments: cases.indices) func aUsageCostsWhatTheTariffSays(index: Int) {
        let (tariff, usage, expected) = Self.cases[index]
        #expect(tariff.charge(for: usage).units == expected)
        let lines = tariff.invoice(for: usage)
        let caps = lines.filter { $0.item == .capPerDay || $0.item == .capPerSession }.reduce(QLC.zero) { $0 + $1.charge }
        let sum = lines.filter { $0.item != .capPerDay && $0.item != .capPerSession }.reduce(QLC.zero) { $0 + $1.charge }
        #expect((sum - caps).units == expected)
    }

    @Test func theCapPerDayHoldsForEachDay() {
        let tariff = Tariff(id: "c", rates: Self.directions.rates, capPerDay: QLC(units: 50))
        var usage = usage(up: 100)
        usage.add(bytesUp: 4, in: Usage.Key(day: 20_001, window: Usage.Key.noWindow))
        #expect(tariff.charge(for: usage).units == 70)
        #expect(tariff.charge(for: usage, earlier: [DayCharge(day: 20_000, charged: QLC(units: 45))]).units == 25)
    }

    @Test func aWindowOverMidnightHasItsOwnPrice() {
        let night = TimeWindow(startMinute: 22 * 60, endMinute: 6 * 60, rates: Rates(byteDown: Price(QLC(units: 1))))
        let tariff = Tariff(id: "n", rates: Rates(byteDown: Price(QLC(units: 10))), windows: [night])
        for (time, window) in [
            ("2026-11-23T21:59:59Z", UInt8(255)), ("2026-11-23T22:00:00Z", 0), ("2026-11-24T05:59:59Z", 0),
            ("2026-11-24T06:00:00Z", 255),
        ] {
            #expect(tariff.segment(at: WallTime(time)!).window == window)
        }
        #expect(tariff.secondsToBoundary(at: WallTime("2026-11-23T21:59:00Z")!) == 60)
        #expect(tariff.segment(at: WallTime(secondsSince1970: 5)).window == 255)
    }

    /// Two thousand random tariffs and usages, each cut into samples at random.
    @Test func theChargeIsMonotoneAndDoesNotDependOnTheSamples() {
        var random = SplitMix64(state: 20_261_123)
        for round in 0..<2_000 {
            let tariff = Self.random(&random)
            var sampled = Usage()
            var (up, down, time) = (UInt64(0), UInt64(0), Nanoseconds.zero)
            var last = QLC.zero
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                let part = (UInt64.random(in: 0...5_000_000, using: &random), UInt64.random(in: 0...5_000_000, using: &random))
                let moment = Nanoseconds(Int64.random(in: 0...20_000_000_000, using: &random))
                sampled.add(bytesUp: part.0, bytesDown: part.1, time: moment, in: key)
                (up, down, time) = (up + part.0, down + part.1, time + moment)
                let charge = tariff.charge(for: sampled)
                #expect(charge >= last, "round \(round)")
                last = charge
            }
            var whole = Usage()
            whole.add(bytesUp: up, bytesDown: down, time: time, in: key)
            #expect(tariff.charge(for: whole) == last, "round \(round)")
        }
    }

    /// Whatever way a grant is used up, it was paid for; and at one price not a byte more was affordable.
    @Test func aGrantIsNeverMoreThanWasPaidAndNotAByteLess() {
        var random = SplitMix64(state: 7)
        for round in 0..<2_000 {
            let tariff = Self.random(&random)
            let used = usage(
                up: .random(in: 0...1_000_000, using: &random), down: .random(in: 0...1_000_000, using: &random),
                seconds: .random(in: 0...100, using: &random))
            let available = QLC(units: tariff.charge(for: used).units + .random(in: 0...5_000_000, using: &random))
            let grant = tariff.grant(after: used, in: key, available: available)
            guard let bytes = grant.bytes else { continue }
            let time = grant.time ?? .zero
            for share in [0, bytes, UInt64.random(in: 0...bytes, using: &random)] {
                var next = used
                next.add(bytesUp: share, bytesDown: bytes - share, time: time, in: key)
                #expect(tariff.charge(for: next) <= available, "round \(round)")
            }
            guard tariff.rates.hasOneBytePrice else { continue }
            var beyond = used
            beyond.add(
                bytesDown: bytes + 1, time: tariff.rates.second == nil && tariff.package?.seconds == nil ? .zero : time, in: key)
            #expect(tariff.charge(for: beyond) > available, "round \(round)")
        }
    }

    static func random(_ random: inout SplitMix64) -> Tariff {
        func price(_ odds: Int) -> Price? {
            Int.random(in: 0..<4, using: &random) < odds
                ? Price(QLC(units: .random(in: 1...500, using: &random)), per: .random(in: 1...2_000, using: &random)) : nil
        }
        let down = price(3)
        let up = Bool.random(using: &random) ? down : price(3)
        return Tariff(
            id: "r", rates: Rates(second: price(2), byteUp: up, byteDown: down),
            flat: QLC(units: price(1)?.amount.units ?? 0),
            package: price(1).map { Package(price: $0.amount, bytes: $0.per * 1_000) },
            freeBytes: price(1)?.per ?? 0, freeSeconds: (price(1)?.per ?? 0) / 100,
            capPerSession: price(1).map { QLC(units: $0.amount.units * 10_000) })
    }
}
