import FoundationEssentials

/// A JSON value as messages between programs bring it.
public enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    /// From -2⁶³ to 2⁶⁴ - 1.
    case integer(Int128)
    /// A fraction, or a number too large for an integer.
    case otherNumber
    case text(String)
    case list([JSONValue])
    case object([String: JSONValue])
}

extension JSONValue: Codable {
    public init(from decoder: any Decoder) throws {
        if let value = try? decoder.singleValueContainer().decode(String.self) {
            self = .text(value)
        } else if let fields = try? decoder.container(keyedBy: Name.self) {
            var object: [String: JSONValue] = [:]
            for name in fields.allKeys { object[name.stringValue] = try fields.decode(JSONValue.self, forKey: name) }
            self = .object(object)
        } else if var elements = try? decoder.unkeyedContainer() {
            var list: [JSONValue] = []
            while !elements.isAtEnd { list.append(try elements.decode(JSONValue.self)) }
            self = .list(list)
        } else {
            self = try Self.scalar(in: decoder.singleValueContainer())
        }
    }

    private static func scalar(in container: any SingleValueDecodingContainer) throws -> JSONValue {
        if container.decodeNil() { return .null }
        if let value = try? container.decode(Bool.self) { return .bool(value) }
        if let value = try? container.decode(Int64.self) { return .integer(Int128(value)) }
        if let value = try? container.decode(UInt64.self) { return .integer(Int128(value)) }
        _ = try container.decode(Double.self)
        return .otherNumber
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null, .otherNumber: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value) where value < 0: try container.encode(Int64(clamping: value))
        case .integer(let value): try container.encode(UInt64(clamping: value))
        case .text(let value): try container.encode(value)
        case .list(let elements): try container.encode(elements)
        case .object(let fields): try container.encode(fields)
        }
    }

    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }
}

extension JSONValue {
    /// Reads UTF-8 JSON.
    public init(bytes: [UInt8]) throws { self = try JSONDecoder().decode(JSONValue.self, from: Data(bytes)) }

    /// Names in alphabetical order, on one line: the same value gives the same bytes.
    public var bytes: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { preconditionFailure("a JSON value can always be written") }
        return Array(data)
    }

    /// The same as what `value` is written as, its names in `snake_case`.
    public init(writing value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        self = try JSONDecoder().decode(JSONValue.self, from: encoder.encode(value))
    }

    public subscript(name: String) -> JSONValue? { if case .object(let fields) = self { fields[name] } else { nil } }
}

extension JSONValue {
    /// An object without the fields that are nil.
    public static func fields(_ fields: KeyValuePairs<String, JSONValue?>) -> JSONValue {
        .object(Dictionary(fields.compactMap { name, value in value.map { (name, $0) } }) { $1 })
    }

    public static func count(_ value: some BinaryInteger) -> JSONValue { .integer(Int128(value)) }
}
