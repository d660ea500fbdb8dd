public import Charging
public import Primitives

/// What the owner decided, as far as the services need it. The composition root fills it from the configuration.
public struct StationSettings: Sendable {
    public var name = "Qlink station"
    public var version = "0.1.0"
    public var hal = "linux"
    public var portalMessage = ""
    public var sharing = true
    public var clientPorts: [String] = []
    public var uplinkPort = ""
    /// Those of `clientPorts` that are access points, made by the station itself: they come and go.
    public var wirelessPorts: [String] = []
    /// The Wi-Fi network's name; nil where there is none.
    public var ssid: String?
    /// dBm; the radio is never louder.
    public var powerCeiling = 20
    /// Passphrases follow from it.
    public var wirelessSecret: [UInt8] = []
    public var tariffs: [Tariff] = []
    public var defaultTariffID = ""
    /// How often the kernel's counters are read.
    public var sampleInterval = Nanoseconds.seconds(1)
    /// One commit in this time in steady state; a few may come at once after a quiet spell.
    public var commitInterval = Nanoseconds.seconds(1)
    public var portalPort = 2050
    public var controlSocket = "/run/basestation/control.sock"
    /// Members of this group may use the control socket.
    public var controlGroup = "basestation"
    public var codeAttemptsPerMinute = 5
    /// How long an offer may be accepted.
    public var offerLifetime = Nanoseconds.seconds(300)

    public init() {}
}
