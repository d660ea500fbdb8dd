/// Seconds since 1970-01-01T00:00:00Z: for people to read, and for time-of-day prices. It decides nothing else.
public struct WallTime: Hashable, Comparable, Sendable {
    public var secondsSince1970: Int64

    public init(secondsSince1970: Int64) { self.secondsSince1970 = secondsSince1970 }

    /// A board without a clock boots in 1970. Nothing before this software's first year is believed.
    public var isCredible: Bool { secondsSince1970 >= 1_767_225_600 }  // 2026-01-01

    public static func < (left: WallTime, right: WallTime) -> Bool { left.secondsSince1970 < right.secondsSince1970 }

    /// What four digits of a year can say: 0000-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
    private static let writable: ClosedRange<Int64> = -62_167_219_200...253_402_300_799

    /// The civil date and time of day, shifted by an offset from UTC. Before the year 0 and after 9999 it stands still.
    public func civil(offsetMinutes: Int = 0) -> CivilTime {
        let inRange = min(max(secondsSince1970, Self.writable.lowerBound), Self.writable.upperBound)
        let local = inRange + Int64(Int32(clamping: offsetMinutes)) * 60
        let day = (local >= 0 ? local : local - 86_399) / 86_400
        return CivilTime(day: Int32(clamping: day), secondOfDay: Int(local - day * 86_400))
    }
}

/// A day counted from 1970-01-01 and the second within it.
public struct CivilTime: Hashable, Sendable {
    public var day: Int32
    public var secondOfDay: Int

    /// 0 is Monday.
    public var weekday: Int { ((Int(day) + 3) % 7 + 7) % 7 }

    /// Year, month 1 to 12 and day 1 to 31 of the proleptic Gregorian calendar (H. Hinnant, days_from_civil inverse).
    public var date: (year: Int, month: Int, day: Int) {
        let shifted = Int(day) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        )
    }
}

extension WallTime: LosslessStringConvertible, Codable {
    /// RFC 3339 in UTC: `2026-11-23T09:13:23Z`.
    public var description: String {
        let civil = civil()
        let (year, month, day) = civil.date
        let pad = { (value: Int, width: Int) in
            String(repeating: "0", count: max(0, width - String(value).count)) + String(value)
        }
        let second = civil.secondOfDay
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T"
            + "\(pad(second / 3600, 2)):\(pad(second / 60 % 60, 2)):\(pad(second % 60, 2))Z"
    }

    /// Reads RFC 3339 in UTC, or a date alone (its midnight).
    public init?(_ description: String) {
        let text = Array(description.utf8)
        guard text.count == 20 || text.count == 10 else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            guard text[range].allSatisfy({ (48...57).contains($0) }) else { return nil }
            return text[range].reduce(0) { $0 * 10 + Int($1 - 48) }
        }
        guard text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"), let year = number(0..<4),
            let month = number(5..<7), let day = number(8..<10), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var second = 0
        if text.count == 20 {
            guard text[10] == UInt8(ascii: "T"), text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":"),
                text[19] == UInt8(ascii: "Z"), let h = number(11..<13), let m = number(14..<16),
                let s = number(17..<19), h < 24, m < 60, s < 60
            else { return nil }
            second = h * 3600 + m * 60 + s
        }
        self.init(secondsSince1970: Int64(Self.days(year, month, day)) * 86_400 + Int64(second))
        guard civil().date == (year, month, day) else { return nil }  // refuses 31 February
    }

    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    public init(from decoder: any Decoder) throws { self = try decodeText(from: decoder, as: "a time like 2026-11-23T09:13:23Z") }
    public func encode(to encoder: any Encoder) throws { try encodeText(self, to: encoder) }
}

/// The same moment on both clocks. Pure code is handed one; it never asks for the time.
public struct Moment: Hashable, Sendable {
    public var boot: Instant
    public var wall: WallTime

    public init(boot: Instant, wall: WallTime) {
        self.boot = boot
        self.wall = wall
    }
}
