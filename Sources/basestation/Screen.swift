import Glibc
import Primitives

/// Text for people: 80 columns, colour only on a terminal and never alone.
enum Screen {
    static let width = 80
    static let hasColour = isatty(1) == 1 && getenv("NO_COLOR") == nil

    static func bold(_ text: String) -> String { hasColour ? "\u{1b}[1m\(text)\u{1b}[0m" : text }

    /// A heading with a rule to the right edge.
    static func rule(_ title: String) -> String {
        bold(title) + " " + String(repeating: "─", count: max(0, width - title.count - 1))
    }

    static func fit(_ text: String, _ columns: Int) -> String {
        text.count <= columns
            ? text + String(repeating: " ", count: columns - text.count) : String(text.prefix(columns - 1)) + "…"
    }

    static func right(_ text: String, _ columns: Int) -> String {
        text.count <= columns
            ? String(repeating: " ", count: columns - text.count) + text : String(text.prefix(columns - 1)) + "…"
    }

    /// `label` in a column of its own, the value wrapped at words beside it.
    static func field(_ label: String, _ value: String) -> [String] {
        wrap(value, to: width - 14).enumerated().map { index, text in "  " + fit(index == 0 ? label : "", 12) + text }
    }

    /// Lines of at most `room` columns, broken at words where that can be.
    static func wrap(_ value: String, to room: Int = width) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in value.split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > room {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word.prefix(room)
        }
        lines.append(line)
        return lines
    }

    static func duration(_ seconds: UInt64) -> String {
        let (d, h, m, s) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60)
        return d > 0 ? "\(d)d \(h)h" : h > 0 ? "\(h)h \(m)m" : m > 0 ? "\(m)m \(s)s" : "\(s)s"
    }

    /// `0.10000000` as `0.1`, for people.
    static func amount(_ qlc: QLC) -> String {
        var text = qlc.description
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }
}
