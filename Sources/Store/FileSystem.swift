import Charging
import Glibc

/// What the store needs of files beyond SQLite: private, and there after a power cut.
enum FileSystem {
    /// No space, no quota, or larger than a file may be.
    static func meansNoRoom(_ code: Int32) -> Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }

    /// The last failure of a system call in words, with its mend.
    static func error(_ path: String, _ verb: String, code: Int32 = errno) -> StorageError {
        let text = "\(path) cannot be \(verb): \(String(cString: strerror(code)))"
        switch code {
        case _ where meansNoRoom(code): return StorageError(.full, "\(text); free space on that file system (df)")
        case EACCES, EPERM, EROFS:
            return StorageError(.notPermitted, "\(text); the file and its directory must belong to the daemon's user")
        case ENOENT, ENOTDIR:
            return StorageError(.notPermitted, "\(text); make the directory, owned by the daemon's user")
        case ELOOP: return StorageError(.notPermitted, "\(text); it is a symbolic link: put the file itself there")
        default: return StorageError(.other, text)
        }
    }

    /// nil: there is no such directory.
    static func owner(ofDirectoryOf path: String) -> (user: uid_t, group: gid_t)? {
        var facts = stat()
        guard stat(directory(of: path), &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else { return nil }
        return (facts.st_uid, facts.st_gid)
    }

    static func directory(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Whether there is a file without a byte in it.
    static func isEmpty(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_size == 0
    }

    /// Makes a directory for its owner alone, unless there is one.
    static func makeDirectory(_ path: String) throws(StorageError) {
        guard mkdir(path, 0o700) == 0 else {
            if errno == EEXIST { return }
            throw error(path, "made")
        }
        try synchroniseDirectory(of: path)
    }

    /// Makes an empty file for its owner alone, unless there is one. SQLite gives its log the same permissions.
    static func createPrivate(_ path: String) throws(StorageError) {
        let fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard fd >= 0 else {
            if errno == EEXIST { return }
            throw error(path, "made")
        }
        close(fd)
        try synchroniseDirectory(of: path)
    }

    /// Makes a file that holds what `content` gives, unless there is one. Written under another name and linked when it is
    /// whole: a power cut leaves all of it or none, never half of it.
    static func createWhole(
        _ path: String, _ content: (OpenFile) throws(StorageError) -> [UInt8]
    ) throws(StorageError) {
        let draft = "\(path).\(getpid())"
        unlink(draft)  // of an earlier process with this number that was killed here
        let file = try OpenFile(draft, O_RDWR | O_CREAT | O_EXCL)
        defer { unlink(draft) }
        try file.write(try content(file), at: 0)
        guard fsync(file.descriptor) == 0 else { throw error(path, "written") }
        // EEXIST: another process was faster; its file is the file
        guard link(draft, path) == 0 || errno == EEXIST else { throw error(path, "made") }
        try synchroniseDirectory(of: path)
    }

    /// Puts `content` in the place of what the file held. A power cut leaves one or the other, whole.
    /// - Parameter prepare: what is done with the new file before it has its name.
    static func replace(
        _ path: String, with content: [UInt8], prepare: (String) throws(StorageError) -> Void = { _ in }
    ) throws(StorageError) {
        let draft = "\(path).new"
        unlink(draft)  // of a start that was cut off here
        let file = try OpenFile(draft, O_RDWR | O_CREAT | O_EXCL)
        try file.write(content, at: 0)
        try prepare(draft)
        guard fsync(file.descriptor) == 0 else { throw error(draft, "written") }
        guard rename(draft, path) == 0 else { throw error(path, "replaced") }
        try synchroniseDirectory(of: path)
    }

    /// All that a file holds; nil if there is none.
    static func contents(_ path: String, limit: Int) throws(StorageError) -> [UInt8]? {
        guard exists(path) else { return nil }
        let file = try OpenFile(path, O_RDONLY)
        let size = Int(try file.facts().st_size)
        guard size <= limit else { throw StorageError(.corrupt, "\(path) has \(size) bytes, more than it can; remove it") }
        return try file.read(size, at: 0)
    }

    /// Takes a file away, also if the power goes right after. It may be gone already.
    static func remove(_ path: String) throws(StorageError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw error(path, "removed") }
        try synchroniseDirectory(of: path)
    }

    /// The names in a directory, in no order.
    static func names(in directory: String) throws(StorageError) -> [String] {
        guard let stream = opendir(directory) else { throw error(directory, "listed") }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names
    }

    /// A new name is there after a power cut only when its directory was written.
    static func synchroniseDirectory(of path: String) throws(StorageError) {
        let directory = directory(of: path)
        let fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard fd >= 0 else { throw error(directory, "opened") }
        defer { close(fd) }
        guard fsync(fd) == 0 else { throw error(directory, "synchronised") }
    }
}
