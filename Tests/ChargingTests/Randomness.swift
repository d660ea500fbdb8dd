import Charging
import Glibc
import SimulatedHAL
import Primitives

extension SplitMix64 {
    mutating func number(_ range: ClosedRange<UInt64>) -> UInt64 { UInt64.random(in: range, using: &self) }
    mutating func chance(_ percent: UInt64) -> Bool { next() % 100 < percent }
    /// Small numbers as often as large ones.
    mutating func magnitude(upTo bits: UInt64) -> UInt64 { next() >> (64 - number(1...bits)) }
}

/// The seeds of a property. A failure names its seed; `QLINK_SEED=n` runs that one alone.
func seeds(_ count: UInt64) -> [UInt64] {
    if let text = getenv("QLINK_SEED"), let seed = UInt64(String(cString: text)) { return [seed] }
    return Array(1...count)
}

extension Tariff {
    static func random(_ random: inout SplitMix64) -> Tariff {
        var tariff = Tariff(id: "t", rates: .random(&random), utcOffsetMinutes: random.pick([0, 0, 60, -330]))
        if random.chance(40) {
            tariff.windows = (0..<random.number(1...3)).map { _ in
                TimeWindow(
                    days: random.pick([0x7f, 0x1f, 0x60, UInt8(random.next() % 128)]),
                    startMinute: UInt16(random.next() % 1_440), endMinute: UInt16(random.next() % 1_441),
                    rates: .random(&random))
            }
        }
        if random.chance(20) { tariff.flat = QLC(units: random.number(1...5_000)) }
        if random.chance(25) {
            tariff.package = Package(
                price: QLC(units: random.number(1...5_000)), bytes: random.chance(60) ? random.number(1...2_000_000) : nil,
                seconds: random.chance(50) ? random.number(1...600) : nil)
        }
        if random.chance(25) { tariff.freeBytes = random.number(0...500_000) }
        if random.chance(25) { tariff.freeSeconds = random.number(0...120) }
        if random.chance(20) { tariff.capPerSession = QLC(units: random.number(0...50_000)) }
        if random.chance(25) { tariff.capPerDay = QLC(units: random.number(0...50_000)) }
        tariff.idleTimeout = random.number(20...400)
        tariff.hardTimeout = random.number(100...100_000)
        return tariff
    }
}

extension Rates {
    static func random(_ random: inout SplitMix64) -> Rates {
        var rates = Rates()
        if random.chance(40) { rates.second = Price(QLC(units: random.number(0...200)), per: random.pick([1, 1, 60, 7])) }
        switch random.next() % 4 {
        case 0: break
        case 1:
            rates.byteUp = .randomByte(&random)
            rates.byteDown = rates.byteUp
        case 2: rates.byteDown = .randomByte(&random)
        default: (rates.byteUp, rates.byteDown) = (.randomByte(&random), .randomByte(&random))
        }
        return rates
    }
}

extension Price {
    static func randomByte(_ random: inout SplitMix64) -> Price {
        Price(QLC(units: random.number(0...40)), per: random.pick([1, 1_000, 1_000_000, random.number(1...5_000)]))
    }
}

/// One piece of use, in the order in which it happened.
struct Piece {
    var key: Usage.Key
    var up: UInt64 = 0
    var down: UInt64 = 0
    var time = Nanoseconds.zero

    static func random(_ random: inout SplitMix64, day: Int32, windows: Int) -> Piece {
        let window = random.next() % UInt64(windows + 1)
        return Piece(
            key: Usage.Key(day: day, window: window < windows ? UInt8(window) : Usage.Key.noWindow),
            up: random.chance(70) ? random.magnitude(upTo: 22) : 0, down: random.chance(70) ? random.magnitude(upTo: 22) : 0,
            time: random.chance(70) ? Nanoseconds(Int64(random.magnitude(upTo: 38))) : .zero)
    }

    /// A session's use over two or three days; now and then the clock is set back.
    static func several(_ random: inout SplitMix64, for tariff: Tariff) -> [Piece] {
        var day: Int32 = 20_780
        return (0..<random.number(1...12)).map { _ in
            if random.chance(15) { day += random.chance(30) ? -1 : 1 }
            return .random(&random, day: day, windows: tariff.windows.count)
        }
    }
}

extension Usage {
    init(_ pieces: [Piece]) {
        self.init()
        for piece in pieces { add(bytesUp: piece.up, bytesDown: piece.down, time: piece.time, in: piece.key) }
    }
}
