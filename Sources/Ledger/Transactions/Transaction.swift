public import Consensus
public import Primitives

/// What an account wants done, once: signed, it is on its way to a block.
public struct Transaction: Hashable, Sendable, Signable {
    public static var signingTag: String { "qlink/transaction" }
    public static let preparedTag = TaggedHash.Tag(signingTag)

    /// Hash of genesis: a transaction of one chain is none of another.
    public var chainID: Bytes32
    public var sender: PublicKey
    /// How many transactions of the sender are in blocks before this one: each number stands once.
    public var sequence: UInt64
    /// Paid whatever comes of it; at least what ``Fees`` asks for.
    public var fee: QLC
    /// A block made later does not take it.
    public var validUntil: BlockTime
    public var payload: Payload

    public init(chainID: Bytes32, sender: PublicKey, sequence: UInt64, fee: QLC, validUntil: BlockTime, payload: Payload) {
        (self.chainID, self.sender, self.sequence) = (chainID, sender, sequence)
        (self.fee, self.validUntil, self.payload) = (fee, validUntil, payload)
    }

    public init() {
        self.init(
            chainID: .zero, sender: PublicKey(), sequence: 0, fee: .zero, validUntil: 0, payload: .transfer(Transfer()))
    }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&chainID)
        try coder.nested(&sender)
        try coder.integer(&sequence)
        try coder.nested(&fee)
        try coder.integer(&validUntil)
        try coder.nested(&payload)
    }
}
