import Primitives

/// So many tokens a second, saved up to a burst. Integers only: levels are in billionths of a token.
struct TokenBucket: Sendable {
    private let perSecond: Int64
    private let burst: Int64
    private var level: Int64
    private var filled: Instant

    private static let token: Int64 = 1_000_000_000

    /// Full at `now`.
    init(perSecond: Int, burst: Int, at now: Instant) {
        precondition(perSecond > 0 && burst > 0 && Int64(burst) <= Int64.max / Self.token / 4)
        self.perSecond = Int64(perSecond)
        self.burst = Int64(burst) * Self.token
        level = self.burst
        filled = now
    }

    /// Takes what was used already, into debt if need be.
    mutating func take(_ count: Int, at now: Instant) {
        fill(at: now)
        let (price, overflow) = Int64(clamping: count).multipliedReportingOverflow(by: Self.token)
        level = overflow ? -burst : max(level - min(price, 2 * burst), -burst)
    }

    /// Takes `count` if there are as many.
    mutating func takeIfThere(_ count: Int, at now: Instant) -> Bool {
        fill(at: now)
        guard level >= Int64(count) * Self.token else { return false }
        level -= Int64(count) * Self.token
        return true
    }

    /// Until there is a whole token again; zero if there is one.
    mutating func wait(at now: Instant) -> Nanoseconds {
        fill(at: now)
        return level >= Self.token ? .zero : Nanoseconds((Self.token - level + perSecond - 1) / perSecond)
    }

    mutating func isHalfFull(at now: Instant) -> Bool {
        fill(at: now)
        return level >= burst / 2
    }

    private mutating func fill(at now: Instant) {
        let elapsed = max(0, (now - filled).count)
        filled = max(filled, now)
        let (gain, overflow) = elapsed.multipliedReportingOverflow(by: perSecond)
        level = overflow || gain >= burst - level ? burst : level + gain
    }
}
