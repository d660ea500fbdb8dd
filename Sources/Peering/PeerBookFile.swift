import Glibc
import Primitives

/// The peer book on disk: the image's canonical bytes behind their tagged digest.
enum PeerBookFile {
    /// A full book has some 150 kB.
    static let sizeLimit = 512 << 10
    private static let digestTag = "qlink/peer-book"

    struct Damaged: Error, CustomStringConvertible {
        let description: String
    }

    /// nil if there is no file.
    static func load(_ path: String) throws -> PeerBookImage? {
        let fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard fd >= 0 else {
            if errno == ENOENT { return nil }
            throw error(path, "opened")
        }
        defer { close(fd) }
        var bytes = [UInt8](repeating: 0, count: sizeLimit + 1)
        var length = 0
        while length < bytes.count {
            let count = bytes.withUnsafeMutableBytes { Glibc.read(fd, $0.baseAddress! + length, $0.count - length) }
            guard count >= 0 else { throw error(path, "read") }
            guard count > 0 else { break }
            length += count
        }
        guard length <= sizeLimit else { throw Damaged(description: "it is longer than a book can be") }
        let body = bytes[..<length].dropFirst(32)
        guard length > 32, Bytes32(bytes[..<32]) == TaggedHash.digest(tag: digestTag, body) else {
            throw Damaged(description: "its digest is not that of its contents")
        }
        return try PeerBookImage(canonicalBytes: body)
    }

    /// Written beside it, synchronised, and renamed over it.
    static func save(_ image: PeerBookImage, to path: String) throws(PeeringError) {
        let body = image.canonicalBytes
        let bytes = TaggedHash.digest(tag: digestTag, body).bytes + body
        let draft = path + ".new"
        unlink(draft)  // of a process that was killed here
        let fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard fd >= 0 else { throw error(path, "made") }
        defer {
            close(fd)
            unlink(draft)
        }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(fd, $0.baseAddress! + written, $0.count - written) }
            guard count > 0 else { throw error(path, "written") }
            written += count
        }
        guard fsync(fd) == 0, rename(draft, path) == 0 else { throw error(path, "written") }
        try synchroniseDirectory(of: path)
    }

    /// The new name is there after a power cut only when its directory was written.
    private static func synchroniseDirectory(of path: String) throws(PeeringError) {
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard fd >= 0 else { throw error(path, "written") }
        defer { close(fd) }
        guard fsync(fd) == 0 else { throw error(path, "written") }
    }

    private static func error(_ path: String, _ verb: String) -> PeeringError {
        .book(path: path, "\(verb): \(String(cString: strerror(errno)))")
    }
}
