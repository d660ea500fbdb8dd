public import Primitives

/// What the station can still get out of one channel of the ledger. Times are the ledger's, in milliseconds.
public struct Receivable: Hashable, Sendable {
    public var channel: ChannelID
    /// Of the last voucher that the station holds.
    public var amount: QLC
    public var settled: QLC
    public var deposit: QLC
    public var expiry: UInt64
    /// When the payer closed it.
    public var closingSince: UInt64?
    public var disputeWindow: UInt64
    /// When more than what is settled was first held.
    public var unsettledSince: UInt64
    /// The owner wants it now.
    public var isDemanded: Bool

    public init(
        channel: ChannelID, amount: QLC, settled: QLC, deposit: QLC, expiry: UInt64, closingSince: UInt64? = nil,
        disputeWindow: UInt64, unsettledSince: UInt64, isDemanded: Bool = false
    ) {
        (self.channel, self.amount, self.settled, self.deposit) = (channel, amount, settled, deposit)
        (self.expiry, self.closingSince, self.disputeWindow) = (expiry, closingSince, disputeWindow)
        (self.unsettledSince, self.isDemanded) = (unsettledSince, isDemanded)
    }

    public var gain: QLC { amount - settled }
    /// When the dispute window begins.
    public var endsAt: UInt64 { min(closingSince ?? .max, expiry) }
    /// From then on the ledger takes no voucher: the payer may take the rest.
    public var releasedAt: UInt64 { endsAt.saturatingAdd(disputeWindow) }
}

/// What one settlement costs: with one voucher, and with each further one.
public struct SettlementFees: Hashable, Sendable {
    public var one: QLC
    public var more: QLC

    public init(one: QLC, more: QLC) { (self.one, self.more) = (one, more) }

    public func fee(for count: Int) -> QLC {
        QLC(units: one.units.saturatingAdd(more.units.multipliedSaturating(by: UInt64(max(0, count - 1)))))
    }
}

/// The next thing to settle, in one transaction.
public struct Settlement: Hashable, Sendable {
    public enum Reason: String, Hashable, Sendable { case closed, expired, demanded, amount, age }

    /// The most pressing first.
    public var channels: [ChannelID]
    public var reason: Reason
    /// All that it brings.
    public var gain: QLC
    /// The most that it may cost.
    public var feeLimit: QLC
    /// Takes the place of what is under way.
    public var isUrgent: Bool { reason == .closed || reason == .expired }
}

extension UInt64 {
    func multipliedSaturating(by other: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}

/// A transaction of the station that may be on its way to a block.
public struct SentTransaction: Hashable, Sendable {
    public var sequence: UInt64
    /// As signed.
    public var bytes: [UInt8]

    public init(sequence: UInt64, bytes: [UInt8]) { (self.sequence, self.bytes) = (sequence, bytes) }
}

/// What has to outlive a restart: without it something could be sent twice, or an age be forgotten. Vouchers are kept with their channels.
public struct SettlementMemory: Hashable, Sendable {
    public var sent: [SentTransaction] = []
    /// The ledger's time, in milliseconds.
    public var unsettledSince: [ChannelID: UInt64] = [:]
    /// Those that are open.
    public var orders: [OwnerOrder] = []
    public var choice = StakeChoice.unsaid
    /// nil: nothing was noted yet.
    public var rewards: RewardBook?

    public init() {}
}

public enum SettlementChange: Hashable, Sendable {
    /// All that may be on its way: takes the place of what was noted before.
    case sent([SentTransaction])
    /// nil: all of it is settled.
    case unsettled(ChannelID, since: UInt64?)
    /// Takes the place of what was noted of it before.
    case order(OwnerOrder)
    case choice(StakeChoice)
    /// Takes the place of what was noted before; `came` is added to what that day of the ledger's time brought.
    case rewards(RewardBook, came: QLC, day: UInt64)
}

/// Where ``SettlementMemory`` is kept. Changes are on disk, all of them, when `remember` returns; or none is.
public protocol SettlementStore: Sendable {
    func recall() async throws(StorageError) -> SettlementMemory
    func remember(_ changes: [SettlementChange]) async throws(StorageError)
    /// Also one that was carried out long ago; nil: nobody gave it.
    func order(_ id: OwnerOrder.ID) async throws(StorageError) -> OwnerOrder?
    /// What stake brought on that day and later; days are counted from 1970 in the ledger's time.
    func rewards(on chainID: Bytes32, since day: UInt64) async throws(StorageError) -> QLC
}
