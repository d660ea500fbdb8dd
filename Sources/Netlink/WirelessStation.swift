import CNetlink
public import Primitives

/// A client on the air, as its access point's driver knows it (`NL80211_CMD_NEW_STATION`).
public struct WirelessStation: Hashable, Sendable {
    public var interface: UInt32
    public var mac: MACAddress
    /// Frames with their 802.11 headers (MPDUs): received is what the client sent.
    public var bytesReceived: UInt64 = 0
    public var bytesSent: UInt64 = 0
    public var packetsReceived: UInt32 = 0
    public var packetsSent: UInt32 = 0
    /// dBm; nil until something was received.
    public var signal: Int8?
    /// 100 kbit/s.
    public var rateReceived: UInt32?
    public var rateSent: UInt32?
    public var inactiveMilliseconds: UInt32 = 0
    public var connectedSeconds: UInt32 = 0
    /// Its keys are in place: data may pass.
    public var isAuthorized = false

    init?(payload: WireBytes) {
        guard let attributes = GenericMessage.attributes(payload),
            let interface = attributes[Int(NL80211_ATTR_IFINDEX.rawValue)]?.native(UInt32.self),
            let mac = attributes[Int(NL80211_ATTR_MAC.rawValue)].flatMap({ MACAddress(octets: $0.array) })
        else { return nil }
        (self.interface, self.mac) = (interface, mac)
        for fact in attributes[Int(NL80211_ATTR_STA_INFO.rawValue)].map(Attributes.init) ?? Attributes(.empty) { read(fact) }
    }

    private mutating func read(_ fact: Attribute) {
        let value = fact.value
        switch fact.type {
        case Int(NL80211_STA_INFO_RX_BYTES64.rawValue): bytesReceived = value.native() ?? 0
        case Int(NL80211_STA_INFO_TX_BYTES64.rawValue): bytesSent = value.native() ?? 0
        case Int(NL80211_STA_INFO_RX_PACKETS.rawValue): packetsReceived = value.native() ?? 0
        case Int(NL80211_STA_INFO_TX_PACKETS.rawValue): packetsSent = value.native() ?? 0
        case Int(NL80211_STA_INFO_SIGNAL.rawValue): signal = value.native()
        case Int(NL80211_STA_INFO_RX_BITRATE.rawValue): rateReceived = Self.rate(fact.nested)
        case Int(NL80211_STA_INFO_TX_BITRATE.rawValue): rateSent = Self.rate(fact.nested)
        case Int(NL80211_STA_INFO_INACTIVE_TIME.rawValue): inactiveMilliseconds = value.native() ?? 0
        case Int(NL80211_STA_INFO_CONNECTED_TIME.rawValue): connectedSeconds = value.native() ?? 0
        case Int(NL80211_STA_INFO_STA_FLAGS.rawValue):
            // struct nl80211_sta_flag_update: which flags are known, and which of them are set.
            let set: UInt32 = value.native(at: 4) ?? 0
            isAuthorized = set & 1 << NL80211_STA_FLAG_AUTHORIZED.rawValue != 0
        default: break
        }
    }

    /// The older attribute has 16 bits and ends at 6.5 Gbit/s.
    private static func rate(_ attributes: Attributes) -> UInt32? {
        attributes[Int(NL80211_RATE_INFO_BITRATE32.rawValue)]?.native(UInt32.self)
            ?? attributes[Int(NL80211_RATE_INFO_BITRATE.rawValue)]?.native(UInt16.self).map(UInt32.init)
    }

    /// For tests and fuzzing.
    public static func decode(payload: [UInt8]) -> WirelessStation? { WireBytes.read(payload) { WirelessStation(payload: $0) } }
}

/// What the kernel tells of its radios without being asked (multicast groups `mlme`, `config` and `regulatory`).
public enum WirelessEvent: Hashable, Sendable {
    case joined(interface: UInt32, MACAddress)
    case left(interface: UInt32, MACAddress)
    /// A radio or an interface came, changed or went: look again.
    case changed
    /// Other channels or powers are allowed now.
    case regulatory
    /// A radar was heard: the channel must be left.
    case radar
    /// A scan has ended, or was given up.
    case scanned(interface: UInt32)

    init?(payload: WireBytes) {
        guard let command = GenericMessage.command(payload), let attributes = GenericMessage.attributes(payload) else {
            return nil
        }
        switch UInt32(command) {
        case NL80211_CMD_NEW_STATION.rawValue, NL80211_CMD_DEL_STATION.rawValue:
            guard let station = WirelessStation(payload: payload) else { return nil }
            self =
                UInt32(command) == NL80211_CMD_NEW_STATION.rawValue
                ? .joined(interface: station.interface, station.mac) : .left(interface: station.interface, station.mac)
        case NL80211_CMD_NEW_WIPHY.rawValue, NL80211_CMD_DEL_WIPHY.rawValue, NL80211_CMD_NEW_INTERFACE.rawValue,
            NL80211_CMD_DEL_INTERFACE.rawValue, NL80211_CMD_SET_INTERFACE.rawValue, NL80211_CMD_CH_SWITCH_NOTIFY.rawValue:
            self = .changed
        case NL80211_CMD_REG_CHANGE.rawValue, NL80211_CMD_WIPHY_REG_CHANGE.rawValue, NL80211_CMD_REG_BEACON_HINT.rawValue:
            self = .regulatory
        case NL80211_CMD_RADAR_DETECT.rawValue:
            let kind: UInt32? = attributes[Int(NL80211_ATTR_RADAR_EVENT.rawValue)]?.native()
            guard kind == NL80211_RADAR_DETECTED.rawValue else { return nil }
            self = .radar
        case NL80211_CMD_NEW_SCAN_RESULTS.rawValue, NL80211_CMD_SCAN_ABORTED.rawValue:
            guard let interface: UInt32 = attributes[Int(NL80211_ATTR_IFINDEX.rawValue)]?.native() else { return nil }
            self = .scanned(interface: interface)
        default: return nil
        }
    }

    /// For tests and fuzzing.
    public static func decode(payload: [UInt8]) -> WirelessEvent? { WireBytes.read(payload) { WirelessEvent(payload: $0) } }
}
