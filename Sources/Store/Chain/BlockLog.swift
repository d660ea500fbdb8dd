public import Charging
import Glibc

/// The blocks that a node keeps, in order of height, in files that only grow: the redo log of its state.
///
/// ```
///  append(17) ─▶ memory ─▶ sync() ─▶ 00000000000000000001.blocks   4 MiB each, named by the first height,
///                                    00000000000000004096.blocks   fsynced whole before the next one is begun
/// ```
///
/// **What survives.** After `sync()` returned, everything appended before it; nothing sooner. Until then records stand in
/// memory, so that a board at rest writes once for many blocks: what a crash takes is fetched from the peers again.
///
/// **What is checked.** Opening reads the last file whole, and of the others their heads and how they join. A record that is
/// not whole ends the log, and all from it on is cut off, since it was not acknowledged: a torn end. But every record says what
/// height was on the disk when it was made. If a whole one further on says so of the bad one, or the caller does
/// (`flushed`), the disk has lost what it had confirmed: that is damage, and opening throws `.corrupt`. Only what the very last
/// `sync()` had confirmed and nothing further on tells of is cut in silence; those blocks are final, and the peers have them.
/// A record of an older file is checked when it is read, and none is ever returned that is not the one appended.
///
/// **Who calls.** One owner, on an executor that may wait for the disk. A directory lock keeps other processes out.
public final class BlockLog {
    /// No record is longer.
    public static let recordLimit = 8 << 20
    /// A file that has grown to this is closed and the next one begun: also the least that pruning can free.
    public static let segmentSize = 4 << 20
    /// What waits in memory for `sync()` at most, unless it is one record.
    private static let pendingLimit = 256 << 10
    /// Older files whose places of records are kept in memory: 4 bytes a record.
    private static let knownLimit = 16

    let directory: String
    private let segmentSize: Int
    private let lock: DirectoryLock
    /// First heights of the files, oldest first. The last is the tail's.
    private var firsts: [UInt64] = []
    private var tail: Tail?
    private var known: [BlockSegment] = []
    /// Blocks below this height survive a power cut.
    private var confirmed: UInt64 = 0
    /// Once a sync failed nobody knows what the disk has, and asking again may say "done" of what was dropped.
    private var failure: StorageError?

    /// The file that records are added to, and those that are not in it yet.
    private struct Tail {
        let file: OpenFile
        var segment: BlockSegment
        var pending: [UInt8] = []
        var written: Int { segment.end - pending.count }
    }

    /// Opens the log in `directory`, makes it if there is none, and cuts a torn end off.
    ///
    /// - Parameter flushed: the height up to which the state is in the database. The log was synchronised before that was
    ///   written, so a log that holds blocks and ends below is damaged.
    /// - Throws: `.corrupt` with the mend if the disk has lost or changed what it had confirmed, `.inUse` if another process has it.
    public init(directory: String, flushed: UInt64 = 0, segmentSize: Int = BlockLog.segmentSize) throws(StorageError) {
        (self.directory, self.segmentSize) = (directory, segmentSize)
        lock = try DirectoryLock(directory)
        firsts = try FileSystem.names(in: directory).compactMap(Self.first(ofName:)).sorted()
        while tail == nil, let first = firsts.last {
            tail = try open(tail: first)
            if tail == nil { try removeLast() }
        }
        try checkJoints()
        guard let heights else { return }
        guard heights.upperBound >= flushed else {
            throw damaged("it ends at height \(heights.upperBound), and had confirmed \(flushed)")
        }
        confirmed = heights.upperBound + 1
    }

    /// The heights of the blocks that are there; nil if there is none.
    public var heights: ClosedRange<UInt64>? {
        guard let first = firsts.first, let next = tail?.segment.next, next > first else { return nil }
        return first...next - 1
    }

    // MARK: writing

    /// Adds the next block. It survives a power cut once `sync()` has returned.
    ///
    /// - Parameter height: one more than the last; any, if the log is empty.
    /// - Throws: `.full` if there is no room: the log is what it was, and the same block can be appended once there is some.
    public func append(height: UInt64, record: [UInt8]) throws(StorageError) {
        if let failure { throw failure }
        guard record.count <= Self.recordLimit, height < .max, height == tail?.segment.next ?? height else {
            throw StorageError(
                .other, "block \(height) of \(record.count) bytes cannot follow in \(directory); this is a fault of the software")
        }
        if let tail, tail.segment.end < segmentSize, tail.pending.count + record.count > Self.pendingLimit {
            try writePending()
        } else if tail == nil || tail!.segment.end >= segmentSize {
            try beginSegment(height)
        }
        let bytes = tail!.segment.append(record, confirmed: confirmed)
        tail!.pending += bytes
    }

    /// Returns when everything appended survives a power cut. Costs one fdatasync, or nothing if nothing was appended.
    public func sync() throws(StorageError) {
        if let failure { throw failure }
        guard let tail, confirmed < tail.segment.next else { return }
        try writePending()
        do { try tail.file.synchronise() } catch {
            let failure = StorageError(
                error.kind,
                "\(error.description); blocks from height \(confirmed) on may not be on the disk: restart, they are fetched again"
            )
            self.failure = failure
            throw failure
        }
        confirmed = tail.segment.next
    }

    private func writePending() throws(StorageError) {
        guard let tail, !tail.pending.isEmpty else { return }
        do { try tail.file.write(tail.pending, at: tail.written) } catch {
            try? tail.file.truncate(to: tail.written)  // else the next write goes over it, or the next start cuts it off
            throw error
        }
        self.tail!.pending = []
    }

    /// The file before is confirmed first: a record that is not whole in any but the last file is damage.
    private func beginSegment(_ first: UInt64) throws(StorageError) {
        try sync()
        let segment = BlockSegment(first: first, after: tail?.segment.link ?? 0)
        let path = path(first)
        do {
            let file = try OpenFile(path, O_RDWR | O_CREAT | O_TRUNC)
            try file.write(segment.header, at: 0)
            try file.synchronise()
            try FileSystem.synchroniseDirectory(of: path)
            if let old = tail?.segment { remember(old) }
            tail = Tail(file: file, segment: segment)
            firsts.append(first)
        } catch {
            unlink(path)  // an empty one would do no harm: the next start removes it
            throw error
        }
    }

    // MARK: reading

    /// The block of `height` as it was appended; nil if it is not in `heights`.
    /// - Throws: `.corrupt` if the disk gives something else.
    public func record(at height: UInt64) throws(StorageError) -> [UInt8]? {
        guard let tail, let heights, heights.contains(height) else { return nil }
        let bytes: [UInt8]
        let segment: BlockSegment
        if height >= tail.segment.first {
            segment = tail.segment
            bytes = try read(segment.range(of: height), of: tail)
        } else {
            segment = try self.segment(holding: height)
            let range = segment.range(of: height)
            bytes = try OpenFile(path(segment.first), O_RDONLY).read(range.count, at: range.lowerBound)
        }
        guard let record = segment.record(height, from: bytes) else { throw damaged("block \(height) is not what was written") }
        return record
    }

    /// What is in the file, then what waits for it.
    private func read(_ range: Range<Int>, of tail: Tail) throws(StorageError) -> [UInt8] {
        let inFile = range.clamped(to: 0..<tail.written)
        let waiting = range.clamped(to: tail.written..<tail.segment.end)
        let bytes = inFile.isEmpty ? [] : try tail.file.read(inFile.count, at: inFile.lowerBound)
        return bytes + tail.pending[waiting.lowerBound - tail.written..<waiting.upperBound - tail.written]
    }

    /// An older file, read whole and checked when it is first asked for.
    private func segment(holding height: UInt64) throws(StorageError) -> BlockSegment {
        let index = firsts.lastIndex { $0 <= height }!
        if let segment = known.last(where: { $0.first == firsts[index] }) { return segment }
        let file = try OpenFile(path(firsts[index]), O_RDONLY)
        let bytes = try whole(file)
        guard var segment = BlockSegment(header: bytes) else { throw damaged("the head of \(file.path) is not what was written") }
        segment.read(bytes)
        guard segment.end == bytes.count, segment.next == firsts[index + 1] else {
            throw damaged("block \(segment.next) is not what was written")
        }
        remember(segment)
        return segment
    }

    private func remember(_ segment: BlockSegment) {
        if known.count == Self.knownLimit { known.removeFirst() }
        known.append(segment)
    }

    private func whole(_ file: OpenFile) throws(StorageError) -> [UInt8] {
        let size = Int(try file.facts().st_size)
        guard size < segmentSize + Self.recordLimit + BlockSegment.recordOverhead else {
            throw damaged("\(file.path) is longer than a file of it can be")
        }
        return try file.read(size, at: 0)
    }

    // MARK: forgetting

    /// Gives the room of blocks below `height` back: of whole files only, so that some of them stay.
    public func prune(keepingFrom height: UInt64) throws(StorageError) {
        while firsts.count > 1, firsts[1] <= height {
            try FileSystem.remove(path(firsts[0]))
            let gone = firsts.removeFirst()
            known.removeAll { $0.first == gone }
        }
    }

    /// Forgets the blocks above `height`; all, if it is below the first: then the log goes on from any height, as it must
    /// after a snapshot.
    public func truncate(after height: UInt64) throws(StorageError) {
        if let failure { throw failure }
        guard let tail, let heights, height < heights.upperBound else { return }
        let end = height < tail.segment.first ? 0 : tail.segment.range(of: height).upperBound
        if end > tail.written {
            self.tail!.pending.removeLast(tail.segment.end - end)
            self.tail!.segment.cut(from: height + 1, link: self.tail!.pending.lastLink)
            return
        }
        do { try cutFiles(after: height, from: heights.lowerBound) } catch {
            failure = error  // what is here and what is there may differ: the next start looks
            throw error
        }
    }

    /// Blocks that wait in memory are all above `height`, and go with it.
    private func cutFiles(after height: UInt64, from lowest: UInt64) throws(StorageError) {
        tail = nil
        while let last = firsts.last, last > height || height < lowest { try removeLast() }
        confirmed = min(confirmed, height + 1)
        guard let first = firsts.last else { return }
        known.removeAll { $0.first == first }
        tail = try open(tail: first)
        guard var tail, height < tail.segment.next - 1 else { return }
        let end = tail.segment.range(of: height).upperBound
        tail.segment.cut(from: height + 1, link: try tail.file.read(8, at: end - 8).lastLink)
        try tail.file.truncate(to: end)
        try tail.file.synchronise()
        self.tail = tail
    }

    /// The newest first, each durably: what a power cut leaves is a log, with no file missing in its middle.
    private func removeLast() throws(StorageError) {
        try FileSystem.remove(path(firsts.last!))
        let gone = firsts.removeLast()
        known.removeAll { $0.first == gone }
    }

    // MARK: opening

    /// nil if the power went while it was being made. Then nothing was in it.
    private func open(tail first: UInt64) throws(StorageError) -> Tail? {
        let file = try OpenFile(path(first), O_RDWR)
        let bytes = try whole(file)
        guard var segment = BlockSegment(header: bytes) else {
            guard bytes.count <= BlockSegment.headerSize else {
                throw damaged("the head of \(file.path) is not what was written")
            }
            return nil
        }
        guard segment.first == first else { throw damaged("\(file.path) is the file of height \(segment.first)") }
        segment.read(bytes)
        if segment.end < bytes.count {
            guard !segment.provesDamage(bytes) else { throw damaged("block \(segment.next) is not what was written") }
            try file.truncate(to: segment.end)
        }
        // An earlier process may have written what it did not synchronise; from here on it counts as confirmed.
        try file.synchronise()
        return segment.count == 0 && firsts.count == 1 ? nil : Tail(file: file, segment: segment)
    }

    /// Each file goes on where the one before ended.
    private func checkJoints() throws(StorageError) {
        for (old, new) in zip(firsts, firsts.dropFirst()) {
            let file = try OpenFile(path(old), O_RDONLY)
            let size = Int(try file.facts().st_size)
            let header = try OpenFile(path(new), O_RDONLY).read(BlockSegment.headerSize, at: 0)
            guard size >= BlockSegment.headerSize, let segment = BlockSegment(header: header), segment.first == new,
                try file.read(8, at: size - 8).lastLink == segment.linkBefore
            else { throw damaged("blocks between heights \(old) and \(new) are missing or changed") }
        }
    }

    private func path(_ first: UInt64) -> String {
        let digits = "\(first)"
        return directory + "/" + String(repeating: "0", count: 20 - digits.count) + digits + ".blocks"
    }

    private static func first(ofName name: String) -> UInt64? {
        guard name.count == 27, name.hasSuffix(".blocks"), name.utf8.first != UInt8(ascii: "+") else { return nil }
        return UInt64(name.prefix(20))
    }

    private func damaged(_ what: String) -> StorageError {
        StorageError(
            .corrupt,
            "the block log in \(directory) is damaged: \(what); move it away, then blocks are fetched from the peers again: "
                + "mv \(directory) \(directory).broken")
    }
}
