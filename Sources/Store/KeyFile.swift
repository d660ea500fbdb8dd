public import Charging
import Glibc
import Primitives

/// A file that holds 32 secret bytes, readable by its owner alone.
public enum KeyFile {
    /// The secret in `path`; made from the system's random source if there is none.
    public static func loadOrCreate(_ path: String) throws(StorageError) -> [UInt8] {
        let fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard fd >= 0 else {
            guard errno == ENOENT else { throw failure(path, "opened") }
            return try create(path)
        }
        defer { close(fd) }
        var info = stat()
        guard fstat(fd, &info) == 0, info.st_mode & 0o077 == 0 else {
            throw StorageError(.notPermitted, "\(path) can be read by others; a secret must not: chmod 600 \(path)")
        }
        var bytes = [UInt8](repeating: 0, count: 65)
        let length = read(fd, &bytes, bytes.count)
        guard length == 32 else {
            throw StorageError(.corrupt, "\(path) holds \(length) bytes, not the 32 of a key; restore it from your backup")
        }
        return Array(bytes[..<32])
    }

    private static func create(_ path: String) throws(StorageError) -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        let secret = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard fd >= 0 else { throw failure(path, "made") }
        defer { close(fd) }
        guard write(fd, secret, 32) == 32, fsync(fd) == 0 else { throw failure(path, "written") }
        if let slash = path.lastIndex(of: "/") {
            let directory = open(String(path[..<slash]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if directory >= 0 {
                fsync(directory)
                close(directory)
            }
        }
        return secret
    }

    private static func failure(_ path: String, _ verb: String) -> StorageError {
        StorageError(.notPermitted, "\(path) cannot be \(verb): \(String(cString: strerror(errno)))")
    }
}
