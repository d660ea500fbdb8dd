import Primitives

/// What stands against mining, in the order in which it is told.
enum IdleReason: Hashable, Sendable {
    case notConfigured
    case pausedByOwner(until: Instant?)
    case refused(String, again: Instant)
    case noWork(String)
    case clockNotSet
    case outsideHours([DailyHours], nextMinute: Int)
    case boardTooSmall(ByteCount)
    case memoryShort(free: ByteCount, MiningMode, needed: ByteCount)
    case notRead(since: Instant?)
    case battery(percent: UInt8?, minimum: UInt8?)
    case temperatureUnreadable
    case hot(milliCelsius: Int32, below: Int32)
    case congested(since: Instant)
    case busy(share: UInt64, below: UInt64)
    case traffic(last: Instant, needed: Nanoseconds)
    case settling(since: Instant, needed: Nanoseconds, packet: Instant?)
    case notWorth(expected: Nanoseconds, preparation: Nanoseconds, needed: Nanoseconds)

    /// Whether it is mining's own affair: the board had nothing else to do.
    var isOwn: Bool {
        switch self {
        case .notConfigured, .pausedByOwner, .refused, .noWork, .clockNotSet, .outsideHours, .settling, .notWorth: true
        case .traffic, .boardTooSmall, .memoryShort, .notRead, .battery, .temperatureUnreadable, .hot, .congested, .busy: false
        }
    }

    /// Whether the worker's memory is better given back.
    var wantsMemory: Bool {
        switch self {
        case .notConfigured, .pausedByOwner, .refused, .clockNotSet, .outsideHours, .boardTooSmall, .memoryShort: true
        case .noWork, .notRead, .battery, .temperatureUnreadable, .hot, .congested, .busy, .traffic, .settling, .notWorth: false
        }
    }

    func words(at now: Moment, utcOffsetMinutes: Int) -> String {
        switch self {
        case .notConfigured: "off: mining is not configured"
        case .pausedByOwner(nil): "paused by the owner until resumed"
        case .pausedByOwner(let until?): "paused by the owner until \(Self.time(until, now, utcOffsetMinutes))"
        case .refused(let why, let again): "the worker cannot run: \(why); tried again in \(words(again - now.boot))"
        case .noWork(let why): "there is nothing to hash: \(why)"
        case .clockNotSet: "the clock is not set, so the hours that the owner allows are unknown"
        case .outsideHours(let hours, let next):
            "outside the hours that the owner allows (\(hours.map(\.description).joined(separator: ", "))), "
                + "next at \(DailyHours.text(next))"
        case .boardTooSmall(let total):
            "the board has \(mebibytes(total)) MiB of memory and mining needs a board with \(mebibytes(Memory.boardLeast))"
        case .memoryShort(let free, let mode, let needed):
            "\(mebibytes(free)) MiB of memory are free and \(mode.rawValue) mode needs \(mebibytes(needed))"
        case .notRead(nil): "what the board does was not read yet"
        case .notRead(let since?): "what the board does was last read \(words(now.boot - since)) ago"
        case .battery(let percent, let minimum):
            "on battery" + (percent.map { " (\($0) %)" } ?? "") + (minimum.map { "; mining goes on from \($0) %" } ?? "")
        case .temperatureUnreadable: "the temperature cannot be read"
        case .hot(let heat, let below): "\(heat / 1_000) °C; mining goes on below \(below / 1_000) °C"
        case .congested(let since):
            "packets were dropped \(words(now.boot - since)) ago: the network is congested"
        case .busy(let share, let below):
            "other programs use \(share / 10) % of the processor; mining goes on below \(below / 10) %"
        case .traffic(let last, let needed):
            "clients use the network, last \(words(now.boot - last)) ago; mining goes on after \(words(needed)) of quiet"
        case .settling(_, let needed, let packet?):
            "a client sent a packet \(words(now.boot - packet)) ago; mining goes on after \(words(needed)) of quiet"
        case .settling(let since, let needed, nil):
            "mining stopped \(words(now.boot - since)) ago; it goes on after \(words(needed))"
        case .notWorth(let expected, let preparation, let needed):
            "idle time that lasts another \(words(expected)), as it did before, is not worth \(words(preparation)) of "
                + "preparing; from \(words(needed)) it is"
        }
    }

    private static func time(_ instant: Instant, _ now: Moment, _ offset: Int) -> String {
        guard now.wall.isCredible else { return "\(IdleWords.words(instant - now.boot)) from now" }
        let (ahead, _) = now.wall.secondsSince1970.addingReportingOverflow(Int64((instant - now.boot).wholeSeconds))
        return DailyHours.text(WallTime(secondsSince1970: ahead).civil(offsetMinutes: offset).secondOfDay / 60)
    }

    private func words(_ interval: Nanoseconds) -> String { IdleWords.words(interval) }
    private func mebibytes(_ count: ByteCount) -> UInt64 { count.bytes >> 20 }
}

enum IdleWords {
    /// `4 s`, `12 min`, `3 h`, `2 days`: one figure is enough for people.
    static func words(_ interval: Nanoseconds) -> String {
        let seconds = interval.wholeSeconds
        return switch seconds {
        case ..<120: "\(seconds) s"
        case ..<7_200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3_600) h"
        default: "\(seconds / 86_400) days"
        }
    }
}
