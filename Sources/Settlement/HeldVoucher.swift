public import Charging
import Consensus
import Ledger
public import Primitives

/// The last voucher of a channel, durable with the charging engine's account.
public struct HeldVoucher: Hashable, Sendable {
    public var voucher: Signed<Voucher>
    public var sessionKey: PublicKey

    public init(_ voucher: Signed<Voucher>, by sessionKey: PublicKey) { (self.voucher, self.sessionKey) = (voucher, sessionKey) }

    /// nil: nothing was paid.
    public init?(_ account: ChannelAccount) {
        guard let voucher = account.voucher else { return nil }
        self.init(voucher, by: account.channel.sessionKey)
    }

    var channel: ChannelID { voucher.claim.channel }

    /// Whether the ledger would pay for it.
    func brings(to record: ChannelRecord) -> Bool {
        record.terms.sessionKey == sessionKey && voucher.claim.sequence > record.sequence
            && voucher.claim.cumulativeAmount > record.settled && voucher.claim.cumulativeBytes >= record.settledBytes
    }

    func receivable(_ record: ChannelRecord, since: UInt64, isDemanded: Bool) -> Receivable {
        Receivable(
            channel: channel, amount: voucher.claim.cumulativeAmount, settled: record.settled, deposit: record.deposit,
            expiry: record.expiry, closingSince: record.closingSince, disputeWindow: record.terms.disputeWindow,
            unsettledSince: since, isDemanded: isDemanded)
    }

    var presented: PresentedVoucher { PresentedVoucher(voucher, by: sessionKey) }
}
