import Foundation
import Lab

/// What the kernel says of a running program.
struct ProcessFacts {
    var rss: Double
    var pss: Double
    /// The most that RSS ever was.
    var peak: Double
    var bytesWritten: Double

    /// In megabytes of 10⁶; what is shared with other programs counts in RSS whole, in Pss in parts.
    init(_ process: Int32) throws {
        let memory = try Self.fields("/proc/\(process)/smaps_rollup")
        let status = try Self.fields("/proc/\(process)/status")
        let disk = try Self.fields("/proc/\(process)/io")
        guard let rss = memory["Rss"], let pss = memory["Pss"], let peak = status["VmHWM"], let written = disk["write_bytes"]
        else {
            throw LabError.unreadable(what: "/proc/\(process)", text: "\(memory) \(disk)")
        }
        (self.rss, self.pss, self.peak) = (rss * 1_024 / 1e6, pss * 1_024 / 1e6, peak * 1_024 / 1e6)
        bytesWritten = written
    }

    /// `Name: number unit`, line by line.
    private static func fields(_ path: String) throws -> [String: Double] {
        var fields: [String: Double] = [:]
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
            let parts = line.split(separator: ":")
            guard parts.count == 2, let number = parts[1].split(whereSeparator: \.isWhitespace).first.flatMap({ Double($0) })
            else { continue }
            fields[String(parts[0])] = number
        }
        return fields
    }
}
