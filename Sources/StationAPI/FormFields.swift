import Primitives

/// A posted HTML form (`application/x-www-form-urlencoded`).
public enum FormFields {
    /// A form of ours has three fields; of more than this the rest is not read.
    public static let limit = 32

    public static func decode(_ text: String) -> [String: String] {
        var fields: [String: String] = [:]
        for pair in text.split(separator: "&").prefix(limit) {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard let name = parts.first else { continue }
            let value = parts.count == 2 ? parts[1].replacing("+", with: " ") : ""
            fields[String(name)] = value.percentDecoded
        }
        return fields
    }
}

extension StringProtocol {
    /// Without `%XX`; what is not UTF-8 becomes U+FFFD.
    public var percentDecoded: String {
        var bytes: [UInt8] = []
        var rest = Array(utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let decoded = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self), count: 1)
            {
                bytes += decoded
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
