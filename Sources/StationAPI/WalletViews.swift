public import Charging
public import Primitives

// The station's own money: `basestation wallet`.

/// `GET /v1/wallet`.
public struct WalletView: Codable, Hashable, Sendable {
    /// The station's key.
    public var address: PublicKey
    /// Charged by ended sessions to all channels, settled or not.
    public var earnedQlc: QLC
    /// The part of it that is on channels of the station's own book: no chain pays it, the owner took the deposits by hand.
    public var earnedByHandQlc: QLC
    /// nil: this station has no chain node.
    @OrNull public var chain: Account?

    public init(address: PublicKey, earnedQlc: QLC, earnedByHandQlc: QLC, chain: Account?) {
        (self.address, self.earnedQlc, self.earnedByHandQlc, self.chain) = (address, earnedQlc, earnedByHandQlc, chain)
    }

    /// The account on the chain, as the block at `height` left it.
    public struct Account: Codable, Hashable, Sendable {
        public var address: String
        public var height: UInt64
        @OrNull public var time: WallTime?
        /// The node does not know yet whether that is the newest block.
        public var syncing: Bool
        public var balanceQlc: QLC
        public var stakedQlc: QLC
        public var rewardsQlc: QLC
        public var unbondingQlc: QLC
        /// Held as vouchers, and not in the balance yet.
        public var unsettledQlc: QLC
        /// On its way out by orders that are not carried out yet, with their fees.
        public var promisedQlc: QLC
        /// What a payment leaves in the account unless `keep_qlc` says otherwise.
        public var reserveQlc: QLC
        /// Of one payment.
        public var feeQlc: QLC

        public init(
            address: String, height: UInt64, time: WallTime?, syncing: Bool, balanceQlc: QLC, stakedQlc: QLC, rewardsQlc: QLC,
            unbondingQlc: QLC, unsettledQlc: QLC, promisedQlc: QLC, reserveQlc: QLC, feeQlc: QLC
        ) {
            (self.address, self.height, self.time, self.syncing) = (address, height, time, syncing)
            (self.balanceQlc, self.stakedQlc, self.rewardsQlc, self.unbondingQlc) = (
                balanceQlc, stakedQlc, rewardsQlc, unbondingQlc
            )
            (self.unsettledQlc, self.promisedQlc) = (unsettledQlc, promisedQlc)
            (self.reserveQlc, self.feeQlc) = (reserveQlc, feeQlc)
        }

        /// The most that one payment can take if so much is to stay.
        public func withdrawable(keeping keep: QLC) -> QLC { balanceQlc - promisedQlc - feeQlc - keep }
    }
}

/// `PUT /v1/wallet/orders/{id}`: pays from the station's account.
public struct WithdrawalRequest: Codable, Hashable, Sendable {
    public static let addressLimit = 128

    /// In the form of an address of the station's chain.
    public var to: String
    public var amountQlc: QLC
    /// What is to be left; the account's `reserve_qlc` if left out.
    public var keepQlc: QLC?

    public init(to: String, amountQlc: QLC, keepQlc: QLC? = nil) {
        (self.to, self.amountQlc, self.keepQlc) = (to, amountQlc, keepQlc)
    }

    /// A mistyped field would move money otherwise than it was meant.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseFields(besides: ["to", "amountQlc", "keepQlc"])
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        to = try fields.decode(String.self, forKey: .to)
        amountQlc = try fields.decode(QLC.self, forKey: .amountQlc)
        keepQlc = try fields.decodeIfPresent(QLC.self, forKey: .keepQlc)
        guard to.utf8.count <= Self.addressLimit else {
            throw DecodingError.dataCorruptedError(forKey: .to, in: fields, debugDescription: "an address is shorter than that")
        }
    }
}

/// What the owner ordered, and what became of it.
public struct OrderView: Codable, Hashable, Sendable {
    public var orderId: Bytes32
    /// `pay`, `close`, `stake`, `unstake`, or `restake`: given by the policy of `[stake]`.
    public var kind: String
    /// `waiting`, `sent`, `done`, `refused`, `expired` or `unknown` (the blocks are not kept that may have it).
    public var state: String
    /// Of the chain, when it was ordered.
    public var orderedAt: WallTime
    @OrNull public var to: String?
    /// Of `unstake`, null: all.
    @OrNull public var amountQlc: QLC?
    /// Whose stake it changes.
    @OrNull public var delegate: String?
    @OrNull public var channelId: ChannelID?
    /// The newest one that was sent.
    @OrNull public var transactionId: Bytes32?
    @OrNull public var feeQlc: QLC?
    @OrNull public var height: UInt64?
    @OrNull public var reason: String?

    public init(
        orderId: Bytes32, kind: String, state: String, orderedAt: WallTime, to: String? = nil, amountQlc: QLC? = nil,
        channelId: ChannelID? = nil, delegate: String? = nil, transactionId: Bytes32?, feeQlc: QLC?, height: UInt64?,
        reason: String?
    ) {
        (self.orderId, self.kind, self.state, self.orderedAt) = (orderId, kind, state, orderedAt)
        (self.to, self.amountQlc, self.channelId, self.delegate) = (to, amountQlc, channelId, delegate)
        (self.transactionId, self.feeQlc, self.height, self.reason) = (transactionId, feeQlc, height, reason)
    }

    /// Whether something may still come of it.
    public var isOpen: Bool { state == "waiting" || state == "sent" }
}

/// `POST /v1/wallet/settlement`.
public struct SettlementRequest: Codable, Hashable, Sendable {
    /// All that hold something, if left out.
    public var channelId: ChannelID?

    public init(channelId: ChannelID?) { self.channelId = channelId }

    public init(from decoder: any Decoder) throws {
        try decoder.refuseFields(besides: ["channelId"])
        channelId = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(ChannelID.self, forKey: .channelId)
    }
}

/// What vouchers hold beyond what the chain has paid: `GET /v1/wallet/settlement`.
public struct SettlementView: Codable, Hashable, Sendable {
    public struct Due: Codable, Hashable, Sendable {
        public var channelId: ChannelID
        public var unsettledQlc: QLC
        /// Paid by the chain before.
        public var settledQlc: QLC
        /// The owner wants it now.
        public var demanded: Bool
        /// It is more than its settlement costs.
        public var paysFee: Bool
        public init(channelId: ChannelID, unsettledQlc: QLC, settledQlc: QLC, demanded: Bool, paysFee: Bool) {
            (self.channelId, self.unsettledQlc, self.settledQlc) = (channelId, unsettledQlc, settledQlc)
            (self.demanded, self.paysFee) = (demanded, paysFee)
        }
    }
    /// Most to bring first.
    public var channels: [Due]
    /// Of one settlement with one channel.
    public var feeQlc: QLC
    /// Why nothing gets on; nil: all is well.
    @OrNull public var trouble: String?
    public init(channels: [Due], feeQlc: QLC, trouble: String?) {
        (self.channels, self.feeQlc, self.trouble) = (channels, feeQlc, trouble)
    }
}

private struct AnyField: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension Decoder {
    /// - Throws: if there is a field that has none of these names.
    func refuseFields(besides names: Set<String>) throws {
        let fields = try container(keyedBy: AnyField.self)
        guard let stranger = fields.allKeys.first(where: { !names.contains($0.stringValue) }) else { return }
        throw DecodingError.dataCorruptedError(
            forKey: stranger, in: fields, debugDescription: "there is no such field here; docs/api.md lists those there are")
    }
}
