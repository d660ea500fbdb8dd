import FoundationEssentials
import Glibc

/// What a process does to the files below a directory.
struct Disk {
    private let directory: String

    init(_ directory: String) { self.directory = directory }

    /// Returns when everything in the directory is on the disk.
    func settle() throws {
        for name in try FileManager.default.subpathsOfDirectory(atPath: directory) {
            let file = open(directory + "/" + name, O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { continue }  // removed meanwhile
            fdatasync(file)
            close(file)
        }
    }

    /// By this process, in its lifetime: pages that became dirty (`write_bytes` of proc_pid_io(5)), without the file system's journal.
    func bytesWritten() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/io", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix("write_bytes:") }
        return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
    }
}
