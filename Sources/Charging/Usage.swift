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

        public var bytes: UInt64 { bytesUp &+ bytesDown }
    }

    /// In the order in which they were first used.
    public private(set) var segments: [Segment] = []

    /// A session lives a day and a tariff has 16 windows; what comes after is added to the last segment.
    public static let segmentLimit = 128

    public init() {}

    public mutating func add(bytesUp: UInt64 = 0, bytesDown: UInt64 = 0, time: Nanoseconds = .zero, in key: Key) {
        let index = index(of: key)
        segments[index].bytesUp += bytesUp
        segments[index].bytesDown += bytesDown
        segments[index].time += time
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

    private mutating func index(of key: Key) -> Int {
        if let index = segments.lastIndex(where: { $0.key == key }) { return index }
        guard segments.count < Self.segmentLimit else { return segments.count - 1 }
        segments.append(Segment(key: key))
        return segments.count - 1
    }

    public var bytesUp: UInt64 { segments.reduce(0) { $0 + $1.bytesUp } }
    public var bytesDown: UInt64 { segments.reduce(0) { $0 + $1.bytesDown } }
    public var bytes: UInt64 { bytesUp + bytesDown }
    public var time: Nanoseconds { segments.reduce(.zero) { $0 + $1.time } }
}
