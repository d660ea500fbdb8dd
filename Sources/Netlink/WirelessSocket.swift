import CNetlink
import Glibc
import Primitives

/// The kernel's radios over nl80211. One thread at a time.
public final class WirelessSocket {
    let socket: GenericSocket
    static let familyName = "nl80211"

    /// Throws `.refused` with ENOENT where no driver has loaded cfg80211.
    public init(in namespace: NetworkNamespace? = nil) throws(NetlinkError) {
        socket = try GenericSocket(family: Self.familyName, in: namespace)
    }

    /// In the order of their numbers.
    public func radios() throws(NetlinkError) -> [Wiphy] {
        var found: [UInt32: Wiphy] = [:]
        let what = "read the radios"
        try socket.dump(what, Int(NL80211_CMD_GET_WIPHY.rawValue)) { builder in
            builder.attribute(Int(NL80211_ATTR_SPLIT_WIPHY_DUMP.rawValue), bytes: [])
        } _: { payload throws(NetlinkError) in
            guard let attributes = GenericMessage.attributes(payload),
                let index = attributes[Int(NL80211_ATTR_WIPHY.rawValue)]?.native(UInt32.self)
            else { throw .malformed(what) }
            found[index, default: Wiphy(index: index)].add(attributes)
        }
        return found.values.sorted { $0.index < $1.index }
    }

    public func interfaces() throws(NetlinkError) -> [WirelessInterface] {
        var found: [WirelessInterface] = []
        try socket.dump("read the radios' interfaces", Int(NL80211_CMD_GET_INTERFACE.rawValue)) { payload throws(NetlinkError) in
            if let one = WirelessInterface(payload: payload) { found.append(one) }  // a P2P device has no interface
        }
        return found
    }

    /// Everybody on the air of one interface.
    public func stations(of interface: UInt32) throws(NetlinkError) -> [WirelessStation] {
        var found: [WirelessStation] = []
        let what = "read who is on the air"
        try socket.dump(what, Int(NL80211_CMD_GET_STATION.rawValue)) { builder in
            builder.attribute(Int(NL80211_ATTR_IFINDEX.rawValue), native: interface)
        } _: { payload throws(NetlinkError) in
            guard let station = WirelessStation(payload: payload) else { throw .malformed(what) }
            found.append(station)
        }
        return found
    }

    /// The country whose rules hold, two letters; "00" is the world's least.
    public func country() throws(NetlinkError) -> String {
        var country = "00"
        try socket.request("read the regulatory domain", Int(NL80211_CMD_GET_REG.rawValue)) { _ in
        } _: { payload throws(NetlinkError) in
            if let text = GenericMessage.attributes(payload)?[Int(NL80211_ATTR_REG_ALPHA2.rawValue)]?.text { country = text }
        }
        return country
    }

    /// Asks for the rules of a country; that they hold is told by `.regulatory`, and not at all when nobody knows the country.
    public func setCountry(_ country: String) throws(NetlinkError) {
        try socket.request("ask for the rules of \(country)", Int(NL80211_CMD_REQ_SET_REG.rawValue)) { builder in
            builder.attribute(Int(NL80211_ATTR_REG_ALPHA2.rawValue), text: country)
        }
    }

    /// Tells the radio and the interface: from Linux 6.12 on, a limit for an interface alone is taken by some radios and not kept.
    ///
    /// - Parameter power: 1/100 dBm; what the driver made of it is told by `interfaces()`
    public func limitPower(of interface: WirelessInterface, to power: UInt32) throws(NetlinkError) {
        for (attribute, index) in [(NL80211_ATTR_WIPHY, interface.wiphy), (NL80211_ATTR_IFINDEX, interface.index)] {
            try socket.request("limit the transmit power", Int(NL80211_CMD_SET_WIPHY.rawValue)) { builder in
                builder.attribute(Int(attribute.rawValue), native: index)
                builder.attribute(Int(NL80211_ATTR_WIPHY_TX_POWER_SETTING.rawValue), native: NL80211_TX_POWER_LIMITED.rawValue)
                builder.attribute(Int(NL80211_ATTR_WIPHY_TX_POWER_LEVEL.rawValue), native: power)
            }
        }
    }
}

extension WirelessSocket {
    /// Makes an interface on a radio, for an access point to use.
    public func addInterface(_ name: String, on wiphy: UInt32) throws(NetlinkError) {
        try socket.request("make interface \(name)", Int(NL80211_CMD_NEW_INTERFACE.rawValue)) { builder in
            builder.attribute(Int(NL80211_ATTR_WIPHY.rawValue), native: wiphy)
            builder.attribute(Int(NL80211_ATTR_IFNAME.rawValue), text: name)
            builder.attribute(Int(NL80211_ATTR_IFTYPE.rawValue), native: NL80211_IFTYPE_STATION.rawValue)
        }
    }

    /// Starts listening on all channels; that it has ended is told by `.scanned`. Refused with EBUSY while one is under way.
    ///
    /// - Parameter isAccessPoint: the radio leaves its clients alone for a moment on each channel
    public func scan(on interface: UInt32, isAccessPoint: Bool) throws(NetlinkError) {
        try socket.request("listen for other access points", Int(NL80211_CMD_TRIGGER_SCAN.rawValue)) { builder in
            builder.attribute(Int(NL80211_ATTR_IFINDEX.rawValue), native: interface)
            if isAccessPoint {
                builder.attribute(Int(NL80211_ATTR_SCAN_FLAGS.rawValue), native: NL80211_SCAN_FLAG_AP.rawValue)
            }
            // One wildcard: ask aloud where that is allowed.
            builder.nest(Int(NL80211_ATTR_SCAN_SSIDS.rawValue)) { $0.attribute(1, bytes: []) }
        }
    }

    /// What the last scans heard, at most half a minute ago.
    public func cells(on interface: UInt32) throws(NetlinkError) -> [WirelessCell] {
        var found: [WirelessCell] = []
        try socket.dump("read who else is on the air", Int(NL80211_CMD_GET_SCAN.rawValue)) { builder in
            builder.attribute(Int(NL80211_ATTR_IFINDEX.rawValue), native: interface)
        } _: { payload throws(NetlinkError) in
            if let cell = WirelessCell(payload: payload) { found.append(cell) }
        }
        return found
    }

    /// How busy each channel was, as far as the radio has listened to it.
    public func survey(on interface: UInt32) throws(NetlinkError) -> [WirelessSurvey] {
        var found: [WirelessSurvey] = []
        try socket.dump("read how busy the channels are", Int(NL80211_CMD_GET_SURVEY.rawValue)) { builder in
            builder.attribute(Int(NL80211_ATTR_IFINDEX.rawValue), native: interface)
        } _: { payload throws(NetlinkError) in
            if let survey = WirelessSurvey(payload: payload) { found.append(survey) }
        }
        return found
    }
}

/// Listens to the kernel's radios; every call waits for the next events.
public final class WirelessEvents {
    private let socket: NetlinkSocket
    private let family: UInt16

    public init(in namespace: NetworkNamespace? = nil) throws(NetlinkError) {
        let family = try GenericSocket(family: WirelessSocket.familyName, in: namespace).family
        self.family = family.id
        let groups = ["mlme", "config", "regulatory", "scan"].compactMap { family.groups[$0] }
        socket = try NetlinkSocket(Int32(NETLINK_GENERIC), groups: groups, in: namespace)
    }

    public var descriptor: Int32 { socket.descriptor }

    /// Throws `.overrun` when events were lost: then look again at all there is.
    public func next() throws(NetlinkError) -> [WirelessEvent] {
        var events: [WirelessEvent] = []
        let family = Int(family)
        try socket.receive { message in
            guard message.type == family, let event = WirelessEvent(payload: message.payload) else { return }
            events.append(event)
        }
        return events
    }
}
