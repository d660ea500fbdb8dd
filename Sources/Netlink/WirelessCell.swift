import CNetlink
public import Primitives

/// An access point that a scan heard (`NL80211_CMD_NEW_SCAN_RESULTS`).
public struct WirelessCell: Hashable, Sendable {
    public var bssid: MACAddress
    /// As bytes on the air: nobody promises UTF-8. Empty when it hides its name.
    public var ssid: [UInt8] = []
    public var megahertz: UInt32
    /// 1/100 dBm.
    public var signal: Int32 = 0
    public var isProtected = false

    private static let ssidElement: UInt8 = 0  // IEEE 802.11-2020, 9.4.2.2
    private static let privacyBit: UInt16 = 1 << 4  // the same, 9.4.1.4

    init?(payload: WireBytes) {
        guard let attributes = GenericMessage.attributes(payload),
            let cell = attributes[Int(NL80211_ATTR_BSS.rawValue)].map(Attributes.init),
            let bssid = cell[Int(NL80211_BSS_BSSID.rawValue)].flatMap({ MACAddress(octets: $0.array) }),
            let megahertz = cell[Int(NL80211_BSS_FREQUENCY.rawValue)]?.native(UInt32.self)
        else { return nil }
        (self.bssid, self.megahertz) = (bssid, megahertz)
        signal = cell[Int(NL80211_BSS_SIGNAL_MBM.rawValue)]?.native() ?? 0
        isProtected = (cell[Int(NL80211_BSS_CAPABILITY.rawValue)]?.native(UInt16.self) ?? 0) & Self.privacyBit != 0
        if let elements = cell[Int(NL80211_BSS_INFORMATION_ELEMENTS.rawValue)] { ssid = Self.ssid(in: elements) }
    }

    /// Elements are a number, a length and as many bytes, one after the other; a stranger sent them.
    private static func ssid(in elements: WireBytes) -> [UInt8] {
        var place = 0
        while let number = elements[place], let length = elements[place + 1],
            let value = elements.slice(at: place + 2, count: Int(length))
        {
            if number == ssidElement { return length <= 32 ? value.array : [] }
            place += 2 + Int(length)
        }
        return []
    }

    /// For tests and fuzzing.
    public static func decode(payload: [UInt8]) -> WirelessCell? { WireBytes.read(payload) { WirelessCell(payload: $0) } }
}

/// How busy one channel was (`NL80211_CMD_NEW_SURVEY_RESULTS`); times in milliseconds.
public struct WirelessSurvey: Hashable, Sendable {
    public var megahertz: UInt32
    public var listened: UInt64 = 0
    public var busy: UInt64 = 0
    /// dBm.
    public var noise: Int8?

    init?(payload: WireBytes) {
        guard let attributes = GenericMessage.attributes(payload),
            let facts = attributes[Int(NL80211_ATTR_SURVEY_INFO.rawValue)].map(Attributes.init),
            let megahertz = facts[Int(NL80211_SURVEY_INFO_FREQUENCY.rawValue)]?.native(UInt32.self)
        else { return nil }
        self.megahertz = megahertz
        listened = facts[Int(NL80211_SURVEY_INFO_TIME.rawValue)]?.native() ?? 0
        busy = facts[Int(NL80211_SURVEY_INFO_TIME_BUSY.rawValue)]?.native() ?? 0
        noise = facts[Int(NL80211_SURVEY_INFO_NOISE.rawValue)]?.native()
    }

    /// For tests and fuzzing.
    public static func decode(payload: [UInt8]) -> WirelessSurvey? { WireBytes.read(payload) { WirelessSurvey(payload: $0) } }
}
