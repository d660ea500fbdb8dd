public import Charging
import Glibc

/// A state directory that no daemon uses, while this lives: for who puts a key back into it.
public struct KeyRestoration {
    private let path: String
    private let owner: (user: uid_t, group: gid_t)
    private let lock: DirectoryLock

    /// - Parameter path: of the key, in the state directory, which has to be there.
    /// - Throws: `inUse` while a daemon runs.
    public init(_ path: String) throws(StorageError) {
        let directory = FileSystem.directory(of: path)
        guard let owner = FileSystem.owner(ofDirectoryOf: path) else {
            throw StorageError(
                .notPermitted, "\(directory) is not there; start the daemon once, and stop it: it makes all it needs")
        }
        (self.path, self.owner) = (path, owner)
        lock = try DirectoryLock(directory)
        try give(directory + "/station.lock")
    }

    /// The key that is there; nil: none.
    public func present() throws(StorageError) -> [UInt8]? { try KeyFile.loadDaemons(path) }

    /// Puts the key there, readable by the daemon alone. One that is there is kept beside it, as `.old`: no key is ever lost here.
    public func put(_ secret: [UInt8]) throws(StorageError) {
        precondition(secret.count == KeyFile.size, "a key has \(KeyFile.size) bytes")
        if FileSystem.exists(path) {
            guard link(path, path + ".old") == 0 else {
                guard errno == EEXIST else { throw FileSystem.error(path + ".old", "made") }
                throw StorageError(.other, "\(path).old holds an older key already; move it away first")
            }
        }
        // Given away before it has its name: the daemon never finds a key that it may not read.
        try FileSystem.replace(path, with: secret) { draft throws(StorageError) in try give(draft) }
    }

    /// What root makes is the daemon's.
    private func give(_ path: String) throws(StorageError) {
        guard geteuid() == 0, owner.user != 0 else { return }
        guard lchown(path, owner.user, owner.group) == 0 else { throw FileSystem.error(path, "given to the daemon's user") }
    }
}
