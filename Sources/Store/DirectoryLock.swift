import Charging
import Glibc

/// Keeps a state directory for one process; the kernel lets go of it when the process ends, however it ends.
final class DirectoryLock: Sendable {
    private let fd: Int32

    init(_ directory: String) throws(StorageError) {
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw FileSystem.error(directory, "made") }
        let path = directory + "/station.lock"
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard fd >= 0 else { throw FileSystem.error(path, "opened") }
        guard flock(fd, LOCK_EX | LOCK_NB) == 0 else {
            defer { close(fd) }
            guard errno == EWOULDBLOCK else { throw FileSystem.error(path, "locked") }
            var buffer = [UInt8](repeating: 0, count: 16)
            let length = max(0, pread(fd, &buffer, buffer.count, 0))
            let pid = String(decoding: buffer[..<length], as: UTF8.self)
            throw StorageError(
                .inUse,
                "\(directory) is in use by another basestationd (process \(pid)); stop it first: systemctl stop basestationd")
        }
        // Only words for the message above: the lock itself is the kernel's.
        let pid = Array("\(getpid())".utf8)
        ftruncate(fd, 0)
        pwrite(fd, pid, pid.count, 0)
    }

    deinit { close(fd) }
}
