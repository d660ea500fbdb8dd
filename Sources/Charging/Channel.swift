public import Primitives

/// A deposit that vouchers draw on, as the ledger (or, before there is one, the station's own channel book) tells it.
public struct Channel: Hashable, Sendable, Codable {
    public var id: ChannelID
    /// The buyer: whose deposit it is.
    public var payer: PublicKey
    public var payee: StationID
    /// Signs vouchers and acceptances; lives on the device, so that the buyer's main key can stay away.
    public var sessionKey: PublicKey
    public var deposit: QLC
    public var openedAt: WallTime
    /// Hash of the genesis of the chain that has it, and that its vouchers name; zero: it stands in the station's own book.
    public var chainID: Bytes32

    private enum CodingKeys: String, CodingKey {
        case id, payer, payee, sessionKey, deposit, openedAt
        case chainID = "chainId"
    }

    public init(
        id: ChannelID, payer: PublicKey, payee: StationID, sessionKey: PublicKey, deposit: QLC, openedAt: WallTime,
        chainID: Bytes32 = .zero
    ) {
        self.id = id
        self.chainID = chainID
        self.payer = payer
        self.payee = payee
        self.sessionKey = sessionKey
        self.deposit = deposit
        self.openedAt = openedAt
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        id = try fields.decode(ChannelID.self, forKey: .id)
        payer = try fields.decode(PublicKey.self, forKey: .payer)
        payee = try fields.decode(StationID.self, forKey: .payee)
        sessionKey = try fields.decode(PublicKey.self, forKey: .sessionKey)
        deposit = try fields.decode(QLC.self, forKey: .deposit)
        openedAt = try fields.decode(WallTime.self, forKey: .openedAt)
        // What was stored before there was a chain does not say: it is of the station's own book.
        chainID = try fields.decodeIfPresent(Bytes32.self, forKey: .chainID) ?? .zero
    }
}

/// What becomes of channels. Final when it is told: a ledger tells it when the block is.
public enum ChannelEvent: Hashable, Sendable, Codable {
    case opened(Channel)
    /// The whole deposit after a top-up; it never shrinks.
    case toppedUp(ChannelID, deposit: QLC)
    case closed(ChannelID)
}

/// Where channels come from and where what they owe goes to: the station's own book, or the chain.
public protocol ChannelBook: Sendable {
    /// All that happened that the station may not know, oldest first, then what happens from now on. An event told again changes nothing.
    func events() async throws -> AsyncStream<ChannelEvent>
    /// Asks for the amount of the voucher; an older voucher than the last one settled changes nothing.
    func settle(_ voucher: Signed<Voucher>) async throws
}

/// A channel and what the station holds and has charged against it.
public struct ChannelAccount: Hashable, Sendable, Codable {
    public var channel: Channel
    public var isClosed = false
    /// The last voucher: the station's money.
    public var voucher: Signed<Voucher>?
    /// What ended sessions cost. The open session's charge comes on top.
    public var charged = QLC.zero
    /// The last two days with charges, for the cap per day.
    public var days: [DayCharge] = []
    public var acceptanceSequence: UInt64 = 0
    /// Of the last acceptance: what the records of the channel's visits are sealed for.
    public var visitKey: SealingKey?

    public init(channel: Channel) { self.channel = channel }

    public var paid: QLC { voucher?.claim.cumulativeAmount ?? .zero }
    /// Paid and not yet charged by ended sessions.
    public var balance: QLC { paid - charged }

    /// Accepts a voucher iff every cumulative grows or stays, the sequence grows, and the deposit covers it.
    /// The last voucher once more changes nothing.
    mutating func accept(_ verified: Verified<Voucher>) throws(ChargingError) {
        let voucher = verified.value
        guard !isClosed else { throw .channelClosed(channel.id) }
        guard verified.signer == channel.sessionKey else { throw .wrongKey(channel.id) }
        guard voucher.chainID == channel.chainID else { throw .voucherInvalid("it is for another chain") }
        if let last = self.voucher?.claim {
            // The same again: the answer to it was lost with a daemon that died in between.
            if verified.signed == self.voucher { return }
            guard voucher.sequence > last.sequence else {
                throw .voucherStale(sequence: voucher.sequence, last: last.sequence)
            }
            guard voucher.cumulativeAmount >= last.cumulativeAmount, voucher.cumulativeBytes >= last.cumulativeBytes
            else { throw .voucherInvalid("its totals are below those of voucher \(last.sequence)") }
        }
        guard voucher.cumulativeAmount <= channel.deposit else {
            throw .depositExceeded(voucher.cumulativeAmount, deposit: channel.deposit)
        }
        self.voucher = verified.signed
    }

    /// Adds an ended session's charges.
    mutating func settle(_ charges: [DayCharge]) {
        for charge in charges {
            charged += charge.charged
            if let index = days.firstIndex(where: { $0.day == charge.day }) {
                days[index].charged += charge.charged
            } else {
                days = days.suffix(1) + [charge]
            }
        }
    }
}
