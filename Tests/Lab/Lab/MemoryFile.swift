import CLab
import Foundation

/// A file in memory for a child's input or output: nothing to drain, so a child never blocks on us, and nothing to delete.
final class MemoryFile: Sendable {
    let descriptor: Int32

    init(_ contents: String = "") throws {
        descriptor = lab_memory_file("lab")
        guard descriptor >= 0 else { throw LabError.system("memfd_create", errno: errno) }
        let bytes = Array(contents.utf8)
        guard pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else {
            throw LabError.system("writing a command's input", errno: errno)
        }
    }

    deinit { close(descriptor) }

    /// All that is in it now. Reading by position leaves the child's own place in the file alone.
    var text: String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = pread(descriptor, &chunk, chunk.count, off_t(bytes.count))
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }
}
