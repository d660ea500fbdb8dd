import CTOML

/// A parsed file: its values, each with its parent and its place.
struct TOMLDocument {
    enum Kind { case string, integer, float, boolean, table, array, time }

    struct Place: Hashable, Comparable {
        var line: Int
        var column: Int
        static func < (left: Place, right: Place) -> Bool { (left.line, left.column) < (right.line, right.column) }
    }

    struct Value {
        var key: String
        var kind: Kind
        var text: String
        var integer: Int64
        var place: Place
        /// Numbers of the values in it.
        var contents: [Int] = []
    }

    /// The first is the document itself, a table.
    private(set) var values: [Value] = []

    /// More than any configuration needs.
    static let sizeLimit = 1 << 20

    init(_ text: String, file: String) throws(ConfigurationError) {
        func refused(_ place: Place, _ what: String, _ mend: String) -> ConfigurationError {
            ConfigurationError(problems: [.init(file: file, line: place.line, column: place.column, what: what, mend: mend)])
        }
        guard text.utf8.count <= Self.sizeLimit else {
            throw refused(Place(line: 1, column: 1), "the file is larger than 1 MiB", "is it the right file?")
        }
        var error = ctoml_error()
        let list = List()
        var text = text
        let result = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                ctoml_parse(
                    characters.baseAddress, characters.count, Unmanaged.passUnretained(list).toOpaque(),
                    { context, value in
                        guard let context, let value else { return }
                        Unmanaged<List>.fromOpaque(context).takeUnretainedValue().append(value.pointee)
                    }, &error)
            }
        }
        guard result == 0 else {
            let words = withUnsafeBytes(of: error.reason) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            throw refused(
                Place(line: max(1, Int(error.line)), column: max(1, Int(error.column))), "this is not TOML: \(words)",
                "see https://toml.io; text is written in \"quotes\", sections in [brackets]")
        }
        values = list.values
    }

    subscript(_ number: Int) -> Value { values[number] }

    func contents(of number: Int) -> [(number: Int, value: Value)] { values[number].contents.map { ($0, values[$0]) } }

    private final class List {
        var values: [Value] = []

        func append(_ value: ctoml_value) {
            if value.parent >= 0 { values[Int(value.parent)].contents.append(values.count) }
            values.append(Value(value))
        }
    }
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
            default: .time
            }
        func text(_ start: UnsafePointer<CChar>?, _ length: Int) -> String {
            String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
        }
        self.init(
            key: text(value.key, value.key_length), kind: kind, text: text(value.text, value.text_length), integer: value.integer,
            place: .init(line: max(1, Int(value.line)), column: max(1, Int(value.column))))
    }
}
