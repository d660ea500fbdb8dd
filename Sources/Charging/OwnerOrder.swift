public import Primitives

/// What the owner wants of the station's account on the chain, once. Times are the ledger's, in milliseconds.
///
/// ```
///  waiting ─▶ sent ─▶ done · refused (in a block) · expired (in none, and never will be) · unknown (perhaps in one that is not kept)
///     ▲────────┘ certainly in no block: something more pressing took its place in the account's order
/// ```
///
/// Its id is chosen by who asks: the same one again is the same order, for ever.
public struct OwnerOrder: Hashable, Sendable, Codable {
    public typealias ID = Bytes32

    public enum Deed: Hashable, Sendable, Codable {
        case pay(to: PublicKey, amount: QLC)
        /// With the last voucher that the station holds.
        case close(ChannelID)
    }

    public enum State: String, Hashable, Sendable, Codable { case waiting, sent, done, refused, expired, unknown }

    public var id: ID
    public var chainID: Bytes32
    public var deed: Deed
    public var askedAt: UInt64
    public var state = State.waiting

    /// Names of the transactions that may do it, the oldest first: all have one place in the account's order.
    public var sent: [Bytes32] = []
    public var sequence: UInt64 = 0
    /// Of the newest of them; no block later than `validUntil` has one.
    public var fee: QLC?
    public var validUntil: UInt64 = 0
    /// Blocks above this height can have them.
    public var signedAt: UInt64 = 0

    /// Of the block that has it.
    public var height: UInt64?
    /// In words, when it is not done.
    public var reason: String?

    public init(_ id: ID, on chainID: Bytes32, _ deed: Deed, at time: UInt64) {
        (self.id, self.chainID, self.deed, askedAt) = (id, chainID, deed, time)
    }

    /// Whether something may still come of it.
    public var isOpen: Bool { state == .waiting || state == .sent }

    /// What leaves the account by it, beside the fee.
    public var amount: QLC { if case .pay(_, let amount) = deed { amount } else { .zero } }
}
