/// A `Codable` form for types that are written as one string.
func decodeText<T: LosslessStringConvertible>(from decoder: any Decoder, as what: String) throws -> T {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = T(text) else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(text.prefix(80))\" is not \(what)")
    }
    return value
}

func encodeText(_ value: some LosslessStringConvertible, to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(value.description)
}

extension String {
    /// A name of the code as the outside writes it: `openChannel` is `open_channel`.
    public var inSnakeCase: String {
        reduce(into: "") { text, letter in text += letter.isUppercase ? "_" + letter.lowercased() : String(letter) }
    }
}
