import Charging
import Glibc

/// A file of the daemon's own, held open: readable by its owner alone, never through a symbolic link, closed when nobody holds it.
final class OpenFile {
    let path: String
    let descriptor: Int32

    /// - Parameter flags: how to open it, see open(2).
    init(_ path: String, _ flags: Int32) throws(StorageError) {
        self.path = path
        descriptor = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw FileSystem.error(path, flags & O_CREAT == 0 ? "opened" : "made")
        }
    }

    deinit { close(descriptor) }

    func facts() throws(StorageError) -> stat {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw FileSystem.error(path, "examined") }
        guard facts.st_mode & S_IFMT == S_IFREG else { throw StorageError(.other, "\(path) is not a file; move it away") }
        return facts
    }

    /// Up to `count` bytes from `offset` on; fewer only where the file ends.
    func read(_ count: Int, at offset: Int) throws(StorageError) -> [UInt8] {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            while done < count {
                let length = pread(descriptor, buffer.baseAddress! + done, count - done, off_t(offset + done))
                if length < 0, errno == EINTR { continue }
                if length < 0 { code = errno }
                if length <= 0 { return }
                done += length
            }
        }
        guard code == 0 else { throw FileSystem.error(path, "read", code: code) }
        return bytes
    }

    /// All of `bytes`, or an error and an unknown part of them.
    func write(_ bytes: [UInt8], at offset: Int) throws(StorageError) {
        var done = 0
        while done < bytes.count {
            let length = bytes.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress! + done, bytes.count - done, off_t(offset + done))
            }
            if length < 0, errno == EINTR { continue }
            guard length > 0 else { throw FileSystem.error(path, "written", code: length < 0 ? errno : ENOSPC) }
            done += length
        }
    }

    func truncate(to size: Int) throws(StorageError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw FileSystem.error(path, "cut") }
    }

    /// Returns when the bytes, and the size if it grew, survive a power cut.
    func synchronise() throws(StorageError) {
        guard fdatasync(descriptor) == 0 else { throw FileSystem.error(path, "synchronised") }
    }

    /// Keeps it for this process until it is closed. False if another one has it.
    func lock() throws(StorageError) -> Bool {
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
        guard errno == EWOULDBLOCK else { throw FileSystem.error(path, "locked") }
        return false
    }

    func unlock() { flock(descriptor, LOCK_UN) }
}
