import Ledger
public import Primitives

/// Names one entry of the ledger's state.
public struct EntryKey: Hashable, Comparable, Sendable {
    public var kind: UInt8
    public var id: Bytes32

    public init(kind: UInt8, id: Bytes32) { (self.kind, self.id) = (kind, id) }

    /// Where it stands in the state's tree, and in the database.
    var path: Bytes32 { StateKey.path(kind: kind, id: id) }

    public static func < (left: EntryKey, right: EntryKey) -> Bool { (left.kind, left.id) < (right.kind, right.id) }
}

/// What becomes of one entry: a new value in canonical bytes, or nil if it is gone.
public struct StateChange: Hashable, Sendable {
    public var key: EntryKey
    public var value: [UInt8]?

    public init(_ key: EntryKey, _ value: [UInt8]?) { (self.key, self.value) = (key, value) }
}

/// The last block of an epoch, or another one that leads a light client on its way: its header and the commit that made it final, in
/// canonical bytes.
public struct EpochEnd: Hashable, Sendable {
    public var height: UInt64
    public var header: [UInt8]
    public var commit: [UInt8]

    public init(height: UInt64, header: [UInt8], commit: [UInt8]) {
        (self.height, self.header, self.commit) = (height, header, commit)
    }
}

/// What a transaction did to one of the node's own accounts, in canonical bytes, and where it stands on the chain.
public struct OwnReceipt: Hashable, Sendable {
    public var account: Bytes32
    /// Of the block's certified header, in milliseconds since 1970.
    public var time: UInt64
    public var height: UInt64
    /// Within the block.
    public var index: UInt32
    public var receipt: [UInt8]

    public init(account: Bytes32, time: UInt64, height: UInt64, index: UInt32, receipt: [UInt8]) {
        (self.account, self.time, self.height, self.index, self.receipt) = (account, time, height, index, receipt)
    }
}

/// All that some blocks changed, written together or not at all.
public struct Flush: Sendable {
    /// Of the last of those blocks.
    public var height: UInt64
    /// Its certified time, in milliseconds since 1970: by it old receipts go.
    public var time: UInt64
    /// One for each key, in any order.
    public var changes: [StateChange] = []
    /// Small facts by name, which stand beside the state.
    public var meta: [String: [UInt8]] = [:]
    public var epochs: [EpochEnd] = []
    /// Delegate sets by the hash that headers name them by, in canonical bytes.
    public var delegates: [Bytes32: [UInt8]] = [:]
    public var receipts: [OwnReceipt] = []

    public init(height: UInt64, time: UInt64) { (self.height, self.time) = (height, time) }
}
