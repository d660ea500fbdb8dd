/// How large a JSON text from elsewhere may be, looked at before memory and stack are used for it.
public struct JSONBounds: Hashable, Sendable {
    public var bytes: Int
    /// Objects and lists in one another.
    public var depth: Int
    /// Values in all.
    public var values: Int

    public init(bytes: Int, depth: Int, values: Int) { (self.bytes, self.depth, self.values) = (bytes, depth, values) }

    /// Why a text is not read.
    public enum Excess: Error, Hashable, Sendable {
        case size(Int)
        case depth, values, notUTF8, notJSON
    }

    /// Reads UTF-8 JSON (RFC 8259) of one value.
    public func read(_ text: [UInt8]) throws(Excess) -> JSONValue {
        guard text.count <= bytes else { throw .size(text.count) }
        // A decoder guesses at UTF-16 from zero bytes; JSON between programs is UTF-8 (RFC 8259, section 8.1).
        guard !text.contains(0), String(validating: text, as: UTF8.self) != nil else { throw .notUTF8 }
        try checkShape(of: text)
        do { return try JSONValue(bytes: text) } catch { throw .notJSON }
    }

    /// Counts brackets and commas outside of text: what a decoder would use memory and stack for.
    private func checkShape(of text: [UInt8]) throws(Excess) {
        var (level, count) = (0, 0)
        var (isText, isEscaped) = (false, false)
        for byte in text {
            switch byte {
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\") where isText: isEscaped = true
            case UInt8(ascii: "\""): isText.toggle()
            case _ where isText: break
            case UInt8(ascii: "["), UInt8(ascii: "{"): (level, count) = (level + 1, count + 1)
            case UInt8(ascii: "]"), UInt8(ascii: "}"): level -= 1
            case UInt8(ascii: ","): count += 1
            default: break
            }
            guard level <= depth else { throw .depth }
            guard count <= values else { throw .values }
        }
    }
}
