public import Charging
import Consensus
public import Primitives

/// Payment channels.
extension Draft {
    /// A channel is open for so long at most: its deposit is somebody's money.
    static let longestChannel: UInt64 = 400 * 24 * 3_600_000

    mutating func run(_ opening: OpenChannel, by sender: PublicKey, _ sequence: UInt64) throws(Refusal) {
        guard opening.deposit > .zero else { throw .amountIsZero }
        guard opening.disputeWindow >= parameters[.disputeWindowLeast], opening.disputeWindow <= parameters[.disputeWindowMost],
            opening.expiry > time, opening.expiry - time <= Self.longestChannel
        else { throw .windowOutOfRange }
        if let id = opening.asset {
            guard case .asset(let asset)? = self[.asset(id)] else { throw .noSuchAsset }
            guard asset.owner == opening.payee else { throw .notTheOwner }
            guard !asset.isRetired else { throw .assetRetired }
        }
        let key = StateKey.channel(OpenChannel.id(of: sender, sequence))
        guard self[key] == nil else { throw .channelKnown }
        try debit(sender, opening.deposit)
        self[key] = .channel(ChannelRecord(opening, by: sender))
    }

    mutating func run(_ topUp: TopUpChannel, by sender: PublicKey) throws(Refusal) {
        var channel = try channel(topUp.channel)
        guard channel.closingSince == nil else { throw .channelClosing }
        guard time <= channel.expiry else { throw .channelExpired }
        guard topUp.amount > .zero || topUp.expiry > channel.expiry else { throw .amountIsZero }
        if topUp.expiry > channel.expiry {
            // Only the payer may bind its money for longer.
            guard sender == channel.payer else { throw .notAParty }
            guard topUp.expiry - time <= Self.longestChannel else { throw .windowOutOfRange }
            channel.expiry = topUp.expiry
        }
        try debit(sender, topUp.amount)
        channel.deposit += topUp.amount
        self[.channel(topUp.channel)] = .channel(channel)
    }

    /// Pays the payee what a voucher says beyond what it got. Who brings it does not matter.
    mutating func settle(_ presented: PresentedVoucher) throws(Refusal) {
        let voucher = presented.voucher.claim
        var channel = try channel(voucher.channel)
        guard time < channel.releasedAt else { throw .channelExpired }
        guard presented.sessionKey == channel.terms.sessionKey else { throw .wrongSessionKey }
        guard voucher.sequence > channel.sequence, voucher.cumulativeAmount >= channel.settled,
            voucher.cumulativeBytes >= channel.settledBytes
        else { throw .voucherStale }
        guard voucher.cumulativeAmount <= channel.deposit else { throw .depositExceeded }
        credit(channel.terms.payee, voucher.cumulativeAmount - channel.settled)
        channel.settled = voucher.cumulativeAmount
        (channel.settledBytes, channel.sequence) = (voucher.cumulativeBytes, voucher.sequence)
        self[.channel(voucher.channel)] = .channel(channel)
    }

    mutating func run(_ close: CloseChannel, by sender: PublicKey) throws(Refusal) {
        let known = try channel(close.channel)
        guard sender == known.payer || sender == known.terms.payee else { throw .notAParty }
        if let voucher = close.voucher {
            guard voucher.voucher.claim.channel == close.channel else { throw .noSuchChannel }
            try settle(voucher)
        }
        var channel = try channel(close.channel)
        if sender == channel.terms.payee || time >= channel.releasedAt {
            credit(channel.payer, channel.left)
            self[.channel(close.channel)] = nil
        } else {
            guard channel.closingSince == nil else { throw .windowOpen }
            channel.closingSince = time
            self[.channel(close.channel)] = .channel(channel)
        }
    }

    private func channel(_ id: ChannelID) throws(Refusal) -> ChannelRecord {
        guard case .channel(let channel)? = self[.channel(id)] else { throw .noSuchChannel }
        return channel
    }
}

extension OpenChannel {
    /// The name of the channel that the payer's transaction with that sequence opens.
    public static func id(of payer: PublicKey, _ sequence: UInt64) -> ChannelID {
        TaggedHash.digest(tag: "qlink/channel", Mention(payer, sequence).canonicalBytes)
    }
}
