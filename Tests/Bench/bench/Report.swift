import Foundation

extension Double {
    func formatted(decimals: Int) -> String { String(format: "%.\(decimals)f", self) }

    /// As many digits as say something.
    var short: String {
        abs(self) >= 100 ? formatted(decimals: 0) : abs(self) >= 10 ? formatted(decimals: 1) : formatted(decimals: 2)
    }
}

extension Duration {
    var seconds: Double { self / .seconds(1) }
    var milliseconds: Double { self / .milliseconds(1) }
}

extension Figure {
    /// The value with its unit, as a table has room for it.
    var shown: String {
        switch unit {
        case "ratio": value.short
        case "B/h" where value >= 1e6: (value / 1e6).short + " MB/h"
        case "B/d": (value / 1e6).short + " MB/d"
        default: "\(value.short) \(unit)"
        }
    }
}

/// All figures of a run: a table of 80 columns for people, a file for programs.
struct Report {
    private(set) var groups: [(title: String, figures: [Figure])] = []

    mutating func add(_ title: String, _ figures: [Figure]) { groups.append((title, figures)) }

    static func table(_ title: String, _ figures: [Figure]) -> String {
        ([title] + figures.map { row($0) }).joined(separator: "\n")
    }

    private static func row(_ figure: Figure) -> String {
        let goal = figure.goal.map { "\($0.sign) \(($0.limit / (figure.unit == "B/d" ? 1e6 : 1)).short)" } ?? ""
        return pad(figure.mark + " " + figure.name, 45) + pad(figure.shown, 11, right: true) + pad(goal, 9, right: true) + "  "
            + verdict(figure)
    }

    private static func verdict(_ figure: Figure) -> String {
        guard let goal = figure.goal else { return "" }
        let off = abs(figure.value / goal.limit - 1) * 100
        return goal.isMet(by: figure.value) ? "met" : "missed \(off < 1 ? "<1" : off.formatted(decimals: 0)) %"
    }

    private static func pad(_ text: String, _ width: Int, right: Bool = false) -> String {
        let space = String(repeating: " ", count: max(0, width - text.count))
        return right ? space + text : text + space
    }

    var summary: String {
        let verdicts = groups.flatMap(\.figures).compactMap(\.isMet)
        let met = verdicts.count { $0 }
        return verdicts.isEmpty ? "" : "\(met) of \(verdicts.count) goals met.\n"
    }

    /// Each figure as an object in `figures`, and its bare number under its key beside them.
    func json() throws -> Data {
        var root: [String: Any] = [:]
        var objects: [String: Any] = [:]
        for figure in groups.flatMap(\.figures) {
            root[figure.key] = figure.value
            var object: [String: Any] = [
                "name": figure.name.trimmingCharacters(in: .whitespaces), "value": figure.value, "unit": figure.unit,
                "reference": figure.reference, "rounds": figure.rounds.count,
                "spread": ["p10": figure.rounds.quantile(0.1), "p90": figure.rounds.quantile(0.9)],
            ]
            if let goal = figure.goal {
                object["goal"] = "\(goal.sign) \(goal.limit)"
                object["met"] = figure.isMet
            }
            if let note = figure.note { object["note"] = note }
            objects[figure.key] = object
        }
        root["figures"] = objects
        root["machine"] = Self.machine()
        return try JSONSerialization.data(withJSONObject: root, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    }

    private static func machine() -> [String: Any] {
        let text = { (path: String) in (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }  // not everywhere: then empty
        let model = text("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last
        return [
            "kernel": text("/proc/sys/kernel/osrelease").trimmingCharacters(in: .whitespacesAndNewlines),
            "processor": model.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown",
            "processors": ProcessInfo.processInfo.activeProcessorCount,
            "load": text("/proc/loadavg").trimmingCharacters(in: .whitespacesAndNewlines),
        ]
    }
}
