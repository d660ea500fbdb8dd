import FoundationEssentials

/// What this process has caused to be written to storage since this was made (`write_bytes` of proc_pid_io(5)).
struct WrittenBytes {
    private let start = Self.now()

    var count: UInt64 {
        let now = Self.now()
        return now > start ? now - start : 0
    }

    private static func now() -> UInt64 {
        guard let text = try? String(contentsOfFile: "/proc/self/io", encoding: .utf8) else { return 0 }  // no such kernel option
        let line = text.split(separator: "\n").first { $0.hasPrefix("write_bytes:") }
        return line.flatMap { UInt64($0.split(separator: " ").last ?? "") } ?? 0
    }
}
