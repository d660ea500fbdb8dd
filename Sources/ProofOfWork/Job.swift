public import Primitives

/// What to hash: a block's hashing blob with four bytes to vary (Monero, `cryptonote_basic`: the header's nonce).
public struct Job: Hashable, Sendable {
    /// A header, a root and a count of transactions take 76 bytes or a few more; a pool may send up to so many.
    public static let blobLimit = 408
    /// Version, time and previous block before it take 39 bytes: one for each version, five for the time.
    public static let nonceOffset = 39
    public static let leastBlob = 76

    /// Its name at whoever gave it; a miner says it again in its shares. At most ``idLimit`` bytes.
    public var id: String
    public var blob: [UInt8]
    public var target: Target
    /// The key of RandomX's cache.
    public var seedHash: Bytes32
    /// 0 where nobody said it.
    public var height: UInt64
    /// The highest byte of the nonce belongs to the pool and stays as it came in the blob (xmrig's `nicehash`).
    public var keepsHighByte: Bool

    public static let idLimit = 128

    /// nil if `blob` has no place for a nonce, or a text is too long.
    public init?(
        id: String, blob: [UInt8], target: Target, seedHash: Bytes32, height: UInt64 = 0, keepsHighByte: Bool = false
    ) {
        guard (Self.leastBlob...Self.blobLimit).contains(blob.count), (1...Self.idLimit).contains(id.utf8.count) else {
            return nil
        }
        (self.id, self.blob, self.target, self.seedHash) = (id, blob, target, seedHash)
        (self.height, self.keepsHighByte) = (height, keepsHighByte)
    }

    /// The nonce as the blob has it, little-endian.
    public var nonce: UInt32 {
        get { blob[Self.nonceOffset..<Self.nonceOffset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) } }
        set { for index in 0..<4 { blob[Self.nonceOffset + index] = UInt8(truncatingIfNeeded: newValue >> (8 * index)) } }
    }

    /// The nonce that comes so many after the blob's; the highest byte stays if it is the pool's.
    public func nonce(after count: UInt32) -> UInt32 {
        let mask: UInt32 = keepsHighByte ? 0x00ff_ffff : .max
        return (nonce &+ count) & mask | nonce & ~mask
    }

    /// The blob that a miner hashed.
    public func blob(with nonce: UInt32) -> [UInt8] {
        var job = self
        job.nonce = nonce
        return job.blob
    }
}

/// A nonce whose hash meets a job's target.
public struct Share: Hashable, Sendable {
    public var jobID: String
    public var nonce: UInt32
    public var hash: Bytes32

    public init(jobID: String, nonce: UInt32, hash: Bytes32) { (self.jobID, self.nonce, self.hash) = (jobID, nonce, hash) }

    /// The nonce's four bytes in the blob's order, as pools write it.
    public var nonceHex: String { Hex.encode((0..<4).map { UInt8(truncatingIfNeeded: nonce >> (8 * $0)) }) }
}

/// Why a share does not count.
public enum ShareRefusal: String, Hashable, Sendable, CaseIterable {
    /// Its job is no more what is to be found.
    case stale
    case lowDifficulty, duplicate
    /// Its hash is another one.
    case invalid
    case other
}
