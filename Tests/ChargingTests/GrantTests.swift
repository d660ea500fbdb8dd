import Charging
import Primitives
import SimulatedHAL
import Testing

@Suite struct Granting {
    private struct Case {
        var tariff: Tariff, usage: Usage, key: Usage.Key, available: QLC, earlier: [DayCharge], boundary: Nanoseconds?
        var grant: Grant { tariff.grant(after: usage, in: key, available: available, earlier: earlier, boundary: boundary) }

        func cost(up: UInt64, down: UInt64, time: Nanoseconds) -> QLC {
            var next = usage
            next.add(bytesUp: up, bytesDown: down, time: time, in: key)
            return tariff.charge(for: next, earlier: earlier)
        }

        init(_ random: inout SplitMix64) {
            tariff = .random(&random)
            let pieces = random.chance(20) ? [] : Piece.several(&random, for: tariff)
            usage = Usage(pieces)
            key =
                pieces.last.map { random.chance(70) ? $0.key : Usage.Key(day: $0.key.day + 1, window: Usage.Key.noWindow) }
                ?? Usage.Key(day: 20_780, window: Usage.Key.noWindow)
            earlier = random.chance(50) ? [] : [DayCharge(day: key.day, charged: QLC(units: random.number(0...60_000)))]
            boundary = random.chance(30) ? .seconds(random.number(1...90_000)) : nil
            available = QLC(units: random.chance(10) ? random.number(0...3) : random.number(0...200_000))
            if random.chance(80) { available += tariff.charge(for: usage, earlier: earlier) }
        }
    }

    /// Whoever uses a grant up, in any mixture and order, owes no more than there is.
    @Test(arguments: seeds(400))
    func isAffordableInAnyMixtureAndOrder(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let one = Case(&random)
        let grant = one.grant
        guard one.tariff.charge(for: one.usage, earlier: one.earlier) <= one.available else {
            #expect(grant == Grant(bytes: 0, time: .zero))
            return
        }
        let most = grant.bytes ?? 1 << 44
        let longest = grant.time?.count ?? 400 * 86_400_000_000_000
        guard most > 0 || longest > 0 else { return }
        for share in [0, 100, random.number(0...100), random.number(0...100)] {
            var usage = one.usage
            var (up, down, time) = (UInt64(UInt128(most) * UInt128(share) / 100), UInt64(0), longest)
            down = most - up
            for step in (1...4 as ClosedRange<UInt64>).reversed() {
                let isLast = step == 1
                let part = (isLast ? up : random.number(0...up), isLast ? down : random.number(0...down))
                let passed = isLast ? time : Int64(random.number(0...UInt64(time)))
                (up, down, time) = (up - part.0, down - part.1, time - passed)
                usage.add(bytesUp: part.0, time: Nanoseconds(passed), in: one.key)
                #expect(one.tariff.charge(for: usage, earlier: one.earlier) <= one.available)
                usage.add(bytesDown: part.1, in: one.key)
                #expect(one.tariff.charge(for: usage, earlier: one.earlier) <= one.available)
            }
            #expect(usage.bytes == one.usage.bytes + most)
        }
    }

    /// One byte more is not affordable; where up and down cost differently, all but one unit of money (10⁻⁸ QLC) can be used up.
    @Test(arguments: seeds(400))
    func leavesNoPaidByteBehind(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let one = Case(&random)
        let grant = one.grant
        guard let bytes = grant.bytes, one.cost(up: 0, down: 0, time: .zero) <= one.available else { return }
        let rates = one.tariff.rates(in: one.key.window)
        let time = rates.second == nil && one.tariff.package?.seconds == nil ? .zero : grant.time ?? .zero
        if rates.hasOneBytePrice {
            #expect(one.cost(up: 1, down: bytes, time: time) > one.available)
        } else {
            let next = max(one.cost(up: bytes + 1, down: 0, time: time), one.cost(up: 0, down: bytes + 1, time: time))
            #expect(next >= one.available)
        }
    }

    @Test(arguments: seeds(300))
    func leavesNoPaidTimeBehindWhereOnlyTimeCosts(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var one = Case(&random)
        one.tariff.rates = Rates(second: one.tariff.rates.second ?? Price(QLC(units: 3)))
        for index in one.tariff.windows.indices { one.tariff.windows[index].rates.byteUp = nil }
        for index in one.tariff.windows.indices { one.tariff.windows[index].rates.byteDown = nil }
        one.tariff.package?.bytes = nil
        guard one.cost(up: 0, down: 0, time: .zero) <= one.available else { return }
        switch one.grant.time {
        case nil: #expect(one.cost(up: 0, down: 0, time: .seconds(3_000_000_000)) <= one.available)
        case let time? where time == one.boundary || time == .seconds(one.tariff.hardTimeout + 60): break
        case let time?: #expect(one.cost(up: 0, down: 0, time: time + Nanoseconds(1)) > one.available)
        }
    }

    /// A dead agent gives nothing away: whatever costs money by time has an end in the kernel, also when much of it is paid.
    @Test func timeThatCostsAlwaysEnds() {
        let rich = QLC(units: 1_000_000_000)
        let key = Usage.Key(day: 1, window: Usage.Key.noWindow)
        var tariff = Tariff(id: "t", rates: Rates(second: Price(QLC(units: 1))), hardTimeout: 60)
        #expect(tariff.grant(after: Usage(), in: key, available: rich) == Grant(bytes: nil, time: .seconds(120)))
        tariff.hardTimeout = .max
        #expect(tariff.grant(after: Usage(), in: key, available: QLC(units: 9)).time == Nanoseconds(9_999_999_999))
        tariff.capPerSession = QLC(units: 5)
        #expect(tariff.grant(after: Usage(), in: key, available: QLC(units: 5)) == Grant(bytes: nil, time: nil))
        #expect(tariff.grant(after: Usage(), in: key, available: QLC(units: 4)).time == Nanoseconds(4_999_999_999))
    }

    /// Bytes and time draw on one balance: were bytes granted as if no time passed, both together would exceed it.
    @Test func timeAndBytesShareTheBalance() {
        let tariff = Tariff(
            id: "t", rates: Rates(second: Price(QLC(units: 1)), byteUp: Price(QLC(units: 1)), byteDown: Price(QLC(units: 1))),
            hardTimeout: 10)
        let key = Usage.Key(day: 1, window: Usage.Key.noWindow)
        for units: UInt64 in [0, 1, 2, 3, 10, 59, 60, 70, 71, 1_000] {
            let grant = tariff.grant(after: Usage(), in: key, available: QLC(units: units))
            #expect(grant.bytes! + grant.time!.wholeSeconds <= units)
        }
    }

    /// The free direction or the cheap one: however a client mixes, what it paid is used up within some samples.
    @Test(arguments: [(1, 1), (1, 2), (1, 4), (3, 4), (1, 10), (10, 1)] as [(UInt64, UInt64)])
    func upAndDownPricesConvergeToTheLastPacket(_ down: UInt64, _ up: UInt64) {
        let tariff = Tariff(id: "t", rates: Rates(byteUp: Price(QLC(units: up)), byteDown: Price(QLC(units: down))))
        let key = Usage.Key(day: 1, window: Usage.Key.noWindow)
        let paid = QLC(units: 2_000_000)
        var usage = Usage()
        var samples = 0
        while let left = tariff.grant(after: usage, in: key, available: paid).bytes, left >= 1_500 {
            usage.add(bytesDown: left, in: key)  // all of it one way: for (10, 1) the dear one
            samples += 1
        }
        #expect(tariff.charge(for: usage) <= paid)
        #expect(paid - tariff.charge(for: usage) <= QLC(units: 1_500 * max(up, down)))
        #expect(samples <= 72)
    }

    @Test func capReachedIsUnlimited() {
        let key = Usage.Key(day: 1, window: Usage.Key.noWindow)
        var tariff = Tariff(id: "t", rates: Rates(byteUp: Price(QLC(units: 2)), byteDown: Price(QLC(units: 1))))
        tariff.capPerSession = QLC(units: 1_000)
        #expect(tariff.grant(after: Usage(), in: key, available: QLC(units: 999)).bytes == 499)
        #expect(tariff.grant(after: Usage(), in: key, available: QLC(units: 1_000)) == Grant(bytes: nil, time: nil))
        tariff.capPerSession = nil
        tariff.capPerDay = QLC(units: 1_000)
        let midnight = Nanoseconds.seconds(600)
        let grant = tariff.grant(
            after: Usage(), in: key, available: QLC(units: 10), earlier: [DayCharge(day: 1, charged: QLC(units: 990))],
            boundary: midnight)
        #expect(grant == Grant(bytes: nil, time: midnight))
    }

    /// Money for a second package is not locked up by the time of the first.
    @Test func aPackageOfBytesIsNotStarvedByTime() {
        let tariff = Tariff(
            id: "t", rates: Rates(second: Price(QLC(units: 1))), package: Package(price: QLC(units: 20), bytes: 1_000))
        let key = Usage.Key(day: 1, window: Usage.Key.noWindow)
        var usage = Usage()
        usage.add(bytesDown: 1_000, time: .seconds(1), in: key)
        let grant = tariff.grant(after: usage, in: key, available: QLC(units: 100))
        #expect(grant.bytes == 2_000)
    }
}

@Suite struct CreditWindows {
    /// 5 units a kB, from 10 kB/s to 1 GB/s; the owner's limits are wide enough for all but the last, which the maximum holds.
    @Test(arguments: [10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000] as [UInt64])
    func clientsComeToPayEveryFiveToTenSeconds(_ bytesPerSecond: UInt64) {
        let limits = CreditWindowLimits(minimum: QLC(units: 100), maximum: QLC(units: 100_000_000_000))
        let unitsPerSecond = bytesPerSecond * 5 / 1_000
        var window = CreditWindow(limits)
        var now = Instant.zero
        window.paid(at: now, within: limits)
        var intervals: [Nanoseconds] = []
        for _ in 0..<20 {  // it pays a window, uses it up, pays the next
            let interval = Nanoseconds(Int64(UInt128(window.amount.units) * 1_000_000_000 / UInt128(unitsPerSecond)))
            now = now + interval
            window.paid(at: now, within: limits)
            #expect(limits.minimum <= window.amount && window.amount <= limits.maximum)
            intervals.append(interval)
        }
        for interval in intervals.dropFirst(10) { #expect((Nanoseconds.seconds(5)...(.seconds(10))).contains(interval)) }
    }

    @Test func stayWithinTheOwnersLimits() {
        let limits = CreditWindowLimits(minimum: QLC(units: 1_000), maximum: QLC(units: 5_000))
        var window = CreditWindow(limits)
        var now = Instant.zero
        for _ in 0..<10 {
            now = now + .milliseconds(1)
            window.paid(at: now, within: limits)
        }
        #expect(window.amount == limits.maximum)
        for _ in 0..<10 {
            now = now + .seconds(10_000)
            window.paid(at: now, within: limits)
        }
        #expect(window.amount == limits.minimum)
        window.paid(at: .zero, within: limits)  // the board was booted anew
        #expect(window.amount == limits.minimum)
    }

    @Test func oneLatePaymentDoesNotUpsetThem() {
        let limits = CreditWindowLimits(minimum: QLC(units: 1), maximum: .supply)
        var window = CreditWindow(CreditWindowLimits(minimum: QLC(units: 80_000)))
        window.paid(at: .zero, within: limits)
        window.paid(at: Instant.zero + .seconds(86_400), within: limits)
        #expect(window.amount == QLC(units: 10_000))  // an eighth, not a ten-thousandth
    }
}
