/// What one of the board's sensors reads.
public struct Temperature: Hashable, Sendable {
    /// As the kernel calls it: `cpu-thermal`, `lm75 temp1`. Not always unique.
    public var name: String
    public var milliCelsius: Int32

    public init(name: String, milliCelsius: Int32) {
        self.name = name
        self.milliCelsius = milliCelsius
    }
}

/// What feeds the board.
public struct PowerState: Hashable, Sendable {
    public enum Source: String, Hashable, Sendable { case mains, battery, unknown }

    /// `.unknown` where the board cannot tell, as with a plain supply.
    public var source: Source
    /// Of the fullest battery, 0 to 100.
    public var capacityPercent: UInt8?

    public init(source: Source, capacityPercent: UInt8? = nil) {
        self.source = source
        self.capacityPercent = capacityPercent
    }
}

/// How hot the board is and what feeds it.
public protocol ThermalSensor: Sendable {
    /// Every sensor that can be read now, in a steady order; empty where there is none.
    /// Throws when there are sensors and none can be read.
    func temperatures() async throws(HALError) -> [Temperature]
    func power() async throws(HALError) -> PowerState
}
