public import Primitives

/// What may be used on top of what was used already. nil: as much as one likes.
public struct Grant: Hashable, Sendable, Codable {
    /// Both directions together.
    public var bytes: UInt64?
    public var time: Nanoseconds?

    public init(bytes: UInt64?, time: Nanoseconds?) {
        self.bytes = bytes
        self.time = time
    }
}

extension Tariff {
    /// A session without an end is still read and granted anew this often where time and bytes both cost money.
    private static let mixedHorizon = Nanoseconds.seconds(30)
    private static let mixedLeast = Nanoseconds.seconds(2)
    /// Longer than any session: 73 years, so that sums stay far from the largest length.
    private static let forEver = Nanoseconds(Int64.max / 4)
    /// More than any session can move: 2⁵⁶ bytes are 8 days at 1 Tbit/s.
    private static let byteCeiling: UInt64 = 1 << 56

    /// The most that can be used further, from `usage` on, in the segment `key`, without the charge going above `available`.
    ///
    /// - Parameters:
    ///   - boundary: time until a price can change by the clock alone; nothing is granted beyond it.
    ///   - held: what the kernel may give already, whatever it is told now. Bytes are granted as if that time were used up,
    ///     and time as if those bytes were.
    public func grant(
        after usage: Usage, in key: Usage.Key, available: QLC, earlier: [DayCharge] = [], boundary: Nanoseconds? = nil,
        held: Grant? = nil
    ) -> Grant {
        if isFree { return Grant(bytes: nil, time: nil) }
        guard charge(for: usage, earlier: earlier) <= available else { return Grant(bytes: 0, time: .zero) }
        let cost = { (bytes: UInt64, time: Nanoseconds, up: Bool) -> QLC in
            var next = usage
            next.add(bytesUp: up ? bytes : 0, bytesDown: up ? 0 : bytes, time: time, in: key)
            return charge(for: next, earlier: earlier)
        }
        let rates = rates(in: key.window)
        var time: Nanoseconds?
        // Without an end only what costs nothing however long: everything else the kernel ends by itself.
        if cost(0, Self.forEver, true) > available {
            let ceiling = Nanoseconds.seconds(hardTimeout.saturatingAdd(60))
            let most = Self.largest(upTo: UInt64(min(ceiling, Self.forEver).count)) {
                cost(0, Nanoseconds(Int64($0)), true) <= available
            }
            time = Nanoseconds(Int64(most))
        }
        let bytesCost = rates.byteUp != nil || rates.byteDown != nil || rates.second != nil && package?.bytes != nil
        if let all = time, bytesCost {
            time = min(all, max(Self.mixedLeast, min(Nanoseconds(all.count / 2), Self.mixedHorizon)))
        }
        if let boundary { time = min(time ?? boundary, boundary) }
        guard rates.second != nil || package?.seconds != nil else {
            return Grant(bytes: bytes(in: rates, available: available) { cost($0, .zero, $1) }, time: time)
        }
        let reserved = max(time ?? .zero, held?.time ?? .zero)
        let bytes = bytes(in: rates, available: available) { cost($0, reserved, $1) }
        if let all = time, let most = [bytes, held?.bytes].compactMap(\.self).max() {
            time = Nanoseconds(
                Int64(
                    Self.largest(upTo: UInt64(all.count)) { time in
                        [true, false].allSatisfy { cost(most, Nanoseconds(Int64(time)), $0) <= available }
                    }))
        }
        return Grant(bytes: bytes, time: time)
    }

    /// Bytes that are affordable whichever way they go.
    private func bytes(in rates: Rates, available: QLC, cost: (_ bytes: UInt64, _ up: Bool) -> QLC) -> UInt64? {
        if cost(Self.byteCeiling, false) <= available, cost(Self.byteCeiling, true) <= available { return nil }
        guard !rates.hasOneBytePrice else {
            return Self.largest(upTo: Self.byteCeiling) { cost($0, false) <= available }
        }
        // Up and down are rounded down on lines of their own: a mixture can cost one unit more than either extreme.
        let safe = available - QLC(units: 1)
        return min(
            Self.largest(upTo: Self.byteCeiling) { cost($0, false) <= safe },
            Self.largest(upTo: Self.byteCeiling) { cost($0, true) <= safe })
    }

    /// The largest value up to `ceiling` that `fits`, where everything below a fitting value fits.
    private static func largest(upTo ceiling: UInt64, fits: (UInt64) -> Bool) -> UInt64 {
        if fits(ceiling) { return ceiling }
        var (low, high) = (UInt64(0), ceiling)
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if fits(middle) { low = middle } else { high = middle }
        }
        return low
    }
}
