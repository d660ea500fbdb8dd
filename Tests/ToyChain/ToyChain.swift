public import Charging
public import Primitives
public import Store

/// A ledger of eight sums, and blocks that anybody can make up: what a node does with its disk, without the chain.
public struct ToyLedger: Equatable, Sendable {
    public private(set) var height: UInt64 = 0
    private var sums = [UInt64](repeating: 0, count: 8)

    public init() {}

    /// The ledger after so many blocks.
    public init(height: UInt64) {
        for next in 0..<height { apply(Self.block(next + 1)) }
    }

    /// 0 to 128 bytes that are those of this height alone.
    public static func block(_ height: UInt64) -> [UInt8] {
        let bytes = TaggedHash.digest(tag: "toy", "\(height)".utf8).bytes
        return (0..<height % 5).flatMap { _ in bytes }
    }

    public mutating func apply(_ block: [UInt8]) {
        height += 1
        sums[Int(height % 8)] = block.reduce(sums[Int(height % 8)] &* 31 &+ height) { $0 &+ UInt64($1) }
    }

    public var root: Bytes32 { TaggedHash.digest(tag: "toy/root", "\(height) \(sums)".utf8) }

    func value(_ account: Int) -> [UInt8] { Array("\(sums[account])".utf8) }

    mutating func restore(_ account: Int, _ value: [UInt8], height: UInt64) {
        sums[account] = UInt64(String(decoding: value, as: UTF8.self)) ?? 0
        self.height = height
    }
}

/// A node's disk as it is meant to be used: append, synchronise, apply, and flush every 16 blocks. Starting it is recovering.
public struct ToyNode {
    public static let flushInterval: UInt64 = 16

    public let log: BlockLog
    public let database: ChainDatabase
    public private(set) var ledger = ToyLedger()
    private var changed: Set<Int> = []

    public init(directory: String, segmentSize: Int = BlockLog.segmentSize) throws(StorageError) {
        database = try ChainDatabase(directory: directory)
        let flushed = database.flushedHeight ?? 0
        log = try BlockLog(directory: directory + "/blocks", flushed: flushed, segmentSize: segmentSize)
        var ledger = ToyLedger()
        try database.load { key, value in ledger.restore(Int(key.kind), value, height: flushed) }
        while let block = try log.record(at: ledger.height + 1) {
            ledger.apply(block)
            changed.insert(Int(ledger.height % 8))
        }
        self.ledger = ledger
    }

    /// One block more, on the disk when this returns. After a failure the same call goes on where that one stopped.
    public mutating func extend(isSynchronised: Bool = true) throws(StorageError) {
        let height = ledger.height + 1
        let block = ToyLedger.block(height)
        if log.heights?.upperBound ?? 0 < height { try log.append(height: height, record: block) }
        if isSynchronised { try log.sync() }
        ledger.apply(block)
        changed.insert(Int(height % 8))
        if height.isMultiple(of: Self.flushInterval) { try flush() }
    }

    private mutating func flush() throws(StorageError) {
        try log.sync()
        var flush = Flush(height: ledger.height, time: ledger.height * 60_000)
        flush.changes = changed.map { StateChange(EntryKey(kind: UInt8($0), id: .zero), ledger.value($0)) }
        try database.flush(flush)
        changed = []
    }
}
