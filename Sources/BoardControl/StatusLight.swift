public import Primitives

/// The status light: what the station is, unless somebody asks which board it is or holds the button.
public struct StatusLight: Sendable {
    public enum Event: Hashable, Sendable {
        /// What there is to say when nobody asks: `off`, `serving`, `noUplink` or `fault`.
        case condition(LightSignal)
        case identify
        /// What the button makes of it; nil: nothing.
        case button(LightSignal?)
        case time
    }

    /// The light is to be switched.
    public enum Action: Hashable, Sendable { case turn(on: Bool) }

    public static let identifyTime = Nanoseconds.seconds(30)

    private var condition = LightSignal.off
    private var button: LightSignal?
    private var identifyEnds: Instant?
    private var shown: (signal: LightSignal, since: Instant)?
    private var isOn: Bool?
    /// When ``handle(_:at:)`` must see the time next; nil: when something happens.
    public private(set) var wakesAt: Instant?

    public init() {}

    public var signal: LightSignal { button ?? (identifyEnds == nil ? condition : .identify) }

    public mutating func handle(_ event: Event, at now: Instant) -> [Action] {
        switch event {
        case .condition(let signal): condition = signal
        case .identify: identifyEnds = now + Self.identifyTime
        case .button(let signal): button = signal
        case .time: break
        }
        if let end = identifyEnds, now >= end { identifyEnds = nil }
        return show(at: now)
    }

    private mutating func show(at now: Instant) -> [Action] {
        let since: Instant
        if let shown, shown.signal == signal { since = shown.since } else { since = now }
        shown = (signal, since)
        let state = signal.pattern.state(after: now - since)
        wakesAt = [state.for.map { now + $0 }, identifyEnds].compactMap(\.self).min()
        guard isOn != state.isOn else { return [] }
        isOn = state.isOn
        return [.turn(on: state.isOn)]
    }
}
