import Charging
import Primitives

/// The bytes of one file of the block log, and where each record in it begins. Integers are little-endian.
///
/// ```
///  header  magic 8 · first height u64 · salt 16 · link u64 of the segment before · link u64
///  record  length u32 · height u64 · confirmed u64 · the record itself · link u64
/// ```
///
/// A link is the first 8 bytes of a tagged SHA-256 over the salt, the link before it and all between the two. So a record is
/// itself only in its place: one that an earlier use of the disk left there never passes, and neither does one that somebody
/// hid in the bytes of a block, since the salt is random and stays here. Heights below `confirmed` were on the disk when the
/// record was made: by it a torn end is told from damage.
struct BlockSegment {
    static let headerSize = 48
    static let recordOverhead = 28
    private static let headSize = 20
    private static let linkSize = 8
    private static let magic = Array("QBLOCKS1".utf8)

    let first: UInt64
    /// The last link of the segment before; 0 if there was none.
    let linkBefore: UInt64
    private let salt: [UInt8]
    /// Where each record begins, and where the next one will.
    private(set) var starts: [UInt32] = [UInt32(headerSize)]
    private(set) var link: UInt64

    var count: Int { starts.count - 1 }
    var end: Int { Int(starts[starts.count - 1]) }
    /// The height of the record that comes next.
    var next: UInt64 { first + UInt64(count) }

    init(first: UInt64, after linkBefore: UInt64) {
        var random = SystemRandomNumberGenerator()
        (self.first, self.linkBefore) = (first, linkBefore)
        salt = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        link = 0
        link = Self.link(over: unlinkedHeader)
    }

    /// nil unless a whole header is there.
    init?(header bytes: [UInt8]) {
        guard bytes.count >= Self.headerSize, bytes.starts(with: Self.magic) else { return nil }
        first = bytes.integer(at: 8)
        salt = Array(bytes[16..<32])
        linkBefore = bytes.integer(at: 32)
        link = bytes.integer(at: 40)
        guard link == Self.link(over: unlinkedHeader) else { return nil }
    }

    private var unlinkedHeader: [UInt8] { Self.magic + first.littleEndianBytes + salt + linkBefore.littleEndianBytes }
    var header: [UInt8] { unlinkedHeader + link.littleEndianBytes }

    /// Takes a record in; gives the bytes that stand for it in the file.
    mutating func append(_ record: [UInt8], confirmed: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(salt.count + record.count + Self.recordOverhead + Self.linkSize)
        bytes += salt
        bytes += link.littleEndianBytes
        bytes += UInt32(record.count).littleEndianBytes
        bytes += next.littleEndianBytes
        bytes += confirmed.littleEndianBytes
        bytes += record
        link = Self.link(over: bytes)
        bytes += link.littleEndianBytes
        starts.append(UInt32(end + record.count + Self.recordOverhead))
        bytes.removeFirst(salt.count + Self.linkSize)
        return bytes
    }

    /// Takes in every record of the file up to the first that is not whole.
    mutating func read(_ file: [UInt8]) {
        while let found = record(in: file, at: end), found.height == next {
            link = file.integer(at: end + found.size - Self.linkSize)
            starts.append(UInt32(end + found.size))
        }
    }

    /// Forgets the records from `height` on. `link` is the one before it, which stands in the file.
    mutating func cut(from height: UInt64, link: UInt64) {
        starts.removeLast(Int(next - height))
        self.link = link
    }

    /// Whether a record somewhere behind the readable ones says that more than those was on the disk.
    ///
    /// Bounded: a block can be full of what looks like heads. Who exhausts the bound gains that damage is taken for a torn end.
    func provesDamage(_ file: [UInt8]) -> Bool {
        var place = end + 1
        var budget = 4 * file.count
        while place + Self.recordOverhead <= file.count, budget > 0 {
            // Cheap first: the height must be one that fits in here, and `confirmed` be one that proves something.
            let height: UInt64 = file.integer(at: place + 4)
            let confirmed: UInt64 = file.integer(at: place + 12)
            if height > next, height - next <= UInt64(file.count / Self.recordOverhead), confirmed > next, confirmed <= height {
                if record(in: file, at: place) != nil { return true }
                budget -= Int(clamping: file.integer(at: place) as UInt32)
            }
            place += 1
        }
        return false
    }

    /// Where the record of `height` lies, from the link before it to its own.
    func range(of height: UInt64) -> Range<Int> {
        let index = Int(height - first)
        return Int(starts[index]) - Self.linkSize..<Int(starts[index + 1])
    }

    /// The record of `height` out of the bytes of its range; nil if they are not what was written.
    func record(_ height: UInt64, from bytes: [UInt8]) -> [UInt8]? {
        guard let found = record(in: bytes, at: Self.linkSize), found.height == height,
            found.size == bytes.count - Self.linkSize
        else { return nil }
        return Array(bytes[Self.linkSize + Self.headSize..<bytes.count - Self.linkSize])
    }

    /// A record that is whole at `place`; its size includes everything.
    private func record(in bytes: [UInt8], at place: Int) -> (height: UInt64, size: Int)? {
        guard place + Self.recordOverhead <= bytes.count else { return nil }
        let length: UInt32 = bytes.integer(at: place)
        let size = Int(length) + Self.recordOverhead
        guard length <= BlockLog.recordLimit, place + size <= bytes.count else { return nil }
        let end = place + size - Self.linkSize
        guard Self.link(over: salt + bytes[place - Self.linkSize..<end]) == bytes.integer(at: end) else { return nil }
        return (bytes.integer(at: place + 4), size)
    }

    private static func link(over bytes: [UInt8]) -> UInt64 {
        TaggedHash.digest(tag: "qlink/block-log", bytes).bytes.integer(at: 0)
    }
}

extension [UInt8] {
    fileprivate func integer<T: FixedWidthInteger>(at place: Int) -> T {
        precondition(place >= 0 && place + MemoryLayout<T>.size <= count)
        return withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: T.self)) }
    }

    /// The link that ends these bytes.
    var lastLink: UInt64 { integer(at: count - MemoryLayout<UInt64>.size) }
}

extension FixedWidthInteger {
    fileprivate var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }
}
