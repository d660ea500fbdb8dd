import Primitives

/// What one peer may make this node receive. Over it, reading pauses, and TCP makes the peer wait.
///
/// Bytes beyond the rate are no fault: a peer that was asked for a snapshot sends as fast as TCP lets it.
/// Frames beyond it are, if it goes on: sending keeps to the rate, so only a flood does that.
struct Throttle: Sendable {
    private var bytes: TokenBucket
    private var frames: TokenBucket
    private var emptySince: Instant?
    private let patience: Nanoseconds

    init(_ limits: PeeringLimits, at now: Instant) {
        bytes = TokenBucket(perSecond: limits.bytesPerSecond, burst: 2 * limits.bytesPerSecond, at: now)
        frames = TokenBucket(perSecond: limits.framesPerSecond, burst: 2 * limits.framesPerSecond, at: now)
        patience = limits.floodPatience
    }

    mutating func received(bytes count: Int, at now: Instant) { bytes.take(count, at: now) }

    mutating func receivedFrame(at now: Instant) {
        if frames.isHalfFull(at: now) { emptySince = nil }
        frames.take(1, at: now)
        if frames.wait(at: now) > .zero { emptySince = emptySince ?? now }
    }

    /// How long to read nothing; zero if there is room.
    mutating func pause(at now: Instant) -> Nanoseconds { max(bytes.wait(at: now), frames.wait(at: now)) }

    /// Whether frames flooded for `floodPatience`; then the count starts again.
    mutating func isFlooded(at now: Instant) -> Bool {
        guard let since = emptySince, now - since >= patience else { return false }
        emptySince = now
        return true
    }
}
