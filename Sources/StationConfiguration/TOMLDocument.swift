import CTOML

/// A parsed file as a flat list of values, each with its path and place.
struct TOMLDocument {
    enum Kind { case string, integer, float, boolean, table, array, other }

    struct Value {
        var path: String
        var kind: Kind
        var text: String
        var integer: Int64
        var line: Int
        var column: Int
    }

    private(set) var values: [Value] = []

    /// More than any configuration needs.
    static let sizeLimit = 1 << 20

    init(_ text: String, file: String) throws(ConfigurationError) {
        guard text.utf8.count <= Self.sizeLimit else {
            throw ConfigurationError(problems: [
                .init(file: file, line: 1, column: 1, what: "the file is larger than 1 MiB", mend: "is it the right file?")
            ])
        }
        var reason = [CChar](repeating: 0, count: 512)
        var (line, column) = (UInt32(0), UInt32(0))
        var text = text
        let list = List()
        let result = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                ctoml_parse(
                    characters.baseAddress, characters.count, Unmanaged.passUnretained(list).toOpaque(),
                    { context, value in
                        guard let context, let value else { return }
                        Unmanaged<List>.fromOpaque(context).takeUnretainedValue().values.append(Value(value.pointee))
                    }, &reason, reason.count, &line, &column)
            }
        }
        guard result == 0 else {
            let words = String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw ConfigurationError(problems: [
                .init(
                    file: file, line: Int(line), column: Int(column), what: words, mend: "see https://toml.io for how to write it"
                )
            ])
        }
        values = list.values
    }

    private final class List { var values: [Value] = [] }
}

extension TOMLDocument.Value {
    fileprivate init(_ value: ctoml_value) {
        let kind: TOMLDocument.Kind =
            switch value.kind {
            case CTOML_STRING: .string
            case CTOML_INTEGER: .integer
            case CTOML_FLOAT: .float
            case CTOML_BOOLEAN: .boolean
            case CTOML_TABLE: .table
            case CTOML_ARRAY: .array
            default: .other
            }
        self.init(
            path: String(cString: value.path), kind: kind, text: String(cString: value.text), integer: value.integer,
            line: Int(value.line), column: Int(value.column))
    }
}
