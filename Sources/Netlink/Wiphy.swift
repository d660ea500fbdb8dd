import CNetlink

/// A radio that the kernel drives (`NL80211_CMD_NEW_WIPHY`, linux/nl80211.h).
public struct Wiphy: Hashable, Sendable {
    /// A channel that it can be tuned to.
    public struct Channel: Hashable, Sendable {
        public var megahertz: UInt32
        /// The regulator forbids it here.
        public var isDisabled = false
        /// One may listen, and not begin to send.
        public var isListenOnly = false
        /// Radar must be listened for first (DFS).
        public var needsRadarCheck = false
        /// 1/100 dBm; what the regulator and the hardware allow.
        public var maximumPower: UInt32 = 0
    }

    public var index: UInt32
    public var name = ""
    public var channels: [Channel] = []
    public var canBeAccessPoint = false

    /// The kernel tells of one radio in many messages: each adds to it.
    mutating func add(_ attributes: Attributes) {
        for attribute in attributes {
            switch attribute.type {
            case Int(NL80211_ATTR_WIPHY_NAME.rawValue): name = attribute.value.text
            case Int(NL80211_ATTR_SUPPORTED_IFTYPES.rawValue):
                for type in attribute.nested where type.type == Int(NL80211_IFTYPE_AP.rawValue) { canBeAccessPoint = true }
            case Int(NL80211_ATTR_WIPHY_BANDS.rawValue):
                for band in attribute.nested {
                    for frequency in band.nested[Int(NL80211_BAND_ATTR_FREQS.rawValue)].map(Attributes.init) ?? Attributes(.empty)
                    {
                        if let channel = Channel(frequency.nested) { channels.append(channel) }
                    }
                }
            default: break
            }
        }
    }

    init(index: UInt32) { self.index = index }

    /// The radio of one payload, for tests and fuzzing.
    public static func decode(payload: [UInt8]) -> Wiphy? {
        WireBytes.read(payload) { bytes in
            guard let attributes = GenericMessage.attributes(bytes),
                let index = attributes[Int(NL80211_ATTR_WIPHY.rawValue)]?.native(UInt32.self)
            else { return nil }
            var wiphy = Wiphy(index: index)
            wiphy.add(attributes)
            return wiphy
        }
    }
}

extension Wiphy.Channel {
    init?(_ attributes: Attributes) {
        guard let megahertz = attributes[Int(NL80211_FREQUENCY_ATTR_FREQ.rawValue)]?.native(UInt32.self) else { return nil }
        self.megahertz = megahertz
        for attribute in attributes {
            switch attribute.type {
            case Int(NL80211_FREQUENCY_ATTR_DISABLED.rawValue): isDisabled = true
            case Int(NL80211_FREQUENCY_ATTR_NO_IR.rawValue): isListenOnly = true
            case Int(NL80211_FREQUENCY_ATTR_RADAR.rawValue): needsRadarCheck = true
            case Int(NL80211_FREQUENCY_ATTR_MAX_TX_POWER.rawValue): maximumPower = attribute.value.native() ?? 0
            default: break
            }
        }
    }
}

/// An interface of a radio (`NL80211_CMD_NEW_INTERFACE`).
public struct WirelessInterface: Hashable, Sendable {
    public var index: UInt32
    public var name: String
    public var wiphy: UInt32
    public var isAccessPoint: Bool
    /// nil while it is on no channel.
    public var megahertz: UInt32?
    /// 1/100 dBm.
    public var power: UInt32?
    /// As bytes on the air: nobody promises UTF-8.
    public var ssid: [UInt8]

    init?(payload: WireBytes) {
        guard let attributes = GenericMessage.attributes(payload),
            let index = attributes[Int(NL80211_ATTR_IFINDEX.rawValue)]?.native(UInt32.self),
            let wiphy = attributes[Int(NL80211_ATTR_WIPHY.rawValue)]?.native(UInt32.self),
            let name = attributes[Int(NL80211_ATTR_IFNAME.rawValue)]?.text
        else { return nil }
        (self.index, self.wiphy, self.name) = (index, wiphy, name)
        let type: UInt32? = attributes[Int(NL80211_ATTR_IFTYPE.rawValue)]?.native()
        isAccessPoint = type == NL80211_IFTYPE_AP.rawValue
        megahertz = attributes[Int(NL80211_ATTR_WIPHY_FREQ.rawValue)]?.native()
        power = attributes[Int(NL80211_ATTR_WIPHY_TX_POWER_LEVEL.rawValue)]?.native()
        ssid = attributes[Int(NL80211_ATTR_SSID.rawValue)]?.array ?? []
    }

    /// For tests and fuzzing.
    public static func decode(payload: [UInt8]) -> WirelessInterface? {
        WireBytes.read(payload) { WirelessInterface(payload: $0) }
    }
}
