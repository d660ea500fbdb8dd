public import Primitives

/// What a day of one buyer's earlier sessions has already cost, for the cap per day.
public struct DayCharge: Hashable, Sendable, Codable {
    public var day: Int32
    public var charged: QLC

    public init(day: Int32, charged: QLC) {
        self.day = day
        self.charged = charged
    }
}

/// One line of an invoice: `quantity` units at `price` make `charge`.
public struct InvoiceLine: Hashable, Sendable, Codable {
    public enum Item: String, Hashable, Sendable, Codable {
        case flat, package, seconds, bytes, bytesUp = "bytes_up", bytesDown = "bytes_down"
        case capPerDay = "cap_per_day", capPerSession = "cap_per_session"
    }

    public var item: Item
    /// The time-of-day window it falls in; nil for the base rates and for lines without one.
    public var window: UInt8?
    public var quantity: UInt64
    public var price: Price?
    /// Taken off instead of added where the item is a cap.
    public var charge: QLC
}

extension Tariff {
    /// The whole charge for `usage`: always from totals, so that it does not matter how usage was cut into samples.
    /// Who was not served a moment owes nothing, also where a session costs something by itself.
    public func charge(for usage: Usage, earlier: [DayCharge] = []) -> QLC {
        guard !isFree, !usage.segments.isEmpty else { return .zero }
        var total = rawCharge(for: usage.segments[...])
        if capPerDay != nil { total = dailyCharges(for: usage, earlier: earlier).reduce(.zero) { $0 + $1.charged } }
        return min(total, capPerSession ?? total)
    }

    /// The charge day by day, each day once and under the cap.
    public func dailyCharges(for usage: Usage, earlier: [DayCharge] = []) -> [DayCharge] {
        var charges: [DayCharge] = []
        var before = QLC.zero
        var sessionLeft = capPerSession ?? QLC(units: .max)
        for end in dayEnds(of: usage) {
            let day = usage.segments[end - 1].key.day
            let total = rawCharge(for: usage.segments[..<end])
            var charge = total - before
            before = total
            let met = charges.firstIndex { $0.day == day }  // the clock was set back over midnight
            if let cap = capPerDay {
                let others = earlier.first { $0.day == day }?.charged ?? .zero
                charge = min(charge, cap - others - (met.map { charges[$0].charged } ?? .zero))
            }
            charge = min(charge, sessionLeft)
            sessionLeft = sessionLeft - charge
            if let met { charges[met].charged += charge } else { charges.append(DayCharge(day: day, charged: charge)) }
        }
        return charges
    }

    /// The charge line by line; the lines add up to ``charge(for:earlier:)`` exactly.
    public func invoice(for usage: Usage, earlier: [DayCharge] = []) -> [InvoiceLine] {
        guard !isFree, !usage.segments.isEmpty else { return [] }
        var lines: [InvoiceLine] = []
        forEachCharge(for: usage.segments[...]) { lines.append($0) }
        var total = lines.reduce(QLC.zero) { $0 + $1.charge }
        if capPerDay != nil {
            var uncappedBySession = self
            uncappedBySession.capPerSession = nil
            let capped = uncappedBySession.charge(for: usage, earlier: earlier)
            if capped < total { lines.append(InvoiceLine(item: .capPerDay, quantity: 1, charge: total - capped)) }
            total = capped
        }
        if let cap = capPerSession, cap < total {
            lines.append(InvoiceLine(item: .capPerSession, quantity: 1, charge: total - cap))
        }
        return lines
    }

    /// Positions just after the last segment of each day, as they come.
    private func dayEnds(of usage: Usage) -> [Int] {
        let segments = usage.segments
        return segments.indices.filter { $0 + 1 == segments.count || segments[$0 + 1].key.day != segments[$0].key.day }
            .map { $0 + 1 }
    }

    private func rawCharge(for segments: ArraySlice<Usage.Segment>) -> QLC {
        var total = QLC.zero
        forEachCharge(for: segments) { total += $0.charge }
        return total
    }

    private struct Billable {
        var bytesUp: UInt64 = 0, bytesDown: UInt64 = 0, time = Nanoseconds.zero
    }

    /// Visits each non-zero component of the charge, computed from totals by window.
    private func forEachCharge(for segments: ArraySlice<Usage.Segment>, _ visit: (InvoiceLine) -> Void) {
        if flat > .zero { visit(InvoiceLine(item: .flat, quantity: 1, charge: flat)) }
        if let package {
            let bytes = segments.reduce(UInt64(0)) { $0.saturatingAdd($1.bytes) }
            let time = segments.reduce(Nanoseconds.zero) { $0 + $1.time }
            let count = package.count(bytes: bytes, seconds: time.wholeSeconds)
            let price = Price(package.price)
            visit(InvoiceLine(item: .package, quantity: count, price: price, charge: price.charge(for: count)))
        }
        let totals = billable(segments)
        for (index, total) in totals.enumerated() {
            let window = index < windows.count ? UInt8(index) : nil
            let rates = window.map { windows[Int($0)].rates } ?? rates
            visitLines(total, rates, window, visit)
        }
    }

    private func visitLines(_ total: Billable, _ rates: Rates, _ window: UInt8?, _ visit: (InvoiceLine) -> Void) {
        func line(_ item: InvoiceLine.Item, _ quantity: UInt64, _ price: Price?) {
            guard let price, quantity > 0 else { return }
            visit(InvoiceLine(item: item, window: window, quantity: quantity, price: price, charge: price.charge(for: quantity)))
        }
        line(.seconds, total.time.wholeSeconds, rates.second)
        if rates.hasOneBytePrice {
            line(.bytes, total.bytesUp.saturatingAdd(total.bytesDown), rates.byteUp)
        } else {
            line(.bytesUp, total.bytesUp, rates.byteUp)
            line(.bytesDown, total.bytesDown, rates.byteDown)
        }
    }

    /// Totals by window, less the free allowance, which goes to the first segments, and in each to downlink first.
    private func billable(_ segments: ArraySlice<Usage.Segment>) -> [Billable] {
        var totals = [Billable](repeating: Billable(), count: windows.count + 1)
        var freeBytes = freeBytes
        var freeTime = Nanoseconds.seconds(freeSeconds)
        for segment in segments {
            let freeDown = min(freeBytes, segment.bytesDown)
            freeBytes -= freeDown
            let freeUp = min(freeBytes, segment.bytesUp)
            freeBytes -= freeUp
            let freeHere = min(freeTime, segment.time)
            freeTime = freeTime - freeHere
            let window = min(Int(segment.key.window), windows.count)
            totals[window].bytesDown = totals[window].bytesDown.saturatingAdd(segment.bytesDown - freeDown)
            totals[window].bytesUp = totals[window].bytesUp.saturatingAdd(segment.bytesUp - freeUp)
            totals[window].time += segment.time - freeHere
        }
        return totals
    }
}
