public import Primitives

/// How much of its transmit power the radio may use.
public enum TransmitPowerStep: Int, Hashable, Sendable, CaseIterable {
    case full
    /// 3 dB below what is configured: half.
    case half
    /// 6 dB below.
    case quarter
    /// As low as the radio goes.
    case minimum
}

/// What a hot board gives up, in this order, and takes back in the reverse.
///
/// | rung | comes at | goes below | transmit power | mining |
/// |---|---|---|---|---|
/// | `normal` | | | full | yes |
/// | `warm` | hot | hot − 5 °C | half | yes |
/// | `warmer` | hot, 30 s later | hot − 5 °C | quarter | yes |
/// | `hot` | hot, 30 s later | hot − 5 °C | quarter | no |
/// | `critical` | critical, at once | critical − 5 °C | minimum | no |
///
/// Sharing goes on at every rung. Each rung is given 30 s to help, up and down; the way up to `critical` takes all of them
/// at once, in their order. The fan has a threshold of its own, and blows whenever the temperature is not known.
public struct ThermalPolicy: Sendable {
    public enum Rung: Int, Hashable, Comparable, Sendable, CaseIterable {
        case normal, warm, warmer, hot, critical

        public static func < (left: Rung, right: Rung) -> Bool { left.rawValue < right.rawValue }

        var power: TransmitPowerStep {
            switch self {
            case .normal: .full
            case .warm: .half
            case .warmer, .hot: .quarter
            case .critical: .minimum
            }
        }
        var allowsMining: Bool { self < .hot }
    }

    /// In thousandths of a degree Celsius.
    public struct Limits: Hashable, Sendable {
        public var fan: Int32
        public var hot: Int32
        public var critical: Int32

        public init(fan: Int32 = 55_000, hot: Int32 = 75_000, critical: Int32 = 90_000) {
            (self.fan, self.hot, self.critical) = (fan, hot, critical)
        }
    }

    public enum Event: Hashable, Sendable {
        /// Of the hottest sensor.
        case reading(Int32)
        /// There is no sensor, or none can be read.
        case unreadable
    }

    public enum Action: Hashable, Sendable {
        case transmitPower(TransmitPowerStep)
        case mining(Bool)
        case fan(on: Bool)
    }

    public static let hysteresis: Int32 = 5_000
    /// What a step needs to show in the temperature.
    public static let settlingTime = Nanoseconds.seconds(30)

    private let limits: Limits
    public private(set) var rung = Rung.normal
    private var movedAt: Instant?
    private var fanIsOn: Bool?

    public init(limits: Limits) { self.limits = limits }

    public mutating func handle(_ event: Event, at now: Instant) -> [Action] {
        switch event {
        case .unreadable: return turnFan(on: true)
        case .reading(let temperature):
            return fan(temperature) + climb(to: target(temperature, at: now), at: now)
        }
    }

    private func target(_ temperature: Int32, at now: Instant) -> Rung {
        if temperature >= limits.critical { return .critical }
        if let movedAt, now - movedAt < Self.settlingTime { return rung }
        let higher = Rung(rawValue: rung.rawValue + 1) ?? .critical
        let lower = Rung(rawValue: rung.rawValue - 1) ?? .normal
        if temperature >= limits.hot, rung < .hot { return higher }
        let staysAbove = (rung == .critical ? limits.critical : limits.hot) - Self.hysteresis
        return temperature < staysAbove ? lower : rung
    }

    private mutating func climb(to target: Rung, at now: Instant) -> [Action] {
        var actions: [Action] = []
        while rung != target, let next = Rung(rawValue: rung.rawValue + (target > rung ? 1 : -1)) {
            if next.power != rung.power { actions.append(.transmitPower(next.power)) }
            if next.allowsMining != rung.allowsMining { actions.append(.mining(next.allowsMining)) }
            rung = next
            movedAt = now
        }
        return actions
    }

    private mutating func fan(_ temperature: Int32) -> [Action] {
        if temperature >= limits.fan { return turnFan(on: true) }
        if temperature < limits.fan - Self.hysteresis || fanIsOn == nil { return turnFan(on: false) }
        return []
    }

    private mutating func turnFan(on: Bool) -> [Action] {
        guard fanIsOn != on else { return [] }
        fanIsOn = on
        return [.fan(on: on)]
    }
}
