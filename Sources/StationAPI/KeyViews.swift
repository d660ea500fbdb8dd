public import Charging
public import Primitives

// Wi-Fi keys, as the control API tells them: fields are added, never renamed (cli.md).

/// `basestation key create`: at most one of `channelId` and `codeNumber`, or `free`; none of them for a guest's key.
public struct KeyRequest: Codable, Hashable, Sendable {
    public var name: String
    public var channelId: ChannelID?
    public var codeNumber: UInt32?
    public var free: Bool
    public var tariffId: String?
    /// The device, if it is known: WPA3 needs it before the first time.
    public var mac: MACAddress?
    public init(name: String, channelId: ChannelID?, codeNumber: UInt32?, free: Bool, tariffId: String?, mac: MACAddress?) {
        self.name = name
        self.channelId = channelId
        self.codeNumber = codeNumber
        self.free = free
        self.tariffId = tariffId
        self.mac = mac
    }
}

/// One line of `basestation key list`.
public struct KeyView: Codable, Hashable, Sendable {
    public var number: UInt32
    public var name: String
    /// Who pays: the key of a channel's payer, or `code 12`, or nil.
    @OrNull public var buyer: String?
    @OrNull public var tariffId: String?
    @OrNull public var mac: MACAddress?
    public var createdAt: WallTime
    /// `guest`, `in force` or `revoked`.
    public var state: String
    /// Only where one key is shown, to its owner.
    public var ssid: String?
    public var passphrase: String?
    public init(
        number: UInt32, name: String, buyer: String?, tariffId: String?, mac: MACAddress?, createdAt: WallTime, state: String,
        ssid: String? = nil, passphrase: String? = nil
    ) {
        self.number = number
        self.name = name
        self.buyer = buyer
        self.tariffId = tariffId
        self.mac = mac
        self.createdAt = createdAt
        self.state = state
        self.ssid = ssid
        self.passphrase = passphrase
    }
}
