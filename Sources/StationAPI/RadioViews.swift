public import Primitives

// What the control API tells of the radio: fields are added, never renamed (cli.md).

/// `basestation radio status`.
public struct RadioStatusView: Codable, Hashable, Sendable {
    public struct Channel: Codable, Hashable, Sendable {
        public var number: Int
        public var megahertz: UInt32
        public var allowed: Bool
        /// Radar must be listened for first.
        public var radar: Bool
        public var maximumPowerDbm: Int
        public init(number: Int, megahertz: UInt32, allowed: Bool, radar: Bool, maximumPowerDbm: Int) {
            self.number = number
            self.megahertz = megahertz
            self.allowed = allowed
            self.radar = radar
            self.maximumPowerDbm = maximumPowerDbm
        }
    }
    public struct Port: Codable, Hashable, Sendable {
        public var name: String
        public var ssid: String
        public var onAir: Bool
        @OrNull public var channel: Int?
        @OrNull public var powerDbm: Int?
        public init(name: String, ssid: String, onAir: Bool, channel: Int?, powerDbm: Int?) {
            self.name = name
            self.ssid = ssid
            self.onAir = onAir
            self.channel = channel
            self.powerDbm = powerDbm
        }
    }
    public struct Radio: Codable, Hashable, Sendable {
        public var name: String
        public var accessPoint: Bool
        /// `hard` or `soft`: switched off.
        @OrNull public var blocked: String?
        public var ports: [Port]
        public var channels: [Channel]
        public init(name: String, accessPoint: Bool, blocked: String?, ports: [Port], channels: [Channel]) {
            self.name = name
            self.accessPoint = accessPoint
            self.blocked = blocked
            self.ports = ports
            self.channels = channels
        }
    }
    public struct Client: Codable, Hashable, Sendable {
        public var mac: MACAddress
        public var port: String
        /// The number of the Wi-Fi key that it joined with.
        @OrNull public var key: UInt32?
        @OrNull public var signalDbm: Int?
        @OrNull public var rateUpKbps: UInt64?
        @OrNull public var rateDownKbps: UInt64?
        /// Frames with their 802.11 headers, as the radio counts them.
        public var bytesUp: UInt64
        public var bytesDown: UInt64
        public var inactiveSeconds: UInt64
        public var connectedSeconds: UInt64
        public init(
            mac: MACAddress, port: String, key: UInt32?, signalDbm: Int?, rateUpKbps: UInt64?, rateDownKbps: UInt64?,
            bytesUp: UInt64, bytesDown: UInt64, inactiveSeconds: UInt64, connectedSeconds: UInt64
        ) {
            self.mac = mac
            self.port = port
            self.key = key
            self.signalDbm = signalDbm
            self.rateUpKbps = rateUpKbps
            self.rateDownKbps = rateDownKbps
            self.bytesUp = bytesUp
            self.bytesDown = bytesDown
            self.inactiveSeconds = inactiveSeconds
            self.connectedSeconds = connectedSeconds
        }
    }

    /// Two letters; "00" when no country is set.
    public var country: String
    public var onAir: Bool
    /// In words, when it is not.
    public var reason: String
    public var mend: String
    public var powerLimitDbm: Int
    /// `configuration`, `owner` (since the start, by `radio set`) or `heat`.
    public var powerLimitBy: String
    public var radios: [Radio]
    public var clients: [Client]
    public init(
        country: String, onAir: Bool, reason: String, mend: String, powerLimitDbm: Int, powerLimitBy: String, radios: [Radio],
        clients: [Client]
    ) {
        self.country = country
        self.onAir = onAir
        self.reason = reason
        self.mend = mend
        self.powerLimitDbm = powerLimitDbm
        self.powerLimitBy = powerLimitBy
        self.radios = radios
        self.clients = clients
    }
}

/// `basestation radio scan`.
public struct RadioScanView: Codable, Hashable, Sendable {
    public struct Cell: Codable, Hashable, Sendable {
        public var bssid: MACAddress
        public var ssid: String
        public var channel: Int
        public var signalDbm: Int
        public var protected: Bool
        public init(bssid: MACAddress, ssid: String, channel: Int, signalDbm: Int, protected: Bool) {
            self.bssid = bssid
            self.ssid = ssid
            self.channel = channel
            self.signalDbm = signalDbm
            self.protected = protected
        }
    }
    public struct Channel: Codable, Hashable, Sendable {
        public var channel: Int
        public var cells: Int
        /// Of the time that the radio listened; nil where it cannot tell.
        @OrNull public var busyPercent: Int?
        @OrNull public var noiseDbm: Int?
        public init(channel: Int, cells: Int, busyPercent: Int?, noiseDbm: Int?) {
            self.channel = channel
            self.cells = cells
            self.busyPercent = busyPercent
            self.noiseDbm = noiseDbm
        }
    }
    public var cells: [Cell]
    public var channels: [Channel]
    public init(cells: [Cell], channels: [Channel]) {
        self.cells = cells
        self.channels = channels
    }
}

/// `basestation radio set`: until the next start, which goes by the configuration.
public struct RadioRequest: Codable, Hashable, Sendable {
    public var powerDbm: Int?
    public var channel: Int?
    public init(powerDbm: Int?, channel: Int?) {
        self.powerDbm = powerDbm
        self.channel = channel
    }
}
