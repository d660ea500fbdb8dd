import Charging
import Glibc
import Ledger
import Primitives

/// Snapshots on disk, the newest two: for newcomers.
///
/// ```
///  00000000000000001200.snapshot   chunks back to back · index · its digest 32 · its length u32
///  drafts/…                        what is being written, or is on its way here: gone at the next start
/// ```
///
/// A file gets its name when all of it is on the disk, so a crash leaves an old or a new one. A chunk that the disk has changed is never
/// given to anybody: its hash says so, and the whole snapshot goes.
final class SnapshotFiles {
    /// Who has begun to fetch the older one can finish.
    static let kept = 2
    private static let suffix = ".snapshot"
    private static let trailerSize = 36
    private static let indexLimit = 1 << 20

    /// Of one file.
    struct Index: Canonical {
        var manifest = SnapshotManifest()
        /// Where each chunk ends.
        var ends: [Place] = []

        init() {}
        init(_ manifest: SnapshotManifest, ends: [Int]) { (self.manifest, self.ends) = (manifest, ends.map(Place.init)) }
        mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
            try coder.nested(&manifest)
            try coder.array(&ends, limit: SnapshotManifest.chunkLimit)
        }
    }

    struct Place: Canonical {
        var value: UInt64 = 0

        init() {}
        init(_ value: Int) { self.value = UInt64(value) }
        mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.integer(&value) }
    }

    private let directory: String
    private let limit: Int
    /// Oldest first.
    private(set) var manifests: [SnapshotManifest] = []

    init(_ directory: String, keeping limit: Int = SnapshotFiles.kept) throws(StorageError) {
        (self.directory, self.limit) = (directory, limit)
        try FileSystem.makeDirectory(directory)
        try FileSystem.makeDirectory(directory + "/drafts")
        for name in try FileSystem.names(in: directory + "/drafts") where !name.hasPrefix(".") {
            try FileSystem.remove(directory + "/drafts/" + name)
        }
        for name in try FileSystem.names(in: directory).sorted() where name.hasSuffix(Self.suffix) {
            let path = directory + "/" + name
            if let index = try index(of: OpenFile(path, O_RDONLY)), self.path(index.manifest.height) == path {
                manifests.append(index.manifest)
            } else {
                try FileSystem.remove(path)
            }
        }
        try prune()
    }

    /// A chunk as it was written; nil if it is not there, or is not what was written.
    func chunk(_ index: Int, at height: UInt64) throws(StorageError) -> [UInt8]? {
        guard manifests.contains(where: { $0.height == height }) else { return nil }
        let file = try OpenFile(path(height), O_RDONLY)
        guard let found = try self.index(of: file) else { return try forget(height) }
        guard found.ends.indices.contains(index) else { return nil }
        let start = index == 0 ? 0 : Int(found.ends[index - 1].value)
        let bytes = try file.read(Int(found.ends[index].value) - start, at: start)
        guard SnapshotManifest.hash(of: bytes) == found.manifest.chunks[index] else { return try forget(height) }
        return bytes
    }

    /// Begins a file under a passing name.
    func draft(_ name: String) throws(StorageError) -> SnapshotDraft {
        try SnapshotDraft(directory + "/drafts/" + name)
    }

    /// Gives the draft, which holds the manifest's chunks, its name. A power cut leaves all of it or none.
    func keep(_ draft: SnapshotDraft, as manifest: SnapshotManifest) throws(StorageError) {
        let index = Index(manifest, ends: draft.ends).canonicalBytes
        let length = withUnsafeBytes(of: UInt32(index.count).littleEndian) { Array($0) }
        try draft.finish(with: index + Self.digest(index) + length, as: path(manifest.height))
        manifests.removeAll { $0.height == manifest.height }
        manifests.append(manifest)
        manifests.sort { $0.height < $1.height }
        try prune()
    }

    private func prune() throws(StorageError) {
        while manifests.count > limit { _ = try forget(manifests[0].height) }
    }

    private func forget(_ height: UInt64) throws(StorageError) -> [UInt8]? {
        manifests.removeAll { $0.height == height }
        try FileSystem.remove(path(height))
        return nil
    }

    /// nil if it is not whole: it was not written by this software, or the disk has changed it.
    private func index(of file: OpenFile) throws(StorageError) -> Index? {
        let size = Int(try file.facts().st_size)
        guard size > Self.trailerSize else { return nil }
        let trailer = try file.read(Self.trailerSize, at: size - Self.trailerSize)
        guard trailer.count == Self.trailerSize else { return nil }
        let length = trailer.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= Self.indexLimit, length + Self.trailerSize <= size else { return nil }
        let start = size - Self.trailerSize - length
        let bytes = try file.read(length, at: start)
        // A failure means the same as a wrong digest.
        guard Self.digest(bytes) == Array(trailer.prefix(32)), let index = try? Index(canonicalBytes: bytes),
            index.ends.count == index.manifest.chunks.count, index.ends.last?.value == UInt64(start),
            zip(index.ends, index.ends.dropFirst()).allSatisfy({ $0.value < $1.value })
        else { return nil }
        return index
    }

    private static func digest(_ index: [UInt8]) -> [UInt8] { TaggedHash.digest(tag: "qlink/snapshot-index", index).bytes }

    private func path(_ height: UInt64) -> String {
        let digits = "\(height)"
        return directory + "/" + String(repeating: "0", count: 20 - digits.count) + digits + Self.suffix
    }
}

/// A snapshot's chunks on their way into a file. Without `finish` the file goes with it.
final class SnapshotDraft {
    private let file: OpenFile
    private(set) var ends: [Int] = []

    fileprivate init(_ path: String) throws(StorageError) {
        unlink(path)
        file = try OpenFile(path, O_RDWR | O_CREAT | O_EXCL)
    }

    deinit { unlink(file.path) }

    func add(_ chunk: [UInt8]) throws(StorageError) {
        let start = ends.last ?? 0
        try file.write(chunk, at: start)
        ends.append(start + chunk.count)
    }

    func chunk(_ index: Int) throws(StorageError) -> [UInt8] {
        let start = index == 0 ? 0 : ends[index - 1]
        return try file.read(ends[index] - start, at: start)
    }

    fileprivate func finish(with trailer: [UInt8], as path: String) throws(StorageError) {
        try file.write(trailer, at: ends.last ?? 0)
        guard fsync(file.descriptor) == 0 else { throw FileSystem.error(file.path, "written") }
        guard rename(file.path, path) == 0 else { throw FileSystem.error(path, "made") }
        try FileSystem.synchroniseDirectory(of: path)
    }
}
