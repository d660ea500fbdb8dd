/// A point on the boot-time clock, in nanoseconds since the board booted (`CLOCK_BOOTTIME`).
///
/// Everything that decides is timed by it: it never jumps, also when the board boots in 1970.
public struct Instant: Hashable, Comparable, Sendable, Codable {
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static let zero = Instant(nanoseconds: 0)

    public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }
    public static func - (left: Instant, right: Instant) -> Nanoseconds {
        Nanoseconds(left.nanoseconds) - Nanoseconds(right.nanoseconds)
    }
    public static func + (left: Instant, right: Nanoseconds) -> Instant {
        Instant(nanoseconds: (Nanoseconds(left.nanoseconds) + right).count)
    }
}

/// A length of time in integer nanoseconds; 292 years at most.
public struct Nanoseconds: Hashable, Comparable, Sendable, Codable {
    public var count: Int64

    public init(_ count: Int64) { self.count = count }

    public static let zero = Nanoseconds(0)

    public static func seconds(_ seconds: some BinaryInteger) -> Nanoseconds {
        let (product, overflow) = Int64(clamping: seconds).multipliedReportingOverflow(by: 1_000_000_000)
        return Nanoseconds(overflow ? (seconds < 0 ? .min : .max) : product)
    }
    public static func milliseconds(_ milliseconds: some BinaryInteger) -> Nanoseconds {
        let (product, overflow) = Int64(clamping: milliseconds).multipliedReportingOverflow(by: 1_000_000)
        return Nanoseconds(overflow ? (milliseconds < 0 ? .min : .max) : product)
    }

    /// Whole seconds that have passed; zero for a negative length.
    public var wholeSeconds: UInt64 { count > 0 ? UInt64(count) / 1_000_000_000 : 0 }
    public var duration: Duration { .nanoseconds(count) }

    public static func < (left: Nanoseconds, right: Nanoseconds) -> Bool { left.count < right.count }
    public static func + (left: Nanoseconds, right: Nanoseconds) -> Nanoseconds {
        let (sum, overflow) = left.count.addingReportingOverflow(right.count)
        return Nanoseconds(overflow ? (right.count > 0 ? .max : .min) : sum)
    }
    public static func - (left: Nanoseconds, right: Nanoseconds) -> Nanoseconds {
        let (difference, overflow) = left.count.subtractingReportingOverflow(right.count)
        return Nanoseconds(overflow ? (right.count < 0 ? .max : .min) : difference)
    }
    public static func += (left: inout Nanoseconds, right: Nanoseconds) { left = left + right }
}
