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
