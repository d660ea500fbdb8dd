public import Primitives

/// The knobs of mining in idle time. The defaults suit a home router.
public struct IdleSettings: Hashable, Sendable {
    /// How long there must be no more than background traffic before mining goes on.
    public var quiet = Nanoseconds.seconds(10)
    /// How long mining pauses for a lone packet, to see whether more come.
    public var breath = Nanoseconds.seconds(2)
    /// Interruptions make both times longer, up to this.
    public var quietMax = Nanoseconds.seconds(300)
    /// What a phone that is only there sends and gets: this many packets a second in the long run …
    public var backgroundPacketsPerSecond: UInt64 = 1
    /// … and this many at once: renewing a lease, keeping a connection alive.
    public var backgroundBurst: UInt64 = 20
    /// Other programs' share of all cores, in thousandths, that stops mining …
    public var loadStop: UInt64 = 400
    /// … and the one below which it goes on.
    public var loadResume: UInt64 = 200
    /// How long the load must be above or below.
    public var loadPatience = Nanoseconds.seconds(3)
    /// In thousandths of a degree. Below where the station takes back its transmit power: heat that mining made must not cost clients.
    public var hot: Int32 = 70_000
    public var coolBy: Int32 = 8_000
    /// Mining on battery at this charge or more, in percent; nil: never.
    public var batteryMinimum: UInt8?
    /// When the owner allows it, by the owner's clock; empty: always.
    public var hours: [DailyHours] = []
    public var utcOffsetMinutes = 0
    /// Memory that must stay free beside the worker's.
    public var memoryReserve = ByteCount(bytes: 128 << 20)
    /// Whether the mode that needs 2.3 GB may be used where it fits.
    public var allowsFast = true
    /// Dropped packets a second from which the network counts as congested.
    public var dropsPerSecond: UInt64 = 10
    /// Preparing a worker is worth it when the idle spell will last this many times as long.
    public var worthMultiple: Int64 = 4

    /// More could not be looked through by a person either.
    public static let hoursLimit = 16

    public init() {}
}

/// A span of the day in minutes since midnight, which may pass midnight. From a minute to itself: the whole day.
public struct DailyHours: Hashable, Sendable, LosslessStringConvertible {
    /// 0 to 1439.
    public let from: Int
    /// 0 to 1439; the first minute outside.
    public let to: Int

    static let day = 1_440

    public init?(from: Int, to: Int) {
        guard (0..<Self.day).contains(from), (0..<Self.day).contains(to) else { return nil }
        (self.from, self.to) = (from, to)
    }

    /// `22:00-07:00`; also `24:00` for the end of the day.
    public init?(_ description: String) {
        let ends = description.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false).map { Self.minute($0) }
        guard ends.count == 2, let from = ends[0], let to = ends[1], from < Self.day else { return nil }
        self.init(from: from, to: to % Self.day)
    }

    public var description: String { "\(Self.text(from))-\(Self.text(to))" }

    func contains(_ minute: Int) -> Bool {
        from < to ? (from..<to).contains(minute) : minute >= from || minute < to
    }

    static func text(_ minute: Int) -> String { "\(twoDigits(minute / 60)):\(twoDigits(minute % 60))" }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func minute(_ text: some Collection<UInt8>) -> Int? {
        let digits = Array(text)
        guard digits.count == 5, digits[2] == UInt8(ascii: ":") else { return nil }
        let numbers = [digits[0], digits[1], digits[3], digits[4]].map { Int($0) - 48 }
        guard numbers.allSatisfy({ (0...9).contains($0) }) else { return nil }
        let (hour, minute) = (numbers[0] * 10 + numbers[1], numbers[2] * 10 + numbers[3])
        return minute < 60 && hour * 60 + minute <= day ? hour * 60 + minute : nil
    }
}
