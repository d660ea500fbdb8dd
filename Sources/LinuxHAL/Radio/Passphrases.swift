public import HAL

/// `wpa_psk_file`: one passphrase a buyer, each with the id by which hostapd tells whose it was.
public struct Passphrases: Hashable, Sendable {
    /// hostapd tries them one by one when a device joins.
    public static let limit = 1_000

    private var entries: [String: String] = [:]

    public init() {}

    /// - Parameters:
    ///   - id: letters, digits, `-` and `_`, at most 64
    ///   - passphrase: 8 to 63 printable ASCII characters (IEEE 802.11i)
    public mutating func set(_ passphrase: String, for id: String) throws(HALError) {
        guard !id.isEmpty, id.utf8.count <= 64, id.utf8.allSatisfy(Self.isPlain) else {
            throw HALError(.unsupported, "\"\(id.prefix(64))\" cannot be a key id", mend: "use letters, digits, - and _")
        }
        guard (8...63).contains(passphrase.utf8.count), passphrase.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            throw HALError(
                .unsupported, "the passphrase of \(id) is not one", mend: "use 8 to 63 characters that a keyboard has")
        }
        guard entries.count < Self.limit || entries[id] != nil else {
            throw HALError(.full, "\(Self.limit) passphrases are in use", mend: "revoke one that is not needed")
        }
        // Two of the same would be one buyer's or the other's, as it happens.
        guard !entries.contains(where: { $0.value == passphrase && $0.key != id }) else {
            throw HALError(.busy, "the passphrase of \(id) is somebody's already", mend: "choose another")
        }
        entries[id] = passphrase
    }

    public mutating func remove(_ id: String) { entries[id] = nil }

    /// Sorted, so that the same passphrases are the same file.
    public var file: String {
        entries.sorted { $0.key < $1.key }.map { "keyid=\($0) 00:00:00:00:00:00 \($1)\n" }.joined()
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
