import Primitives

/// Guessing is slow, and asking bounded: so many tries a minute for a caller, and ten times as many for all together.
struct AttemptLimiter<Caller: Hashable & Sendable> {
    private var tries: [Caller: (count: Int, since: Instant)] = [:]
    private var all: (count: Int, since: Instant) = (0, .zero)
    let perMinute: Int

    private let minute = Nanoseconds.seconds(60)
    private let callers = 4_096

    init(perMinute: Int) { self.perMinute = perMinute }

    /// Whether one more try is allowed now; it counts.
    mutating func allows(_ caller: Caller, at now: Instant) -> Bool {
        if now - all.since >= minute {
            all = (0, now)
            tries = tries.filter { now - $0.value.since < minute }
        }
        var own = tries[caller] ?? (0, now)
        if now - own.since >= minute { own = (0, now) }
        guard own.count < perMinute, all.count < perMinute * 10, tries.count < callers || tries[caller] != nil else {
            return false
        }
        own.count += 1
        all.count += 1
        tries[caller] = own
        return true
    }
}
