import Charging
import Glibc

/// Keeps a state directory for one process; the kernel lets go of it when the process ends, however it ends.
final class DirectoryLock {
    private let file: OpenFile

    init(_ directory: String) throws(StorageError) {
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw FileSystem.error(directory, "made") }
        file = try OpenFile(directory + "/station.lock", O_RDWR | O_CREAT)
        guard try file.lock() else {
            let pid = String(decoding: try file.read(16, at: 0), as: UTF8.self)
            throw StorageError(
                .inUse,
                "\(directory) is in use by another basestationd (process \(pid)); stop it first: systemctl stop basestationd")
        }
        // Only words for the message above: the lock itself is the kernel's.
        ftruncate(file.descriptor, 0)
        let pid = Array("\(getpid())".utf8)
        pwrite(file.descriptor, pid, pid.count, 0)
    }

    deinit {
        file.unlock()  // a child that was forked and has not got to its exec holds the same lock by its copy of the descriptor
    }
}
