public import Primitives

/// What the daemon and the process that hashes tell each other, over a stream socket.
///
/// ```
///  frame:  length of the payload UInt16 little-endian │ payload: tag UInt8, fields (canonical encoding)
/// ```
public enum WorkerOrder: Hashable, Sendable {
    /// The first: how to work from now on.
    case begin(WorkerPlan)
    /// Hash this instead of what went before. Shares say the number.
    case job(number: UInt32, WorkerJob)
    /// Stand still at once, within a hash; keep what was prepared. A job lets it go on.
    case rest
    /// Hash this once, before all else: a pool looks whether a share is true.
    case check(number: UInt32, seedHash: Bytes32, blob: [UInt8])
}

public enum WorkerReport: Hashable, Sendable {
    /// The first, unasked.
    case hello(WorkerHello)
    /// The cache (and the dataset) of this seed is ready.
    case ready(seedHash: Bytes32, WorkerMemory)
    case share(number: UInt32, nonce: UInt32, hash: Bytes32)
    /// Hashes since it began, once a second.
    case progress(hashes: UInt64)
    case checked(number: UInt32, hash: Bytes32)
    /// Every thread stands still.
    case resting
    /// It ends now. In words, with the mend.
    case failure(String)
}

/// How to work.
public struct WorkerPlan: Hashable, Sendable {
    /// 2,080 MiB more than light mode, and several times the hashes.
    public var isFast: Bool
    public var threads: UInt8
    public var usesHugePages: Bool

    public init(isFast: Bool, threads: UInt8, usesHugePages: Bool) {
        (self.isFast, self.threads, self.usesHugePages) = (isFast, threads, usesHugePages)
    }
}

public struct WorkerJob: Hashable, Sendable {
    public var seedHash: Bytes32
    public var blob: [UInt8]
    public var target: UInt64
    /// The first nonce to try; with `keepsHighByte` its highest byte stays.
    public var firstNonce: UInt32
    public var keepsHighByte: Bool

    public init(seedHash: Bytes32, blob: [UInt8], target: UInt64, firstNonce: UInt32, keepsHighByte: Bool) {
        (self.seedHash, self.blob, self.target) = (seedHash, blob, target)
        (self.firstNonce, self.keepsHighByte) = (firstNonce, keepsHighByte)
    }
}

public struct WorkerHello: Hashable, Sendable {
    public static let version: UInt8 = 1
    public var version: UInt8
    public var pid: Int32
    /// The hash is compiled for this processor; without it, it is some ten times slower.
    public var isCompiled: Bool
    public var hasAES: Bool

    public init(version: UInt8 = Self.version, pid: Int32, isCompiled: Bool, hasAES: Bool) {
        (self.version, self.pid, self.isCompiled, self.hasAES) = (version, pid, isCompiled, hasAES)
    }
}

/// What was got of what the plan asked for.
public struct WorkerMemory: Hashable, Sendable {
    public var isFast: Bool
    public var hasHugePages: Bool
    public var threads: UInt8

    public init(isFast: Bool, hasHugePages: Bool, threads: UInt8) {
        (self.isFast, self.hasHugePages, self.threads) = (isFast, hasHugePages, threads)
    }
}
