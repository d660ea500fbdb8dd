public import Charging
public import Consensus
public import Primitives

/// Locks a deposit of the sender that vouchers draw on (chain.md, "Payment channels").
public struct OpenChannel: Hashable, Sendable, Canonical {
    public var payee: PublicKey
    /// Signs vouchers; lives on the device, so that the sender's own key can stay away.
    public var sessionKey: PublicKey
    /// The payee's asset that it is for; nil: any of them.
    public var asset: AssetID?
    public var deposit: QLC
    /// Digest of the tariff that both agreed on.
    public var tariff: Bytes32
    /// Vouchers settle until then, and for the dispute window after.
    public var expiry: BlockTime
    /// Milliseconds in which the payee can answer the payer's close.
    public var disputeWindow: UInt64

    public init(
        payee: PublicKey, sessionKey: PublicKey, asset: AssetID? = nil, deposit: QLC, tariff: Bytes32 = .zero, expiry: BlockTime,
        disputeWindow: UInt64
    ) {
        (self.payee, self.sessionKey, self.asset, self.deposit) = (payee, sessionKey, asset, deposit)
        (self.tariff, self.expiry, self.disputeWindow) = (tariff, expiry, disputeWindow)
    }

    public init() { self.init(payee: PublicKey(), sessionKey: PublicKey(), deposit: .zero, expiry: 0, disputeWindow: 0) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&payee)
        try coder.nested(&sessionKey)
        try coder.optional(&asset)
        try coder.nested(&deposit)
        try coder.nested(&tariff)
        try coder.integer(&expiry)
        try coder.integer(&disputeWindow)
    }
}

/// Adds to a deposit, and may move the expiry later. Anybody can.
public struct TopUpChannel: Hashable, Sendable, Canonical {
    public var channel: ChannelID
    public var amount: QLC
    /// Earlier than what it is: stays.
    public var expiry: BlockTime

    public init(_ channel: ChannelID, by amount: QLC, expiry: BlockTime = 0) {
        (self.channel, self.amount, self.expiry) = (channel, amount, expiry)
    }

    public init() { self.init(.zero, by: .zero) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&channel)
        try coder.nested(&amount)
        try coder.integer(&expiry)
    }
}

/// A voucher and the key that it claims to be signed by: the signature can be checked before the channel is looked up.
public struct PresentedVoucher: Hashable, Sendable, Canonical {
    public var sessionKey: PublicKey
    public var voucher: Signed<Voucher>

    public init(_ voucher: Signed<Voucher>, by sessionKey: PublicKey) { (self.voucher, self.sessionKey) = (voucher, sessionKey) }
    public init() { self.init(Signed(), by: PublicKey()) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&sessionKey)
        try coder.nested(&voucher)
    }

    func isSigned(on chainID: Bytes32) -> Bool {
        voucher.claim.chainID == chainID && voucher.verified(by: sessionKey) != nil
    }
}

/// Pays the payee what vouchers say beyond what was settled before. The channels stay open.
///
/// All or none: a batch with one voucher that is refused changes nothing.
public struct SettleChannels: Hashable, Sendable, Canonical {
    public static let limit = 64

    /// Strictly increasing by channel.
    public var vouchers: [PresentedVoucher]

    public init(_ vouchers: [PresentedVoucher]) {
        self.vouchers = vouchers.sorted { $0.voucher.claim.channel < $1.voucher.claim.channel }
    }

    public init() { vouchers = [] }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.array(&vouchers, limit: Self.limit)
        guard !vouchers.isEmpty else { throw .invalid("a settlement without vouchers") }
        for (one, next) in zip(vouchers, vouchers.dropFirst()) {
            guard one.voucher.claim.channel < next.voucher.claim.channel else {
                throw .invalid("a settlement's channels increase")
            }
        }
    }
}

/// Ends a channel. The payee's close settles at once; the payer's opens the dispute window, and after it takes the rest back.
public struct CloseChannel: Hashable, Sendable, Canonical {
    public var channel: ChannelID
    /// The payee's last voucher, or what the payer admits.
    public var voucher: PresentedVoucher?

    public init(_ channel: ChannelID, voucher: PresentedVoucher? = nil) { (self.channel, self.voucher) = (channel, voucher) }
    public init() { self.init(.zero) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&channel)
        try coder.optional(&voucher)
    }
}

/// A later voucher than the one a channel was closed with, brought by the payee or whoever watches for it.
public struct RaiseVoucher: Hashable, Sendable, Canonical {
    public var voucher: PresentedVoucher

    public init(_ voucher: PresentedVoucher) { self.voucher = voucher }
    public init() { self.init(PresentedVoucher()) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.nested(&voucher) }
}
