public import BoardControl
public import HAL
public import Primitives

/// What the owner decided about the board.
public struct BoardSettings: Sendable {
    public var thermal = ThermalPolicy.Limits()
    /// A position with a larger error is none, in millimetres.
    public var positionAccuracy: UInt32 = 50_000
    /// A position that was not confirmed for so long is none.
    public var positionLifetime = Nanoseconds.seconds(60)
    /// How often the sensors are read.
    public var thermalInterval = Nanoseconds.seconds(5)
    /// How soon what failed is tried again.
    public var retryInterval = Nanoseconds.seconds(10)

    public init() {}
}

/// The parts of a board; each may be missing.
public struct BoardParts: Sendable {
    public var panel: (any IndicatorPanel)?
    public var position: (any PositionSource)?
    public var thermal: (any ThermalSensor)?

    public init(
        panel: (any IndicatorPanel)? = nil, position: (any PositionSource)? = nil, thermal: (any ThermalSensor)? = nil
    ) {
        self.panel = panel
        self.position = position
        self.thermal = thermal
    }
}

/// What the board has others do. Each is called in the order of events, and the next waits for it; the light and the fan do not.
public struct BoardOrders: Sendable {
    public var transmitPower: @Sendable (TransmitPowerStep) async -> Void = { _ in }
    public var mining: @Sendable (_ isAllowed: Bool) async -> Void = { _ in }
    /// Somebody held the button for ten seconds.
    public var factoryReset: @Sendable () async -> Void = {}

    public init() {}
}
