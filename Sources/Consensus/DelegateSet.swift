public import Primitives

/// An elected validator and what its vote weighs.
public struct Delegate: Hashable, Sendable, Canonical {
    public var key: PublicKey
    public var power: UInt64

    public init(key: PublicKey, power: UInt64) { (self.key, self.power) = (key, power) }
    public init() { self.init(key: PublicKey(), power: 0) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&key)
        try coder.integer(&power)
    }
}

/// Who votes in an epoch, by key: the order of a commit's bitmap and signatures.
public struct DelegateSet: Hashable, Sendable {
    /// As many as a commit's bitmap has bits.
    public static let limit = 64
    /// Of the total: priorities and thrice a power still fit an `Int64` (chain.md, "Election").
    public static let powerLimit: UInt64 = 1 << 53

    /// Strictly increasing by key.
    public private(set) var delegates: [Delegate]
    public private(set) var totalPower: UInt64

    /// Takes delegates in any order.
    /// - Throws: `delegateSetInvalid` if a key stands twice, a power is zero, or a limit is exceeded.
    public init(_ delegates: [Delegate]) throws(ConsensusError) {
        try self.init(sorted: delegates.sorted { $0.key < $1.key })
    }

    private init(sorted: [Delegate]) throws(ConsensusError) {
        guard (1...Self.limit).contains(sorted.count) else {
            throw .delegateSetInvalid("it has \(sorted.count) delegates, of 1 to \(Self.limit)")
        }
        var total: UInt64 = 0
        for (index, delegate) in sorted.enumerated() {
            guard index == 0 || sorted[index - 1].key < delegate.key else {
                throw .delegateSetInvalid("\(delegate.key) stands twice or out of order")
            }
            guard delegate.power > 0 else { throw .delegateSetInvalid("\(delegate.key) has no power") }
            total = total.saturatingAdd(delegate.power)
        }
        guard total <= Self.powerLimit else { throw .delegateSetInvalid("its power is \(total), above \(Self.powerLimit)") }
        (delegates, totalPower) = (sorted, total)
    }

    public var count: Int { delegates.count }

    /// Where `key` stands, by bisection.
    public func index(of key: PublicKey) -> Int? {
        var range = 0..<delegates.count
        while let middle = range.isEmpty ? nil : (range.lowerBound + range.upperBound) / 2 {
            if delegates[middle].key == key { return middle }
            range = delegates[middle].key < key ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return nil
    }

    /// More than two thirds: any two such groups share an honest delegate while fewer than a third are not.
    public func isQuorum(_ power: UInt64) -> Bool { UInt128(power) * 3 > UInt128(totalPower) * 2 }

    /// More than a third: at least one honest delegate is among them.
    public func hasHonest(_ power: UInt64) -> Bool { UInt128(power) * 3 > UInt128(totalPower) }

    private static let tag = TaggedHash.Tag("qlink/delegates")

    /// What a header names.
    public var hash: Bytes32 { Self.tag.digest(canonicalBytes) }
}

extension DelegateSet: Canonical {
    /// Blank until it is read; nobody agrees on anything in it.
    public init() { (delegates, totalPower) = ([], 0) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        var sorted = delegates
        try coder.array(&sorted, limit: Self.limit)
        do { self = try DelegateSet(sorted: sorted) } catch { throw .invalid("\(error)") }
    }
}
