public import BoardControl

/// How loud the radio may be: at most as the configuration says, as the owner asked since, and as heat leaves of that.
public struct TransmitPower: Hashable, Sendable {
    public enum Reason: String, Hashable, Sendable { case configuration, owner, heat }

    /// dBm; `power_dbm` of the configuration.
    public let ceiling: Int
    /// dBm, at most `ceiling`; nil: the owner did not ask for less.
    public var owner: Int?
    public var heat = TransmitPowerStep.full

    public init(ceiling: Int) { self.ceiling = ceiling }

    /// dBm; 3 dB are half of it.
    public var limit: Int {
        let wanted = min(ceiling, owner ?? ceiling)
        return switch heat {
        case .full: wanted
        case .half: max(0, wanted - 3)
        case .quarter: max(0, wanted - 6)
        case .minimum: 0
        }
    }

    /// Whose limit it is.
    public var reason: Reason { heat != .full ? .heat : owner.map { $0 < ceiling } == true ? .owner : .configuration }
}
