public import Primitives

/// The price plan of a station. Its components add up; what is not set costs nothing.
public struct Tariff: Hashable, Sendable, Codable {
    /// 1 to 32 of `a-z 0-9 -`.
    public var id: String
    public var name: String
    /// What holds outside every window, and always while the board's clock is not credible.
    public var rates: Rates
    /// Times of day with rates of their own; the first that matches wins.
    public var windows: [TimeWindow]
    /// Paid once, when the session opens.
    public var flat: QLC
    public var package: Package?
    /// Not charged: the first bytes (both directions together) and seconds of a session.
    public var freeBytes: UInt64
    public var freeSeconds: UInt64
    public var capPerSession: QLC?
    /// For a buyer and a local calendar day.
    public var capPerDay: QLC?
    /// Free, and open to vouchers that pay for nothing.
    public var acceptsDonations: Bool
    public var utcOffsetMinutes: Int16
    /// Seconds without a byte after which a session ends; it is then charged up to its last byte.
    public var idleTimeout: UInt64
    /// Seconds after which a session ends whatever happens.
    public var hardTimeout: UInt64
    public var creditWindow: CreditWindowLimits

    public static let idLimit = 32
    public static let nameLimit = 64
    public static let windowLimit = 16

    public init(
        id: String, name: String = "", rates: Rates = Rates(), windows: [TimeWindow] = [], flat: QLC = .zero,
        package: Package? = nil, freeBytes: UInt64 = 0, freeSeconds: UInt64 = 0, capPerSession: QLC? = nil,
        capPerDay: QLC? = nil, acceptsDonations: Bool = false, utcOffsetMinutes: Int16 = 0,
        idleTimeout: UInt64 = 300, hardTimeout: UInt64 = 86_400, creditWindow: CreditWindowLimits = CreditWindowLimits()
    ) {
        self.id = id
        self.name = name
        self.rates = rates
        self.windows = windows
        self.flat = flat
        self.package = package
        self.freeBytes = freeBytes
        self.freeSeconds = freeSeconds
        self.capPerSession = capPerSession
        self.capPerDay = capPerDay
        self.acceptsDonations = acceptsDonations
        self.utcOffsetMinutes = utcOffsetMinutes
        self.idleTimeout = idleTimeout
        self.hardTimeout = hardTimeout
        self.creditWindow = creditWindow
    }

    /// Nobody ever pays anything under it.
    public var isFree: Bool {
        rates.isFree && windows.allSatisfy(\.rates.isFree) && flat == .zero && package == nil
    }

    /// Where usage at this moment belongs.
    public func segment(at wall: WallTime) -> Usage.Key {
        guard wall.isCredible else { return Usage.Key(day: 0, window: Usage.Key.noWindow) }
        let civil = wall.civil(offsetMinutes: Int(utcOffsetMinutes))
        let window = windows.prefix(Self.windowLimit).firstIndex { $0.contains(civil) }
        return Usage.Key(day: civil.day, window: window.map(UInt8.init) ?? Usage.Key.noWindow)
    }

    public func rates(in window: UInt8) -> Rates {
        Int(window) < windows.count ? windows[Int(window)].rates : rates
    }

    /// Seconds until a price can change by the clock alone. nil: it never does.
    public func secondsToBoundary(at wall: WallTime) -> UInt64? {
        guard wall.isCredible, !windows.isEmpty || capPerDay != nil else { return nil }
        let now = wall.civil(offsetMinutes: Int(utcOffsetMinutes)).secondOfDay
        let edges = windows.flatMap { [Int($0.startMinute) * 60, Int($0.endMinute) * 60] } + [86_400]
        let next = edges.filter { $0 > now }.min() ?? 86_400
        return UInt64(next - now)
    }
}

extension Tariff: Canonical {
    public init() { self.init(id: "") }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.text(&id, limit: Self.idLimit)
        try coder.text(&name, limit: Self.nameLimit)
        try coder.nested(&rates)
        try coder.array(&windows, limit: Self.windowLimit)
        try coder.nested(&flat)
        try coder.optional(&package)
        try coder.integer(&freeBytes)
        try coder.integer(&freeSeconds)
        try coder.optional(&capPerSession)
        try coder.optional(&capPerDay)
        try coder.bool(&acceptsDonations)
        try coder.integer(&utcOffsetMinutes)
        try coder.integer(&idleTimeout)
        try coder.integer(&hardTimeout)
        try coder.nested(&creditWindow)
    }
}

/// Hours of the day, on some days of the week, that have rates of their own.
public struct TimeWindow: Hashable, Sendable, Codable {
    /// Bit 0 is Monday.
    public var days: UInt8
    /// Minutes of the local day, start included, end not. An end at or before the start reaches into the next day.
    public var startMinute: UInt16
    public var endMinute: UInt16
    public var rates: Rates

    public init(days: UInt8 = 0x7f, startMinute: UInt16, endMinute: UInt16, rates: Rates) {
        self.days = days
        self.startMinute = startMinute
        self.endMinute = endMinute
        self.rates = rates
    }

    func contains(_ time: CivilTime) -> Bool {
        let minute = UInt16(time.secondOfDay / 60)
        let today = days >> time.weekday & 1 == 1
        if startMinute < endMinute { return today && (startMinute..<endMinute).contains(minute) }
        let yesterday = days >> ((time.weekday + 6) % 7) & 1 == 1
        return today && minute >= startMinute || yesterday && minute < endMinute
    }
}

extension TimeWindow: Canonical {
    public init() { self.init(startMinute: 0, endMinute: 0, rates: Rates()) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&days)
        try coder.integer(&startMinute)
        try coder.integer(&endMinute)
        try coder.nested(&rates)
    }
}

/// A bundle bought whole: used up by bytes or by seconds, whichever comes first, then the next one is bought.
public struct Package: Hashable, Sendable, Codable {
    public var price: QLC
    public var bytes: UInt64?
    public var seconds: UInt64?

    public init(price: QLC, bytes: UInt64? = nil, seconds: UInt64? = nil) {
        self.price = price
        self.bytes = bytes
        self.seconds = seconds
    }

    /// Packages begun by so much usage; the first is begun by connecting.
    func count(bytes used: UInt64, seconds usedSeconds: UInt64) -> UInt64 {
        let begun = { (used: UInt64, size: UInt64?) -> UInt64 in
            guard let size, size > 0, used > 0 else { return 1 }
            return (used - 1) / size + 1
        }
        return max(begun(used, bytes), begun(usedSeconds, seconds))
    }
}

extension Package: Canonical {
    public init() { self.init(price: .zero) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&price)
        var sizes = (bytes ?? 0, seconds ?? 0)
        try coder.integer(&sizes.0)
        try coder.integer(&sizes.1)
        bytes = sizes.0 == 0 ? nil : sizes.0
        seconds = sizes.1 == 0 ? nil : sizes.1
    }
}
