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
        /// Votes for a delegate and shares in its fees.
        case stake(with: PublicKey, amount: QLC)
        /// nil: all that is with that delegate.
        case unstake(from: PublicKey, amount: QLC?)
        /// As ``stake``, out of the rewards, as the owner's ``RestakePolicy`` says.
        case restake(with: PublicKey, amount: QLC)
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
    /// With the delegate, when it was signed: more or fewer of them are how a block's receipt is known afterwards.
    public var sharesBefore: UInt64?

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
    public var amount: QLC {
        switch deed {
        case .pay(_, let amount), .stake(_, let amount), .restake(_, let amount): amount
        case .close, .unstake: .zero
        }
    }

    /// Whose shares it changes.
    public var delegate: PublicKey? {
        switch deed {
        case .stake(let delegate, _), .unstake(let delegate, _), .restake(let delegate, _): delegate
        case .pay, .close: nil
        }
    }

    /// Nobody asked for it: it gives way to whatever the owner asks for.
    public var isOfPolicy: Bool { if case .restake = deed { true } else { false } }
}
