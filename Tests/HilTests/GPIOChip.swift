import Foundation
import Lab

/// A GPIO chip of the kernel's gpio-sim: lines that are wired to nothing but files.
final class GPIOChip {
    let label: String
    private let config: String
    private let lines: [String]
    private let files: String

    private static let root = "/sys/kernel/config/gpio-sim"

    /// - Parameters:
    ///   - lines: names, by offset; "" for none
    ///   - taken: the offset of a line that the kernel keeps for itself
    init(label: String, lines: [String], taken: Int? = nil) throws {
        (self.label, self.lines) = (label, lines)
        try run(["modprobe", "gpio-sim"])
        if !FileManager.default.fileExists(atPath: Self.root) {
            try run(["mount", "-t", "configfs", "configfs", "/sys/kernel/config"])
        }
        let config = "\(Self.root)/\(label)"
        self.config = config
        let bank = config + "/bank0"
        func write(_ text: String, to file: String) throws {
            let path = "\(config)/\(file)"
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try text.write(toFile: path, atomically: false, encoding: .utf8)
        }
        try write("\(lines.count)", to: "bank0/num_lines")
        try write(label, to: "bank0/label")
        for (offset, name) in lines.enumerated() where !name.isEmpty { try write(name, to: "bank0/line\(offset)/name") }
        if let taken {
            try write("kernel", to: "bank0/line\(taken)/hog/name")
            try write("output-high", to: "bank0/line\(taken)/hog/direction")
        }
        try write("1", to: "live")
        files = "/sys/devices/platform/\(try Self.text(config + "/dev_name"))/\(try Self.text(bank + "/chip_name"))"
    }

    deinit { try? remove() }

    /// As when the chip is unplugged.
    func unplug() throws { try "0".write(toFile: config + "/live", atomically: false, encoding: .utf8) }

    /// What the line drives, or what is driven into it.
    func value(_ name: String) throws -> Bool { try Self.text(file(name, "value")) == "1" }

    /// Drives an input.
    func pull(_ name: String, up: Bool) throws {
        try (up ? "pull-up" : "pull-down").write(toFile: file(name, "pull"), atomically: false, encoding: .utf8)
    }

    private func file(_ name: String, _ attribute: String) throws -> String {
        guard let offset = lines.firstIndex(of: name) ?? Int(name) else { throw CocoaError(.fileNoSuchFile) }
        return "\(files)/sim_gpio\(offset)/\(attribute)"
    }

    private func remove() throws {
        try unplug()
        // configfs: a folder goes with what the kernel put into it, and only when no folder of ours is left in it.
        try run([
            "sh", "-c",
            "rmdir '\(config)'/bank0/line*/hog 2>/dev/null; rmdir '\(config)'/bank0/line* '\(config)'/bank0 '\(config)'",
        ])
    }

    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
