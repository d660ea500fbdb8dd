import Charging
import Consensus
import Ledger
import Primitives

/// Channels, assets, tariffs, content.
extension NaiveLedger {
    private static let longest: UInt64 = 400 * 24 * 3_600_000

    static func channelID(_ payer: PublicKey, _ sequence: UInt64) -> ChannelID {
        TaggedHash.digest(tag: "qlink/channel", payer.raw.bytes + littleEndian(sequence))
    }

    static func assetID(_ facts: AssetFacts, _ owner: PublicKey, _ sequence: UInt64) -> AssetID {
        TaggedHash.digest(tag: "qlink/asset", owner.raw.bytes + littleEndian(sequence) + facts.canonicalBytes)
    }

    private static func littleEndian(_ number: UInt64) -> [UInt8] { (0..<8).map { UInt8(number >> (8 * $0) & 0xff) } }

    mutating func open(_ terms: OpenChannel, _ sender: PublicKey, _ sequence: UInt64) throws(Refusal) {
        guard terms.deposit > .zero else { throw .amountIsZero }
        guard
            (self[.disputeWindowLeast]...max(self[.disputeWindowLeast], self[.disputeWindowMost])).contains(terms.disputeWindow),
            terms.disputeWindow <= self[.disputeWindowMost], terms.expiry > time, terms.expiry <= time + Self.longest
        else { throw .windowOutOfRange }
        if let id = terms.asset {
            guard let asset = assets[id] else { throw .noSuchAsset }
            guard asset.owner == terms.payee else { throw .notTheOwner }
            guard !asset.isRetired else { throw .assetRetired }
        }
        try take(Amount(terms.deposit.units), from: sender)
        channels[Self.channelID(sender, sequence)] = Deposit(
            payer: sender, terms: terms, deposit: Amount(terms.deposit.units), expiry: terms.expiry)
    }

    mutating func topUp(_ topUp: TopUpChannel, _ sender: PublicKey) throws(Refusal) {
        guard var channel = channels[topUp.channel] else { throw .noSuchChannel }
        guard channel.closing == nil else { throw .channelClosing }
        guard time <= channel.expiry else { throw .channelExpired }
        let isLater = topUp.expiry > channel.expiry
        guard isLater || topUp.amount > .zero else { throw .amountIsZero }
        if isLater {
            guard sender == channel.payer else { throw .notAParty }
            guard topUp.expiry <= time + Self.longest else { throw .windowOutOfRange }
        }
        try take(Amount(topUp.amount.units), from: sender)
        channel.deposit += Amount(topUp.amount.units)
        channel.expiry = max(channel.expiry, topUp.expiry)
        channels[topUp.channel] = channel
    }

    mutating func settle(_ presented: PresentedVoucher) throws(Refusal) {
        let voucher = presented.voucher.claim
        guard var channel = channels[voucher.channel] else { throw .noSuchChannel }
        guard time < channel.end else { throw .channelExpired }
        guard presented.sessionKey == channel.terms.sessionKey else { throw .wrongSessionKey }
        let amount = Amount(voucher.cumulativeAmount.units)
        guard voucher.sequence > channel.sequence, amount >= channel.paid, voucher.cumulativeBytes >= channel.bytes else {
            throw .voucherStale
        }
        guard amount <= channel.deposit else { throw .depositExceeded }
        pay(amount - channel.paid, to: channel.terms.payee)
        (channel.paid, channel.bytes, channel.sequence) = (amount, voucher.cumulativeBytes, voucher.sequence)
        channels[voucher.channel] = channel
    }

    mutating func close(_ close: CloseChannel, _ sender: PublicKey) throws(Refusal) {
        guard let known = channels[close.channel] else { throw .noSuchChannel }
        guard [known.payer, known.terms.payee].contains(sender) else { throw .notAParty }
        if let voucher = close.voucher {
            guard voucher.voucher.claim.channel == close.channel else { throw .noSuchChannel }
            try settle(voucher)
        }
        let channel = channels[close.channel]!
        if sender != channel.terms.payee, time < channel.end {
            guard channel.closing == nil else { throw .windowOpen }
            channels[close.channel]!.closing = time
        } else {
            pay(channel.deposit - channel.paid, to: channel.payer)
            channels[close.channel] = nil
        }
    }

    mutating func registerOrUpdate(_ payload: Payload, _ sender: PublicKey, _ sequence: UInt64) throws(Refusal) {
        switch payload {
        case .registerAsset(let registration):
            assets[Self.assetID(registration.facts, sender, sequence)] = Equipment(
                owner: sender, said: [(height, registration.facts)])
        case .updateAsset(let update):
            try check(update.asset, sender)
            // What is still pending gives way.
            assets[update.asset]!.said.removeAll { $0.from > height }
            assets[update.asset]!.said.append((height + self[.assetConfirmations], update.facts))
        case .retireAsset(let retirement):
            try check(retirement.asset, sender)
            assets[retirement.asset]!.said.removeAll { $0.from > height }
            assets[retirement.asset]!.isRetired = true
        case .publishTariff(let publication):
            guard tariffs[publication.tariff] == nil else { throw .tariffKnown }
            tariffs[publication.tariff] = sender
        case .registerContent(let registration):
            guard contents[registration.hash] == nil else { throw .contentKnown }
            contents[registration.hash] = sender
        case .commitUsage(let usage):
            try check(usage.asset, sender)
            assets[usage.asset]!.usages.append(usage)
        default: preconditionFailure("not of this kind")
        }
    }

    private func check(_ id: AssetID, _ sender: PublicKey) throws(Refusal) {
        guard let asset = assets[id] else { throw .noSuchAsset }
        guard asset.owner == sender else { throw .notTheOwner }
        guard !asset.isRetired else { throw .assetRetired }
    }
}
