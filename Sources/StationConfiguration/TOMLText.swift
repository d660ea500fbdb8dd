public import Primitives

/// Values as an owner writes them.
enum TOMLText {
    static func quoted(_ text: some StringProtocol) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case _ where scalar.properties.generalCategory == .control: result += "\\u" + hexadecimal(scalar.value)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    static func list(_ items: [String]) -> String { "[" + items.map(quoted).joined(separator: ", ") + "]" }

    /// In the largest unit that divides it.
    static func time(_ time: Nanoseconds) -> String {
        let fitting = Nanoseconds.units.filter { time.count % $0.size == 0 && time.count >= $0.size }
        let unit = fitting.last ?? Nanoseconds.units[1]
        return "\(time.count / unit.size)\(unit.name)"
    }

    static func data(_ bytes: UInt64) -> String {
        let units: [(String, UInt64)] = [
            ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("B", 1),
        ]
        let fitting = units.filter { bytes % $0.1 == 0 && bytes >= $0.1 }
        let unit = fitting.first ?? ("B", 1)
        return "\(bytes / unit.1)\(unit.0)"
    }

    /// Without the zeros at its end.
    static func money(_ amount: QLC) -> String {
        var text = amount.description
        while text.hasSuffix("0") { text.removeLast() }
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }

    private static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }
}

extension Nanoseconds {
    static let units: [(name: String, size: Int64)] = [
        ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000), ("d", 86_400_000_000_000),
    ]

    /// Reads `500ms`, `90s`, `5m`, `1h`, `30d`.
    public init?(_ text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let unit = Self.units.first(where: { $0.name == text.dropFirst(digits.count) }), let count = Int64(digits) else {
            return nil
        }
        let (product, overflow) = count.multipliedReportingOverflow(by: unit.size)
        guard !overflow else { return nil }
        self.init(product)
    }
}
