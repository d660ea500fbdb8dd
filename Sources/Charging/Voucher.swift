public import Primitives

/// The name of a payment channel.
public typealias ChannelID = Bytes32

/// A signed cumulative payment (chain.md, "Payment channels"): a later one contains every earlier one.
public struct Voucher: Hashable, Sendable, Codable {
    /// Hash of the genesis of the chain that has the channel; zero: the station's own book has it.
    public var chainID: Bytes32
    public var channel: ChannelID
    public var cumulativeAmount: QLC
    public var cumulativeBytes: UInt64
    public var sequence: UInt64
    public var meterRoot: Bytes32

    private enum CodingKeys: String, CodingKey {
        case chainID = "chainId"  // "chain_id" in JSON
        case channel, cumulativeAmount, cumulativeBytes, sequence, meterRoot
    }

    public init(
        chainID: Bytes32 = .zero, channel: ChannelID, cumulativeAmount: QLC, cumulativeBytes: UInt64, sequence: UInt64,
        meterRoot: Bytes32 = .zero
    ) {
        self.chainID = chainID
        self.channel = channel
        self.cumulativeAmount = cumulativeAmount
        self.cumulativeBytes = cumulativeBytes
        self.sequence = sequence
        self.meterRoot = meterRoot
    }
}

extension Voucher: Signable {
    public static var signingTag: String { "qlink/voucher" }
    public static let preparedTag = TaggedHash.Tag(signingTag)
    public init() { self.init(channel: .zero, cumulativeAmount: .zero, cumulativeBytes: 0, sequence: 0) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&chainID)
        try coder.nested(&channel)
        try coder.nested(&cumulativeAmount)
        try coder.integer(&cumulativeBytes)
        try coder.integer(&sequence)
        try coder.nested(&meterRoot)
    }
}
