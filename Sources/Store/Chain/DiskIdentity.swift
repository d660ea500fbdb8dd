import CDisk
import Charging
import Glibc
import Primitives

/// Where a file lies, as far as the kernel tells: what a copy of the file cannot bring along.
///
/// The number of the file system is `f_fsid` of statfs(2): ext4 and btrfs make it from their UUID, so that it stays when the
/// kernel numbers its devices otherwise. What a file system does not have is 0 and never differs.
struct DiskIdentity: Canonical, Hashable {
    /// Digest of the machine's identifier, which itself is to stay confidential (machine-id(5)).
    var machine = Bytes32.zero
    var inode: UInt64 = 0
    var fileSystem: UInt64 = 0
    /// When the file was made, in nanoseconds since 1970 (`stx_btime` of statx(2)).
    var birth: UInt64 = 0

    init() {}

    init(of file: OpenFile, machineID path: String) throws(StorageError) {
        var place = cdisk_place()
        let code = cdisk_place(file.descriptor, &place)
        guard code == 0 else { throw FileSystem.error(file.path, "examined", code: -code) }
        machine = try TaggedHash.digest(tag: "qlink/machine", Self.machineID(path))
        (inode, fileSystem, birth) = (place.inode, place.file_system, place.birth)
    }

    /// Nothing if the machine has none: then that tells no two machines apart, and the rest must.
    private static func machineID(_ path: String) throws(StorageError) -> [UInt8] {
        guard FileSystem.exists(path) else { return [] }
        return try OpenFile(path, O_RDONLY).read(64, at: 0)
    }

    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&machine)
        try coder.integer(&inode)
        try coder.integer(&fileSystem)
        try coder.integer(&birth)
    }

    /// What differs, in words.
    func differences(from other: DiskIdentity) -> [String] {
        var words: [String] = []
        if machine != other.machine { words.append("it was written on another machine") }
        if fileSystem != other.fileSystem { words.append("it was written on another file system") }
        if inode != other.inode { words.append("it was inode \(inode), and is \(other.inode)") }
        if birth != other.birth { words.append("it was made at another time") }
        return words
    }
}
