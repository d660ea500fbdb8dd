import Primitives
import StationAPI

/// Text for people: 80 columns, and nothing from outside that would steer the terminal.
enum Screen {
    static func fit(_ text: String, _ columns: Int) -> String {
        text.count <= columns
            ? text + String(repeating: " ", count: columns - text.count) : String(text.prefix(columns - 1)) + "…"
    }

    static func right(_ text: String, _ columns: Int) -> String {
        text.count <= columns
            ? String(repeating: " ", count: columns - text.count) + text : String(text.prefix(columns - 1)) + "…"
    }

    static func field(_ label: String, _ value: some CustomStringConvertible) -> String { "  " + fit(label, 12) + " \(value)" }

    /// Lines of at most 80 columns, broken at words where that can be.
    static func wrap(_ value: String) -> String {
        var lines: [String] = []
        for paragraph in value.split(separator: "\n", omittingEmptySubsequences: false) {
            var line = ""
            for word in paragraph.split(separator: " ", omittingEmptySubsequences: false) {
                if !line.isEmpty, line.count + 1 + word.count > 80 {
                    lines.append(line)
                    line = String(word)
                } else {
                    line += (line.isEmpty ? "" : " ") + word
                }
            }
            lines.append(line)
        }
        return lines.joined(separator: "\n")
    }
}

func printJSON(_ value: some Encodable) throws {
    print(String(decoding: try JSON.encode(value, pretty: true), as: UTF8.self))
}
