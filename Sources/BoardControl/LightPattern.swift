public import Primitives

/// What the status light says. The one with the higher number wins.
///
/// | signal | the light |
/// |---|---|
/// | `off` | dark |
/// | `serving` | steadily on |
/// | `noUplink` | 1 s on, 1 s off |
/// | `fault` | two flashes of 0.2 s, then 1.2 s dark |
/// | `identify` | 5 flashes a second |
/// | `countdown`, more than 5 s left | 1 flash of 0.1 s a second |
/// | `countdown`, 5 s to 2 s left | 2 flashes of 0.1 s a second |
/// | `countdown`, less than 2 s left | 5 flashes a second |
/// | `resetting` | steadily on until the board restarts |
public enum LightSignal: Int, Hashable, Sendable, CaseIterable {
    /// The station does not share.
    case off
    case serving
    case noUplink
    case fault
    case identify
    case countdownSlow
    case countdownMiddle
    case countdownFast
    case resetting

    public var pattern: LightPattern {
        switch self {
        case .off: LightPattern([])
        case .serving, .resetting: LightPattern([(true, 1_000)])
        case .noUplink: LightPattern([(true, 1_000), (false, 1_000)])
        case .fault: LightPattern([(true, 200), (false, 200), (true, 200), (false, 1_200)])
        case .identify, .countdownFast: LightPattern([(true, 100), (false, 100)])
        case .countdownSlow: LightPattern([(true, 100), (false, 900)])
        case .countdownMiddle: LightPattern([(true, 100), (false, 400)])
        }
    }
}

/// Spells of light and dark that repeat.
public struct LightPattern: Hashable, Sendable {
    struct Spell: Hashable, Sendable {
        var isOn: Bool
        var length: Nanoseconds
    }

    let spells: [Spell]

    init(_ spells: [(isOn: Bool, milliseconds: Int)]) {
        self.spells = spells.map { Spell(isOn: $0.isOn, length: .milliseconds($0.milliseconds)) }
    }

    /// Whether the light is on so long after the pattern began, and how long it stays so; nil: for ever.
    public func state(after elapsed: Nanoseconds) -> (isOn: Bool, for: Nanoseconds?) {
        guard spells.count > 1 else { return (spells.first?.isOn ?? false, nil) }
        let cycle = spells.reduce(into: Nanoseconds.zero) { $0 += $1.length }
        var rest = Nanoseconds(max(0, elapsed.count) % cycle.count)
        for spell in spells {
            if rest < spell.length { return (spell.isOn, spell.length - rest) }
            rest = rest - spell.length
        }
        return (false, nil)  // not reached: the rest is less than a cycle
    }
}
