import Consensus
public import Primitives

/// The numbers of chain.md that are marked °: they start in the genesis file and change by vote.
///
/// Times are milliseconds, amounts units of 10⁻⁸ QLC.
public struct Parameters: Hashable, Sendable {
    /// On the wire and in votes; the order of the values.
    public enum Name: UInt8, Hashable, Sendable, CaseIterable, Codable {
        case feeBase = 0
        case feePerByte, feePerRecord
        case epochBlocks, epochTime, seats, minimumStake
        case unbondingTime, assetConfirmations
        case blockBytes, blockTransactions, urgentPercent
        case disputeWindowLeast, disputeWindowMost
        case doubleVotePermyriad, reporterPermyriad, missedPercent
        case usageKept
    }

    private var values: [UInt64]

    public init() {
        values = Name.allCases.map(\.initial)
    }

    public subscript(name: Name) -> UInt64 { values[Int(name.rawValue)] }

    public mutating func set(_ name: Name, to value: UInt64) throws(LedgerError) {
        guard name.range.contains(value) else {
            throw .parameterOutOfRange(name, value, name.range)
        }
        var changed = self
        changed.values[Int(name.rawValue)] = value
        guard changed.fitTogether else { throw .parameterOutOfRange(name, value, name.range) }
        self = changed
    }

    /// Otherwise no channel could be opened.
    private var fitTogether: Bool { self[.disputeWindowLeast] <= self[.disputeWindowMost] }

    public var hash: Bytes32 { TaggedHash.digest(tag: "qlink/parameters", canonicalBytes) }
}

extension Parameters.Name {
    private static let hour: UInt64 = 3_600_000

    /// The value of chain.md.
    var initial: UInt64 {
        switch self {
        case .feeBase: 10_000
        case .feePerByte: 10
        case .feePerRecord: 100_000  // what stays in everybody's memory
        case .epochBlocks: 1_200
        case .epochTime: 2 * Self.hour
        case .seats: 21
        case .minimumStake: 1_000 * QLC.unitsPerQLC
        case .unbondingTime: 14 * 24 * Self.hour
        case .assetConfirmations: 6
        case .blockBytes: 512 << 10
        case .blockTransactions: 2_000
        case .urgentPercent: 20
        case .disputeWindowLeast: Self.hour / 60
        case .disputeWindowMost: 30 * 24 * Self.hour
        case .doubleVotePermyriad: 500
        case .reporterPermyriad: 1_000
        case .missedPercent: 50
        case .usageKept: 64
        }
    }

    /// What a vote may set it to: outside, the chain would stop or its promises would not hold.
    var range: ClosedRange<UInt64> {
        switch self {
        case .feeBase, .feePerByte, .feePerRecord: 0...QLC.unitsPerQLC
        case .epochBlocks: 2...100_000
        case .epochTime: 60_000...7 * 24 * Self.hour
        case .seats: 4...UInt64(DelegateSet.limit)
        case .minimumStake: 1...QLC.supply.units / 100
        case .unbondingTime: Self.hour...365 * 24 * Self.hour
        case .assetConfirmations: 0...1_000
        case .blockBytes: 1 << 16...896 << 10  // a block and its commits fit one frame of 1 MiB
        case .blockTransactions: 1...UInt64(Block.transactionLimit)
        case .urgentPercent: 0...90
        case .disputeWindowLeast, .disputeWindowMost: 1_000...365 * 24 * Self.hour
        case .doubleVotePermyriad, .reporterPermyriad: 0...10_000
        case .missedPercent: 10...100
        case .usageKept: 1...1_024
        }
    }
}

extension Parameters: Canonical {
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        for name in Name.allCases {
            var value = values[Int(name.rawValue)]
            try coder.integer(&value)
            guard name.range.contains(value) else { throw .invalid("\(name) is \(value), not within \(name.range)") }
            values[Int(name.rawValue)] = value
        }
        guard fitTogether else { throw .invalid("the least dispute window is above the longest") }
    }
}
