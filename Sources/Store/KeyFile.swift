public import Charging
import Glibc

/// A file that holds 32 secret bytes, readable by its owner alone.
///
/// `station.key` holds the seed of the station's Ed25519 key, `codes.key` the key of the access codes' digests.
public enum KeyFile {
    public static let size = 32

    /// The secret in `path`; made from the system's random source if there is none.
    public static func loadOrCreate(_ path: String) throws(StorageError) -> [UInt8] {
        if let secret = try load(path) { return secret }
        try create(path)
        guard let secret = try load(path) else { throw FileSystem.error(path, "opened", code: ENOENT) }
        return secret
    }

    /// The secret in `path`, of whose directory it is; nil if there is no such file. Root reads the daemon's so.
    public static func loadDaemons(_ path: String) throws(StorageError) -> [UInt8]? {
        try load(path, of: FileSystem.owner(ofDirectoryOf: path)?.user)
    }

    /// nil if there is no such file.
    /// - Parameter owner: whose it may be, beside one's own.
    private static func load(_ path: String, of owner: uid_t? = nil) throws(StorageError) -> [UInt8]? {
        let fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard fd >= 0 else {
            if errno == ENOENT { return nil }
            throw FileSystem.error(path, "opened")
        }
        defer { close(fd) }
        var info = stat()
        guard fstat(fd, &info) == 0 else { throw FileSystem.error(path, "examined") }
        guard info.st_mode & S_IFMT == S_IFREG else {
            throw StorageError(.other, "\(path) is not a file; move it away, then a key is made there")
        }
        guard info.st_uid == geteuid() || info.st_uid == owner else {
            throw StorageError(
                .notPermitted, "\(path) belongs to user \(info.st_uid), not to the daemon's: chown \(geteuid()) \(path)")
        }
        guard info.st_mode & 0o077 == 0 else {
            throw StorageError(.notPermitted, "\(path) can be read by others; a secret must not: chmod 600 \(path)")
        }
        var bytes = [UInt8](repeating: 0, count: size + 1)
        let length = read(fd, &bytes, bytes.count)
        guard length >= 0 else { throw FileSystem.error(path, "read") }
        guard length == size else {
            let found = length > size ? "more than \(size)" : "\(length)"
            throw StorageError(.corrupt, "\(path) holds \(found) bytes, not the \(size) of a key; restore it from your backup")
        }
        return Array(bytes[..<size])
    }

    private static func create(_ path: String) throws(StorageError) {
        var random = SystemRandomNumberGenerator()
        let secret = (0..<size).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        try FileSystem.createWhole(path) { _ in secret }
    }
}
