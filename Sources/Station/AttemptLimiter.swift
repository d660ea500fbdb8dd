import Primitives

/// Guessing is slow, and asking bounded: so much a minute for a caller, and so much for all together.
struct AttemptLimiter<Caller: Hashable & Sendable> {
    private var spent: [Caller: (amount: Int, since: Instant)] = [:]
    private var all: (amount: Int, since: Instant) = (0, .zero)
    let perMinute: Int
    let together: Int

    private let minute = Nanoseconds.seconds(60)
    private let callers = 4_096

    init(perMinute: Int, together: Int) { (self.perMinute, self.together) = (perMinute, together) }

    /// Whether one more try is allowed now; it counts.
    mutating func allows(_ caller: Caller, at now: Instant) -> Bool {
        if now - all.since >= minute {
            all = (0, now)
            spent = spent.filter { now - $0.value.since < minute }
        }
        var own = spent[caller] ?? (0, now)
        if now - own.since >= minute { own = (0, now) }
        guard own.amount < perMinute, all.amount < together, spent.count < callers || spent[caller] != nil else { return false }
        spent[caller] = own
        charge(caller, 1)
        return true
    }

    /// What a try that was allowed cost beside the one that it counts.
    mutating func charge(_ caller: Caller, _ amount: Int) {
        spent[caller]?.amount += amount
        all.amount += amount
    }
}
