import Charging
import Primitives
import SimulatedHAL
import Testing

@Suite struct PriceOfUnits {
    @Test(
        arguments: [
            (5, 1_000_000, 0, 0), (5, 1_000_000, 199_999, 0), (5, 1_000_000, 200_000, 1), (5, 1_000_000, 1_999_999, 9),
            (5_000_000, 1_000_000, 1, 5), (1, 3, 2, 0), (1, 3, 3, 1), (0, 1, .max, 0), (7, 1, 6, 42),
            (.max, .max, .max, .max), (.max, .max, 5, 5), (.max, 2, 1, .max / 2), (.max, 1, 2, .max), (2, 1, .max, .max),
            (.max, .max - 1, .max, .max), (1 << 63, 1 << 63, 12_345, 12_345),
            (600_000_000_00_000_000, 1_000_000_000, 1_000_000_007, 60_000_000_420_000_000),
        ] as [(UInt64, UInt64, UInt64, UInt64)])
    func isRoundedDownIn128BitsAndSaturates(_ amount: UInt64, _ per: UInt64, _ units: UInt64, _ charge: UInt64) {
        #expect(Price(QLC(units: amount), per: per).charge(for: units).units == charge)
    }

    @Test func isForAtLeastOneUnit() {
        #expect(Price(QLC(units: 3), per: 0).charge(for: 2).units == 6)
    }

    @Test(arguments: seeds(8))
    func isTheExactQuotient(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<2_000 {
            let (amount, per, units) = (
                random.magnitude(upTo: 64), max(1, random.magnitude(upTo: 64)), random.magnitude(upTo: 64)
            )
            let exact = UInt128(amount) * UInt128(units) / UInt128(per)
            #expect(UInt128(Price(QLC(units: amount), per: per).charge(for: units).units) == min(exact, UInt128(UInt64.max)))
        }
    }
}

@Suite struct RatingProperties {
    @Test(arguments: seeds(300))
    func chargeIsTheClosedFormulaHoweverUsageIsCut(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let tariff = Tariff.random(&random)
        let pieces = Piece.several(&random, for: tariff)
        let earlier = earlier(&random)
        let expected = NaiveRating(tariff: tariff).charge(for: pieces, earlier: earlier)
        for _ in 0..<4 {
            let parts = pieces.flatMap { cut($0, &random) }
            #expect(UInt128(tariff.charge(for: Usage(parts), earlier: earlier).units) == expected)
        }
    }

    @Test(arguments: seeds(300))
    func linesAndDaysAddUpToTheCharge(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let tariff = Tariff.random(&random)
        let usage = Usage(Piece.several(&random, for: tariff))
        let earlier = earlier(&random)
        let charge = tariff.charge(for: usage, earlier: earlier)
        let lines = tariff.invoice(for: usage, earlier: earlier).reduce(Int64(0)) { sum, line in
            let isCap = line.item == .capPerDay || line.item == .capPerSession
            return sum + Int64(line.charge.units) * (isCap ? -1 : 1)
        }
        #expect(lines == Int64(charge.units))
        let days = tariff.dailyCharges(for: usage, earlier: earlier)
        #expect(days.reduce(QLC.zero) { $0 + $1.charged } == charge)
        #expect(Set(days.map(\.day)).count == days.count)
        for day in days {
            let spent = earlier.first { $0.day == day.day }?.charged ?? .zero
            if let cap = tariff.capPerDay, spent <= cap { #expect(day.charged + spent <= cap) }
        }
    }

    @Test(arguments: seeds(200))
    func chargeNeverFallsAsUsageGrows(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let tariff = Tariff.random(&random)
        let earlier = earlier(&random)
        var usage = Usage()
        var last = QLC.zero
        for piece in Piece.several(&random, for: tariff) {
            for part in cut(piece, &random) {
                usage.add(bytesUp: part.up, bytesDown: part.down, time: part.time, in: part.key)
                let charge = tariff.charge(for: usage, earlier: earlier)
                #expect(charge >= last)
                last = charge
            }
        }
    }

    /// What an agent would charge that rounds each sample: money is lost with every one. The guard is that charges come from totals.
    @Test func roundingEachSampleWouldGiveBytesAway() {
        let tariff = Tariff(id: "t", rates: Rates(byteDown: Price(QLC(units: 1), per: 1_000)))
        let key = Usage.Key(day: 1, window: Usage.Key.noWindow)
        var total = Usage()
        var roundedEach = QLC.zero
        for _ in 0..<1_000 {
            total.add(bytesDown: 999, in: key)
            var sample = Usage()
            sample.add(bytesDown: 999, in: key)
            roundedEach += tariff.charge(for: sample)
        }
        #expect(roundedEach == .zero)
        #expect(tariff.charge(for: total) == QLC(units: 999))
    }

    private func earlier(_ random: inout SplitMix64) -> [DayCharge] {
        random.chance(50) ? [] : [DayCharge(day: 20_780, charged: QLC(units: random.number(0...60_000)))]
    }

    private func cut(_ piece: Piece, _ random: inout SplitMix64) -> [Piece] {
        var left = piece
        var parts: [Piece] = []
        for _ in 0..<random.next() % 4 {
            var part = Piece(key: piece.key)
            part.up = random.number(0...left.up)
            part.down = random.number(0...left.down)
            part.time = Nanoseconds(Int64(random.number(0...UInt64(left.time.count))))
            left.up -= part.up
            left.down -= part.down
            left.time = left.time - part.time
            parts.append(part)
        }
        return parts + [left]
    }
}

@Suite struct UsageTotals {
    private let key = Usage.Key(day: 1, window: Usage.Key.noWindow)

    @Test func neverOverflow() {
        var usage = Usage()
        usage.add(bytesUp: .max, bytesDown: .max, time: Nanoseconds(.max), in: key)
        usage.add(bytesUp: .max, bytesDown: 1, time: Nanoseconds(.max), in: key)
        usage.add(bytesUp: .max, bytesDown: 1, time: Nanoseconds(.max), in: Usage.Key(day: 2, window: 0))
        #expect(usage.bytes == .max && usage.bytesUp == .max && usage.time == Nanoseconds(.max))
        for tariff in [
            Tariff(id: "t", rates: Rates(second: Price(QLC(units: .max)), byteUp: Price(QLC(units: .max)))),
            Tariff(
                id: "t", rates: Rates(byteUp: Price(QLC(units: 1)), byteDown: Price(QLC(units: 1))),
                package: Package(price: QLC(units: .max), bytes: 1), capPerDay: QLC(units: .max)),
        ] {
            #expect(tariff.charge(for: usage) == QLC(units: .max))
            #expect(tariff.grant(after: usage, in: key, available: .supply) == Grant(bytes: 0, time: .zero))
        }
    }

    @Test func haveAnEndWhateverTheClockDoes() {
        var usage = Usage()
        for day in 0..<1_000 { usage.add(bytesUp: 1, in: Usage.Key(day: Int32(day), window: 0)) }
        #expect(usage.segments.count == Usage.segmentLimit && usage.isFull)
        #expect(usage.bytes == 1_000)
    }

    @Test func giveTimeBackLatestFirst() {
        var usage = Usage()
        usage.add(time: .seconds(10), in: key)
        usage.add(time: .seconds(5), in: Usage.Key(day: 2, window: 0))
        usage.remove(time: .seconds(7))
        #expect(usage.segments.map(\.time) == [.seconds(8), .zero])
        usage.remove(time: .seconds(100))
        #expect(usage.time == .zero)
    }
}
