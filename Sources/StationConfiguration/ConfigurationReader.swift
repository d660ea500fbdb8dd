import Charging
public import Primitives

/// Takes values out of a document by path, remembers what was asked for, and collects everything that is wrong.
struct ConfigurationReader {
    private let file: String
    private let environment: [String: String]
    private var values: [String: TOMLDocument.Value] = [:]
    private var order: [String] = []
    private var known: Set<String> = []
    private var problems: [ConfigurationError.Problem] = []

    init(_ document: TOMLDocument, file: String, environment: [String: String]) {
        self.file = file
        self.environment = environment
        for value in document.values {
            values[value.path] = value
            order.append(value.path)
        }
    }

    // MARK: what is wrong

    mutating func complain(at path: String, _ what: String, _ mend: String) {
        let place = values[path]
        problems.append(.init(file: file, line: place?.line ?? 1, column: place?.column ?? 1, what: what, mend: mend))
    }

    /// Refuses what nobody asked for, and throws all that was wrong.
    mutating func finish() throws(ConfigurationError) {
        let knownShapes = Set(known.map(Self.shape))
        let sections = Set(knownShapes.flatMap(Self.prefixes))
        for path in order {
            let shape = Self.shape(path)
            // contents of an array that was asked for, and of a section that is unknown as a whole
            guard !knownShapes.contains(shape), !sections.contains(shape), !knownShapes.contains(where: { shape == $0 + "[]" }),
                Self.prefixes(shape).dropLast().allSatisfy(sections.contains)
            else { continue }
            let near = nearest(to: shape, among: knownShapes.union(sections).sorted())
            complain(
                at: path, "there is no key \"\(path)\"",
                near.map { "did you mean \"\($0.replacing("[]", with: ""))\"?" } ?? "docs/configuration.md lists all keys")
        }
        guard problems.isEmpty else {
            throw ConfigurationError(problems: problems.sorted { ($0.line, $0.column) < ($1.line, $1.column) })
        }
    }

    /// `tariff[3].id` as `tariff[].id`.
    private static func shape(_ path: String) -> String {
        var text = ""
        var isIndex = false
        for character in path {
            if character == "]" { isIndex = false }
            if !isIndex { text.append(character) }
            if character == "[" { isIndex = true }
        }
        return text
    }

    /// Every section that leads to a path, and the path: `a`, `a[]`, `a[].b`.
    private static func prefixes(_ shape: String) -> [String] {
        var result: [String] = []
        for (index, character) in zip(shape.indices, shape) where character == "." || character == "[" {
            let prefix = String(shape[..<index])
            if result.last != prefix { result.append(prefix) }
            if character == "[" { result.append(prefix + "[]") }
        }
        return result + (result.last == shape ? [] : [shape])
    }

    // MARK: taking values

    func count(of array: String) -> Int {
        guard let value = values[array], value.kind == .array else { return 0 }
        return min(Int(value.integer), 64)
    }

    func has(_ path: String) -> Bool { values[path] != nil }

    /// The value as text, from the environment if it is there; nil if nobody gave one or it is of another kind.
    private mutating func text(_ path: String, _ kind: TOMLDocument.Kind, _ example: String) -> String? {
        known.insert(path)
        let variable = "BASESTATION_" + path.uppercased().replacing(".", with: "_")
        if let override = environment[variable] { return override }
        guard let value = values[path] else { return nil }
        guard value.kind == kind else {
            complain(at: path, "\"\(path)\" is of the wrong type", "write it like \(example)")
            return nil
        }
        return switch kind {
        case .integer: String(value.integer)
        case .boolean: value.integer == 0 ? "false" : "true"
        default: value.text
        }
    }

    mutating func read(_ path: String, _ target: inout String, length: ClosedRange<Int>) {
        guard let text = text(path, .string, "\"text\"") else { return }
        guard length.contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 32 }) else {
            return complain(
                at: path, "\"\(path)\" has \(text.utf8.count) bytes",
                "\(length.lowerBound) to \(length.upperBound), without control characters")
        }
        target = text
    }

    mutating func read(_ path: String, _ target: inout String, among words: [String]) {
        guard let text = text(path, .string, "\"\(words[0])\"") else { return }
        guard words.contains(text) else {
            return complain(
                at: path, "\"\(text.prefix(40))\" is not one of \(words.joined(separator: ", "))",
                nearest(to: text, among: words).map { "did you mean \"\($0)\"?" } ?? "pick one of them")
        }
        target = text
    }

    mutating func read<T: RawRepresentable<String> & CaseIterable>(_ path: String, _ target: inout T) {
        var word = target.rawValue
        read(path, &word, among: T.allCases.map(\.rawValue))
        target = T(rawValue: word) ?? target
    }

    mutating func read(_ path: String, _ target: inout Bool) {
        guard let text = text(path, .boolean, "true") else { return }
        guard text == "true" || text == "false" else {
            return complain(at: path, "\"\(text.prefix(20))\" is neither true nor false", "write true or false")
        }
        target = text == "true"
    }

    mutating func read(_ path: String, _ target: inout Int, in range: ClosedRange<Int>) {
        guard let text = text(path, .integer, "\(target)") else { return }
        guard let number = Int(text), range.contains(number) else {
            return complain(at: path, "\"\(path)\" is \(text.prefix(20))", "\(range.lowerBound) to \(range.upperBound)")
        }
        target = number
    }

    mutating func read(_ path: String, _ target: inout UInt64) {
        guard let text = text(path, .integer, "1") else { return }
        guard let number = UInt64(text) else { return complain(at: path, "\"\(path)\" is \(text.prefix(20))", "zero or more") }
        target = number
    }

    mutating func read(_ path: String, _ target: inout [String]) {
        known.insert(path)
        if let override = environment["BASESTATION_" + path.uppercased().replacing(".", with: "_")] {
            target = override.split(separator: ",").map(String.init)
        } else if let list = values[path] {
            let items = (0..<min(Int(list.integer), 64)).compactMap { values["\(path)[\($0)]"] }
            guard list.kind == .array, items.allSatisfy({ $0.kind == .string }) else {
                return complain(at: path, "\"\(path)\" is not a list of names", "write it like [\"lan0\", \"lan1\"]")
            }
            target = items.map(\.text)
        }
    }

    mutating func read(_ path: String, _ target: inout Nanoseconds, in range: ClosedRange<Nanoseconds>) {
        guard let text = text(path, .string, "\"1s\"") else { return }
        guard let time = Nanoseconds(text), range.contains(time) else {
            return complain(
                at: path, "\"\(path)\" is \"\(text.prefix(20))\"",
                "a time like \"500ms\", \"90s\", \"5m\", \"1h\" or \"30d\" within its limits")
        }
        target = time
    }

    mutating func seconds(_ path: String) -> UInt64? {
        guard has(path) else {
            known.insert(path)
            return nil
        }
        var time = Nanoseconds.zero
        read(path, &time, in: .zero ... .seconds(366 * 86_400))
        return time.wholeSeconds
    }

    mutating func qlc(_ path: String) -> QLC? {
        guard let text = text(path, .string, "\"0.05\"") else { return nil }
        guard let amount = QLC(text) else {
            complain(
                at: path, "\"\(text.prefix(40))\" is not an amount of QLC",
                "write it in quotes, like \"0.05\", with eight decimals at most")
            return nil
        }
        return amount
    }

    mutating func bytes(_ path: String) -> UInt64? {
        guard let text = text(path, .string, "\"1GB\"") else { return nil }
        guard let count = ByteCount(text) else {
            complain(at: path, "\"\(text.prefix(40))\" is not an amount of data", "write it like \"500MB\" or \"1GB\"")
            return nil
        }
        return count.bytes
    }

    mutating func minuteOfDay(_ path: String) -> UInt16? {
        guard let text = text(path, .string, "\"22:00\"") else { return nil }
        let parts = text.split(separator: ":").compactMap { UInt16($0) }
        guard parts.count == 2, text.utf8.count == 5, parts[0] < 24, parts[1] < 60 else {
            complain(at: path, "\"\(text.prefix(20))\" is not a time of day", "write it like \"22:00\"")
            return nil
        }
        return parts[0] * 60 + parts[1]
    }
}

extension Nanoseconds {
    /// Reads `500ms`, `90s`, `5m`, `1h`, `30d`.
    public init?(_ text: String) {
        let units: [(String, Int64)] = [
            ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000), ("d", 86_400_000_000_000),
        ]
        for (suffix, size) in units where text.hasSuffix(suffix) {
            guard let count = Int64(text.dropLast(suffix.count)), count >= 0 else { continue }
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow else { return nil }
            self.init(product)
            return
        }
        return nil
    }
}
