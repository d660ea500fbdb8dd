public import Charging
import Glibc
import Primitives

/// What a delegate has signed, on disk before the signature leaves, and whether this surely is the last of it.
///
/// ```
///  slot 0 (4 KiB)   digest 32 · length u32 · { magic, sequence 8, where this disk is, state } · zeros
///  slot 1           the same; sequence n lies in slot n mod 2
/// ```
///
/// A write goes over the older slot, then one fdatasync: no name and no size changes, so it costs the disk one page. Whatever
/// the power cut leaves, the newer whole slot is the state before or the new one.
///
/// **A copy.** A board that was restored from a copy has signed more than its disk says. Each slot says on which machine, file
/// system, inode and birth time it was written. `isWhole` is false if one of them differs, if a slot is not whole (it may have
/// been torn, or have been the last and damaged since), if the file is older than what the chain's database noted, or is
/// missing although that noted it. Then nothing may be signed until a block made after the start is final; the first `write` is
/// allowed only after that, and makes this disk the one.
///
/// **What it cannot see**: an image of the whole card put back onto the same card; a file overwritten in place by an older one,
/// together with the database; a key typed in again on a disk that holds nothing. The owner who does one of these says so
/// (`isDeclaredCopy`).
public final class SigningFile {
    /// The longest state in bytes.
    public static let stateLimit = 2_048

    /// What was found at the start.
    public struct Past: Sendable {
        /// As it was last written; nil if nothing was, or nothing can be read.
        public var state: [UInt8]?
        /// Whether that surely is the last one.
        public var isWhole: Bool { doubts.isEmpty }
        /// Why not, in words.
        public var doubts: [String]
    }

    public let past: Past
    /// Of the last write; one more with each. Have the chain's database note it with every flush.
    public private(set) var sequence: UInt64
    private let file: OpenFile
    private let identity: DiskIdentity

    /// Opens the file, makes it if there is none, and keeps it from every other process.
    ///
    /// - Parameters:
    ///   - noted: the sequence which the chain's database noted last; nil if it never did.
    ///   - isDeclaredCopy: the owner says that the disk, or the key, was restored.
    ///   - machineID: where the machine's identifier is.
    /// - Throws: `.inUse` if another process signs with it.
    public init(
        _ path: String, noted: UInt64?, isDeclaredCopy: Bool = false, machineID: String = "/etc/machine-id"
    ) throws(StorageError) {
        var doubts: [String] = []
        if !FileSystem.exists(path) {
            if noted != nil { doubts.append("it is missing, and was there") }
            try FileSystem.createWhole(path) { file throws(StorageError) in
                let identity = try DiskIdentity(of: file, machineID: machineID)
                let slots = Slot(sequence: 0, identity: identity, state: []).image + [UInt8](repeating: 0, count: Slot.size)
                return slots
            }
        }
        file = try OpenFile(path, O_RDWR)
        guard try file.lock() else {
            throw StorageError(
                .inUse,
                "\(path) is in use: another process signs with this delegate's key, and two that do lose its stake; end it: fuser -v \(path)"
            )
        }
        _ = try file.facts()
        identity = try DiskIdentity(of: file, machineID: machineID)
        let slots = try Slots(file.read(2 * Slot.size, at: 0))
        let last = slots.last
        doubts += slots.doubts
        if let last { doubts += last.identity.differences(from: identity) }
        if let noted, let last, last.sequence < noted, doubts.isEmpty {
            doubts.append("it is older than the chain's database, which knows of \(noted - last.sequence) more signatures")
        }
        if isDeclaredCopy { doubts.append("the owner says that it was restored") }
        sequence = max(last?.sequence ?? 0, noted ?? 0)
        past = Past(state: last.flatMap { $0.state.isEmpty ? nil : $0.state }, doubts: doubts)
    }

    deinit { file.unlock() }

    /// Returns when `state` survives a power cut. Only then may what it tells of be sent.
    /// - Throws: `.full` does not happen, the room is there; after any other error the state before or this one is on disk.
    public func write(_ state: [UInt8]) throws(StorageError) {
        guard state.count <= Self.stateLimit, !state.isEmpty else {
            throw StorageError(
                .other, "a signing state of \(state.count) bytes does not fit into \(file.path); this is a fault of the software")
        }
        let slot = Slot(sequence: sequence + 1, identity: identity, state: state)
        try file.write(slot.image, at: Int(slot.sequence % 2) * Slot.size)
        try file.synchronise()
        sequence += 1
    }
}

/// One of the two places.
private struct Slot: Canonical {
    /// A page of the file system, so that one slot's write never touches the other.
    static let size = 4_096
    private static let digestSize = 32
    private static let expectedMagic: UInt64 = 0x314e_4749_534b_4c51  // "QLKSIGN1"

    private var magic = Self.expectedMagic
    private(set) var sequence: UInt64 = 0
    private(set) var identity = DiskIdentity()
    private(set) var state: [UInt8] = []

    init() {}
    init(sequence: UInt64, identity: DiskIdentity, state: [UInt8]) {
        (self.sequence, self.identity, self.state) = (sequence, identity, state)
    }

    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&magic)
        try coder.integer(&sequence)
        try coder.nested(&identity)
        try coder.bytes(&state, limit: SigningFile.stateLimit)
    }

    /// The digest covers the zeros too: any changed bit is seen.
    var image: [UInt8] {
        let bytes = canonicalBytes
        var body = withUnsafeBytes(of: UInt32(bytes.count).littleEndian) { Array($0) } + bytes
        body += [UInt8](repeating: 0, count: Self.size - Self.digestSize - body.count)
        return Self.digest(body) + body
    }

    /// nil unless it is whole.
    init?(image: ArraySlice<UInt8>) {
        guard image.count == Self.size else { return nil }
        let body = Array(image.dropFirst(Self.digestSize))
        guard Self.digest(body) == Array(image.prefix(Self.digestSize)) else { return nil }
        let count = body.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        // a failure means the same as a wrong digest
        guard count <= body.count - 4, let slot = try? Slot(canonicalBytes: body[4..<4 + count]),
            slot.magic == Self.expectedMagic
        else { return nil }
        self = slot
    }

    private static func digest(_ body: [UInt8]) -> [UInt8] { TaggedHash.digest(tag: "qlink/signing-file", body).bytes }
}

/// Both places as they were found.
private struct Slots {
    /// The newer whole one.
    let last: Slot?
    private(set) var doubts: [String] = []

    init(_ file: [UInt8]) {
        let images = [file.prefix(Slot.size), file.dropFirst(Slot.size)]
        let slots = images.enumerated().map { place, image in
            Slot(image: image).flatMap { $0.sequence % 2 == UInt64(place) ? $0 : nil }
        }
        last = slots.compactMap { $0 }.max { $0.sequence < $1.sequence }
        let isUnused = last?.sequence == 0 && images[1].count == Slot.size && images[1].allSatisfy { $0 == 0 }
        switch (slots[0], slots[1]) {
        case (let a?, let b?):
            if max(a.sequence, b.sequence) - min(a.sequence, b.sequence) != 1 {
                doubts.append("its two slots do not belong together")
            }
        case (nil, nil): doubts.append("neither of its slots can be read")
        default: if !isUnused { doubts.append("one of its slots is torn or damaged") }
        }
    }
}
