public import Primitives

/// A station as `STA <mac>` tells it: its address, then `name=value` a line.
public struct HostapdStation: Hashable, Sendable {
    public var mac: MACAddress
    /// Its keys are in place.
    public var isAuthorized: Bool
    /// The entry of `wpa_psk_file` that it joined with: whose passphrase it is.
    public var keyID: String?
    public var connectedSeconds: UInt64?

    public init?(_ text: String) {
        let lines = text.split(separator: "\n", maxSplits: HostapdState.lineLimit)
        guard let mac = lines.first.flatMap({ MACAddress(String($0)) }) else { return nil }
        let fields = HostapdState.fields(lines.dropFirst())
        self.mac = mac
        isAuthorized = fields["flags"]?.contains("[AUTHORIZED]") == true
        keyID = fields["keyid"]
        connectedSeconds = fields["connected_time"].flatMap { UInt64($0) }
    }
}

/// The answer to `STATUS`.
public struct HostapdState: Hashable, Sendable {
    static let lineLimit = 512

    public var isOnAir: Bool
    /// `ENABLED`, `COUNTRY_UPDATE`, `ACS`, `HT_SCAN`, `DFS`, `DISABLED`, …; "" when it said none.
    public var state: String
    public var channel: Int?

    /// It will not come on the air by itself any more.
    var isStuck: Bool { state == "DISABLED" || state == "UNINITIALIZED" }

    public init(_ text: String) {
        let fields = Self.fields(text.split(separator: "\n", maxSplits: Self.lineLimit)[...])
        state = fields["state"] ?? ""
        isOnAir = state == "ENABLED"
        channel = fields["channel"].flatMap { Int($0) }
    }

    static func fields(_ lines: ArraySlice<Substring>) -> [String: String] {
        var fields: [String: String] = [:]
        for line in lines {
            guard let equals = line.firstIndex(of: "=") else { continue }
            fields[String(line[..<equals])] = String(line[line.index(after: equals)...])
        }
        return fields
    }
}

/// What hostapd tells whoever is attached: `<3>AP-STA-CONNECTED 02:00:00:00:01:00 keyid=alice`.
public enum HostapdEvent: Hashable, Sendable {
    /// Its keys are in place. The key id is that of `wpa_psk_file`; SAE and older hostapd tell none.
    case connected(MACAddress, keyID: String?)
    case disconnected(MACAddress)
    /// Somebody tried a passphrase that nobody has.
    case wrongPassphrase(MACAddress)
    case onAir
    case offAir
    /// hostapd ends.
    case terminating

    public init?(_ text: String) {
        guard text.first == "<", let end = text.firstIndex(of: ">") else { return nil }
        let words = text[text.index(after: end)...].split(separator: " ", maxSplits: 16)
        let mac = words.dropFirst().first.flatMap { MACAddress(String($0)) }
        switch (words.first, mac) {
        case ("AP-STA-CONNECTED", let mac?):
            let key = words.dropFirst(2).first { $0.hasPrefix("keyid=") }
            self = .connected(mac, keyID: key.map { String($0.dropFirst("keyid=".count)) })
        case ("AP-STA-DISCONNECTED", let mac?): self = .disconnected(mac)
        case ("AP-STA-POSSIBLE-PSK-MISMATCH", let mac?): self = .wrongPassphrase(mac)
        case ("AP-ENABLED", _): self = .onAir
        case ("AP-DISABLED", _): self = .offAir
        case ("CTRL-EVENT-TERMINATING", _): self = .terminating
        default: return nil
        }
    }
}
