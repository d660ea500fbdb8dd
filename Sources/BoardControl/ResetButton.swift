public import Primitives

/// What somebody means by the reset button.
///
/// ```
///  idle ──press──▶ held ──2 s──▶ counting down ──10 s──▶ factory reset, once
///   ▲               │ let go            │ let go
///   └── identify ◀──┘     nothing ◀─────┘
/// ```
/// Contacts bounce: what is let go and pressed again within 30 ms was never let go, and a touch of less than that is noise.
public struct ResetButton: Sendable {
    public enum Event: Hashable, Sendable {
        case edge(isPressed: Bool)
        case time
        /// Nobody tells of the button any more: whoever holds it cannot be known to hold it still.
        case lost
    }

    public enum Action: Hashable, Sendable {
        /// A short press: say which board this is.
        case identify
        /// The light counts down; nil: no more.
        case light(LightSignal?)
        case factoryReset
    }

    public static let bounceTime = Nanoseconds.milliseconds(30)
    /// Longer than this is no short press any more.
    public static let shortPress = Nanoseconds.seconds(2)
    public static let resetTime = Nanoseconds.seconds(10)

    /// When what is left of the time has the light say so.
    private static let countdown: [(after: Nanoseconds, signal: LightSignal)] = [
        (shortPress, .countdownSlow), (.seconds(5), .countdownMiddle), (.seconds(8), .countdownFast),
    ]

    private enum State: Hashable {
        case idle
        case held(since: Instant)
        /// Let go, or bouncing.
        case leaving(since: Instant, left: Instant)
        /// Done; it is still held.
        case done
    }

    private var state = State.idle
    private var light: LightSignal?

    public init() {}

    /// When ``handle(_:at:)`` must see the time next; nil: when something happens.
    public var wakesAt: Instant? {
        switch state {
        case .idle, .done: nil
        case .leaving(_, let left): left + Self.bounceTime
        case .held(let since):
            since + (Self.countdown.first { $0.signal.rawValue > (light?.rawValue ?? -1) }?.after ?? Self.resetTime)
        }
    }

    public mutating func handle(_ event: Event, at now: Instant) -> [Action] {
        var actions: [Action] = []
        switch (event, state) {
        case (.edge(true), .idle), (.edge(true), .done): state = .held(since: now)
        case (.edge(true), .leaving(let since, let left)):
            if now - left < Self.bounceTime {
                state = .held(since: since)
            } else {
                actions += leave(held: left - since)
                state = .held(since: now)
            }
        case (.edge(false), .held(let since)):
            // The hour may have struck before this edge was read.
            if now - since < Self.resetTime { state = .leaving(since: since, left: now) }
        case (.edge(false), .done): state = .idle
        case (.lost, _):
            state = .idle
            return actions + show(nil)
        default: break
        }
        return actions + pass(now)
    }

    private mutating func pass(_ now: Instant) -> [Action] {
        switch state {
        case .idle, .done: return []
        case .leaving(let since, let left):
            guard now - left >= Self.bounceTime else { return [] }
            state = .idle
            return leave(held: left - since)
        case .held(let since) where now - since >= Self.resetTime:
            state = .done
            return show(.resetting) + [.factoryReset]
        case .held(let since): return show(Self.countdown.last { now - since >= $0.after }?.signal)
        }
    }

    private mutating func leave(held: Nanoseconds) -> [Action] {
        let isShort = held >= Self.bounceTime && held < Self.shortPress
        return show(nil) + (isShort ? [.identify] : [])
    }

    private mutating func show(_ signal: LightSignal?) -> [Action] {
        guard light != signal else { return [] }
        light = signal
        return [.light(signal)]
    }
}
