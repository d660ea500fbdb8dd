public import Primitives

/// A Wi-Fi passphrase of one buyer's own: whoever joins with it uses what that buyer has paid.
///
/// The passphrase is in no store: it follows from a secret of the station's and the number (``WirelessKeyText``).
public struct WirelessKey: Hashable, Sendable, Codable {
    /// 1, 2, 3 …; no number is used twice.
    public var number: UInt32
    /// What people call it.
    public var name: String
    /// Who pays for the device that joins with it. nil: a guest's key, which opens no session but the way to the portal.
    public var funding: Funding?
    /// nil: the tariff that is offered when a client names none.
    public var tariffID: String?
    public var createdAt: WallTime
    /// The device that joined with it first, or that the owner named.
    public var mac: MACAddress?
    public var isRevoked = false

    public static let nameLimit = 40

    public init(number: UInt32, name: String, funding: Funding?, tariffID: String?, createdAt: WallTime, mac: MACAddress?) {
        self.number = number
        self.name = name
        self.funding = funding
        self.tariffID = tariffID
        self.createdAt = createdAt
        self.mac = mac
    }

    /// How the radio knows it.
    public var id: String { "k\(number)" }

    /// nil if the radio's id is none of ours.
    public static func number(ofID id: String) -> UInt32? {
        id.first == "k" ? UInt32(id.dropFirst()) : nil
    }
}

/// The passphrase of a key: 16 symbols of Crockford's base 32 in groups of four, 80 bits, in lower case for a phone's keyboard.
public enum WirelessKeyText {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// - Parameter secret: 32 bytes that only the station knows
    public static func passphrase(of number: UInt32, secret: [UInt8]) -> String {
        let digest = TaggedHash.keyed(secret, Array("qlink/wireless-key/\(number)".utf8)).bytes
        var text: [UInt8] = []
        for index in 0..<16 {
            if index > 0, index.isMultiple(of: 4) { text.append(UInt8(ascii: "-")) }
            text.append(alphabet[Int(digest[index] & 31)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// A device on the air whose keys are in place.
public struct Association: Hashable, Sendable {
    public var port: String
    public var mac: MACAddress
    /// The key that it joined with; nil where the radio cannot tell.
    public var key: UInt32?
    public var addresses: [IPAddress]
    /// For a session that this opens: its random name, and the tariff of the key.
    public var id: SessionID
    public var tariff: Tariff?

    public init(port: String, mac: MACAddress, key: UInt32?, addresses: [IPAddress], id: SessionID, tariff: Tariff?) {
        self.port = port
        self.mac = mac
        self.key = key
        self.addresses = addresses
        self.id = id
        self.tariff = tariff
    }
}
