public import Primitives

/// What the station's access point shall be: the whole of it.
public struct WirelessPlan: Hashable, Sendable {
    /// For WPA2 with a passphrase for each buyer.
    public var port: String
    public var ssid: String
    /// For WPA3 (SAE), in a network of its own: hostapd sends all of one away when a WPA2 passphrase changes. nil: none.
    public var saePort: String?
    public var saeSSID: String
    /// Two letters, ISO 3166.
    public var country: String
    public var channel: Int
    /// A device that was not heard for so long is asked, and sent away when it does not answer.
    public var inactivitySeconds = 30
    public var runtimeDirectory: String
    /// hostapd and dnsmasq are units of systemd's, which start when their configuration is there. Else they are started here.
    public var usesUnits = false
    public var addressing: [PortAddressing] = []
    public var leaseSeconds: UInt64 = 3_600
    public var portalPort = 2_050

    public init(port: String, ssid: String, country: String, channel: Int, runtimeDirectory: String) {
        self.port = port
        self.ssid = ssid
        saeSSID = ssid
        self.country = country
        self.channel = channel
        self.runtimeDirectory = runtimeDirectory
    }

    /// All access points.
    public var ports: [String] { [port] + (saePort.map { [$0] } ?? []) }
}

/// The addresses of a port: a /24 of IPv4 and a /64 of IPv6, the station at 1.
public struct PortAddressing: Hashable, Sendable {
    public var port: String
    /// The network's, its last byte 0.
    public var network4: UInt32
    /// The network's upper half.
    public var network6: UInt64

    public init(port: String, network4: UInt32, network6: UInt64) {
        self.port = port
        self.network4 = network4
        self.network6 = network6
    }

    public var station4: IPAddress { .v4(network4 | 1) }
    public var station6: IPAddress { .v6(high: network6, low: 1) }
}

/// The number of a channel, and back (IEEE 802.11-2020, annex E).
enum WirelessChannel {
    static func number(of megahertz: UInt32) -> Int {
        switch megahertz {
        case 2_484: 14
        case 2_412...2_472: (Int(megahertz) - 2_407) / 5
        case 5_955...7_115: (Int(megahertz) - 5_950) / 5
        case 5_000...5_900: (Int(megahertz) - 5_000) / 5
        default: 0
        }
    }

    /// Of hostapd's two bands: `g` at 2.4 GHz, `a` at 5 GHz.
    static func mode(of channel: Int) -> String { channel <= 14 ? "g" : "a" }
}

/// FNV-1a, 64 bits: names one text among the few that a station writes; no defence against anybody.
func fingerprint(_ text: String) -> String {
    let hash = text.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
