import Primitives

/// A token bucket over commits: one each interval in steady state, a few at once after a quiet spell,
/// so that a person at a portal does not wait and flash does not wear.
struct CommitPace {
    private let interval: Nanoseconds
    private let burst: Int64
    private var earliest: Instant

    init(interval: Nanoseconds, burst: Int64 = 5, now: Instant) {
        self.interval = interval
        self.burst = burst
        earliest = now
    }

    /// How long to wait before the next commit may be made.
    func wait(at now: Instant) -> Nanoseconds {
        let slack = Nanoseconds(interval.count * (burst - 1))
        return max(.zero, earliest - (now + slack))
    }

    mutating func took(at now: Instant) { earliest = max(earliest, now) + interval }
}
