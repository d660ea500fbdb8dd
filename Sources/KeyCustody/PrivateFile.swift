import Glibc

/// Small files that are their owner's alone: written whole or not at all, readable by nobody else.
public enum PrivateFile {
    /// - Parameter isSecret: refused if others may read it.
    /// - Returns: nil if there is none.
    public static func read(_ path: String, atMost limit: Int, isSecret: Bool) throws -> [UInt8]? {
        let fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard fd >= 0 else {
            guard errno != ENOENT else { return nil }
            throw CustodyError("\(path) cannot be read: \(reason)")
        }
        defer { close(fd) }
        var info = stat()
        guard fstat(fd, &info) == 0 else { throw CustodyError("\(path) cannot be read: \(reason)") }
        guard !isSecret || info.st_mode & 0o077 == 0 else {
            throw CustodyError("\(path) can be read by others; a secret must not: chmod 600 \(path)")
        }
        return try bytes(of: fd, path, atMost: limit)
    }

    /// To the end, of whatever a descriptor is.
    public static func bytes(of fd: Int32, _ name: String, atMost limit: Int) throws -> [UInt8] {
        var all: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = Glibc.read(fd, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw CustodyError("\(name) cannot be read: \(reason)") }
            if count == 0 { return all }
            all += part.prefix(count)
            guard all.count <= limit else { throw CustodyError("\(name) is larger than the \(limit) bytes that it may have") }
        }
    }

    /// Through a file beside it, so that a power cut leaves the old one or the new one.
    /// - Parameter replacing: else a file that is there already is left alone, and `false` is returned.
    @discardableResult public static func write(_ bytes: [UInt8], to path: String, replacing: Bool) throws -> Bool {
        makeFolder(of: path)
        let beside = path + ".new-\(getpid())"
        let fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard fd >= 0 else { throw CustodyError("\(path) cannot be made: \(reason)") }
        defer { unlink(beside) }
        let isWritten = Glibc.write(fd, bytes, bytes.count) == bytes.count && fsync(fd) == 0
        let why = reason
        close(fd)
        guard isWritten else { throw CustodyError("\(path) cannot be written: \(why)") }
        // A second name, unlike a rename, never takes the place of another file.
        guard (replacing ? rename(beside, path) : link(beside, path)) == 0 else {
            if !replacing, errno == EEXIST { return false }
            throw CustodyError("\(path) cannot be made: \(reason)")
        }
        let folder = open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
        return true
    }

    public static func makeFolder(of path: String) {
        var folder = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false).dropLast() {
            folder += part + "/"
            mkdir(folder, 0o700)  // those that are there stay as they are
        }
    }

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    }

    private static var reason: String { String(cString: strerror(errno)) }
}
