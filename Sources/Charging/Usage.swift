public import Primitives

/// All that one session used, as totals for each day and time-of-day window. Totals only grow; nothing is a delta.
public struct Usage: Hashable, Sendable, Codable {
    public struct Key: Hashable, Sendable, Codable {
        public static let noWindow: UInt8 = 255
        /// Local calendar day, counted from 1970-01-01.
        public var day: Int32
        /// Index into the tariff's windows, or ``noWindow``.
        public var window: UInt8

        public init(day: Int32, window: UInt8) {
            self.day = day
            self.window = window
        }
    }

    public struct Segment: Hashable, Sendable, Codable {
        public var key: Key
        public var bytesUp: UInt64 = 0
        public var bytesDown: UInt64 = 0
        public var time = Nanoseconds.zero

        public var bytes: UInt64 { bytesUp.saturatingAdd(bytesDown) }
    }

    /// In the order in which they were used. Only the last one grows, so that no earlier price is ever worked out anew:
    /// a key that comes again (the clock was set back) is a segment of its own.
    public private(set) var segments: [Segment] = []

    /// A month of days with a window each. A session ends when it gets there; until then the rest is added to the last segment.
    public static let segmentLimit = 128
    public var isFull: Bool { segments.count >= Self.segmentLimit }

    public init() {}

    public mutating func add(bytesUp: UInt64 = 0, bytesDown: UInt64 = 0, time: Nanoseconds = .zero, in key: Key) {
        if segments.isEmpty || segments.last?.key != key && !isFull { segments.append(Segment(key: key)) }
        let last = segments.count - 1
        segments[last].bytesUp = segments[last].bytesUp.saturatingAdd(bytesUp)
        segments[last].bytesDown = segments[last].bytesDown.saturatingAdd(bytesDown)
        segments[last].time += time
    }

    /// Takes back time at the end of the session, latest first: an idle tail is not charged.
    public mutating func remove(time: Nanoseconds) {
        var left = time
        for index in segments.indices.reversed() where left > .zero {
            let part = min(left, segments[index].time)
            segments[index].time = segments[index].time - part
            left = left - part
        }
    }

    public var bytesUp: UInt64 { segments.reduce(0) { $0.saturatingAdd($1.bytesUp) } }
    public var bytesDown: UInt64 { segments.reduce(0) { $0.saturatingAdd($1.bytesDown) } }
    public var bytes: UInt64 { bytesUp.saturatingAdd(bytesDown) }
    public var time: Nanoseconds { segments.reduce(.zero) { $0 + $1.time } }
}
