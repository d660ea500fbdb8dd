public import Primitives

/// A passphrase that the air accepts, and by whom it is known.
public struct WirelessCredential: Hashable, Sendable, CustomStringConvertible {
    /// Letters and digits, at most 64.
    public var id: String
    /// 8 to 63 printable ASCII characters.
    public var passphrase: String
    /// The only device that may use it with WPA3; WPA2 takes it from any.
    public var mac: MACAddress?

    public init(id: String, passphrase: String, mac: MACAddress?) {
        self.id = id
        self.passphrase = passphrase
        self.mac = mac
    }

    /// Never the passphrase.
    public var description: String { id }
}

/// A device on the air whose keys are in place.
public struct WirelessClient: Hashable, Sendable {
    public var port: String
    public var mac: MACAddress
    /// The id of the credential that it joined with.
    public var credential: String?
    /// dBm; nil until something was received.
    public var signal: Int8?
    /// kbit/s.
    public var rateUp: UInt64?
    public var rateDown: UInt64?
    /// As the radio counts them: frames with their 802.11 headers.
    public var bytesUp: UInt64 = 0
    public var bytesDown: UInt64 = 0
    /// Since something was last heard of it.
    public var inactive = Nanoseconds.zero
    public var connected = Nanoseconds.zero

    public init(port: String, mac: MACAddress, credential: String?) {
        self.port = port
        self.mac = mac
        self.credential = credential
    }
}

public enum WirelessNews: Hashable, Sendable {
    /// Association, before its keys are in place: whoever was there under this address is not any more.
    case began(port: String, mac: MACAddress)
    /// Its keys are in place.
    case joined(port: String, mac: MACAddress)
    case left(port: String, mac: MACAddress)
    /// Somebody tried a passphrase that nobody has.
    case refused(port: String, mac: MACAddress)
    /// A radio, an interface, a channel or the rules for them changed, or news was lost: look again.
    case changed
    /// A radar was heard: the channel must be left.
    case radar
}

/// A radio of the board, and what it may do here.
public struct Radio: Hashable, Sendable {
    public struct Channel: Hashable, Sendable {
        public var number: Int
        public var megahertz: UInt32
        /// Whether an access point may begin to send here.
        public var isAllowed: Bool
        /// Radar must be listened for first.
        public var needsRadarCheck: Bool
        /// 1/100 dBm.
        public var maximumPower: UInt32

        public init(number: Int, megahertz: UInt32, isAllowed: Bool, needsRadarCheck: Bool, maximumPower: UInt32) {
            self.number = number
            self.megahertz = megahertz
            self.isAllowed = isAllowed
            self.needsRadarCheck = needsRadarCheck
            self.maximumPower = maximumPower
        }
    }

    public var name: String
    public var canBeAccessPoint: Bool
    /// Switched off by a switch of the board's (`hard`) or by software; nil: it is on.
    public var block: Block?
    public enum Block: String, Hashable, Sendable { case hard, soft }
    public var channels: [Channel]
    public var ports: [RadioPort]

    public init(name: String, canBeAccessPoint: Bool, block: Block?, channels: [Channel], ports: [RadioPort]) {
        self.name = name
        self.canBeAccessPoint = canBeAccessPoint
        self.block = block
        self.channels = channels
        self.ports = ports
    }
}

/// An interface of a radio.
public struct RadioPort: Hashable, Sendable {
    public var name: String
    public var ssid: String
    public var isOnAir: Bool
    /// nil while it is on no channel.
    public var channel: Int?
    /// 1/100 dBm.
    public var power: UInt32?

    public init(name: String, ssid: String, isOnAir: Bool, channel: Int?, power: UInt32?) {
        self.name = name
        self.ssid = ssid
        self.isOnAir = isOnAir
        self.channel = channel
        self.power = power
    }
}

/// An access point that was heard nearby.
public struct HeardCell: Hashable, Sendable {
    public var bssid: MACAddress
    public var ssid: String
    public var channel: Int
    /// 1/100 dBm.
    public var signal: Int32
    public var isProtected: Bool

    public init(bssid: MACAddress, ssid: String, channel: Int, signal: Int32, isProtected: Bool) {
        self.bssid = bssid
        self.ssid = ssid
        self.channel = channel
        self.signal = signal
        self.isProtected = isProtected
    }
}

/// How busy a channel was while the radio listened to it; milliseconds.
public struct ChannelUse: Hashable, Sendable {
    public var channel: Int
    public var listened: UInt64
    public var busy: UInt64
    /// dBm.
    public var noise: Int8?

    public init(channel: Int, listened: UInt64, busy: UInt64, noise: Int8?) {
        self.channel = channel
        self.listened = listened
        self.busy = busy
        self.noise = noise
    }
}

/// The board's Wi-Fi as an access point.
///
/// It goes on while the agent is dead: whoever is on the air stays there, and the next agent finds them.
public protocol AccessPoint: Sendable {
    /// Makes it so: on the air, its ports with their addresses, taking these credentials and no others. What is so already stays
    /// untouched; nobody is disconnected but those whose credential is gone. Call it again and again: it mends what broke.
    /// - Parameter power: no port sends with more; 1/100 dBm
    func serve(_ credentials: [WirelessCredential], power: UInt32) async throws(HALError)
    func clients() async throws(HALError) -> [WirelessClient]
    func disconnect(_ mac: MACAddress) async throws(HALError)
    /// News from now on; bounded, and `.changed` stands for what had to be dropped.
    func news() async throws(HALError) -> AsyncStream<WirelessNews>
    /// Announces another channel and moves there with all clients.
    func move(toChannel number: Int) async throws(HALError)
    func radios() async throws(HALError) -> [Radio]
    /// The country whose rules hold; "00" when none was set.
    func country() async throws(HALError) -> String
    /// Listens on all channels. Takes seconds; clients may notice.
    func scan() async throws(HALError) -> [HeardCell]
    func survey() async throws(HALError) -> [ChannelUse]
    /// Addresses that clients were given, by MAC.
    func leases() async throws(HALError) -> [Lease]
}

/// An address given to a client by DHCP.
public struct Lease: Hashable, Sendable {
    public var mac: MACAddress
    public var address: IPAddress
    /// What the client calls itself; "" if it does not say.
    public var name: String

    public init(mac: MACAddress, address: IPAddress, name: String) {
        self.mac = mac
        self.address = address
        self.name = name
    }
}
