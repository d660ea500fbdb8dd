public import Charging
public import Primitives

// What the buyer's API on port 2050 takes and answers (cli.md; docs/api.md has examples).

/// `GET /v1/offer[?tariff=ID]`
public struct OfferView: Codable, Hashable, Sendable {
    public var offer: Signed<Offer>
    /// What an acceptance names.
    public var digest: Bytes32
    /// The device as the station sees it: an acceptance must name this MAC.
    public var clientMac: MACAddress
    /// All tariffs on offer.
    public var tariffIds: [String]
    public init(offer: Signed<Offer>, digest: Bytes32, clientMac: MACAddress, tariffIds: [String]) {
        self.offer = offer
        self.digest = digest
        self.clientMac = clientMac
        self.tariffIds = tariffIds
    }
}

/// `POST /v1/sessions`: exactly one of the three.
public struct OpenSessionBody: Codable, Hashable, Sendable {
    public var acceptance: Signed<Acceptance>?
    public var accessCode: String?
    /// The tariff id of a free tariff.
    public var freeTariff: String?
    public init(acceptance: Signed<Acceptance>? = nil, accessCode: String? = nil, freeTariff: String? = nil) {
        self.acceptance = acceptance
        self.accessCode = accessCode
        self.freeTariff = freeTariff
    }
}

/// `GET /v1/sessions/{id}`, and the answer to opening and paying.
public struct BuyerSessionView: Codable, Hashable, Sendable {
    public var sessionId: String
    public var tariffId: String
    /// `active`, `exhausted` or `ended`.
    public var state: String
    public var durationSeconds: UInt64
    public var bytesUp: UInt64
    public var bytesDown: UInt64
    public var bytesRemaining: UInt64?
    public var secondsRemaining: UInt64?
    public var chargeQlc: QLC
    /// By all vouchers of the channel, and the part of it that earlier sessions used up.
    public var paidQlc: QLC
    public var chargedEarlierQlc: QLC
    public var depositQlc: QLC
    /// Pay this much ahead of the charge; pay again when less than it is left.
    public var creditWindowQlc: QLC
    public var voucherSequence: UInt64
    public init(
        sessionId: String, tariffId: String, state: String, durationSeconds: UInt64, bytesUp: UInt64, bytesDown: UInt64,
        bytesRemaining: UInt64?, secondsRemaining: UInt64?, chargeQlc: QLC, paidQlc: QLC, chargedEarlierQlc: QLC,
        depositQlc: QLC, creditWindowQlc: QLC, voucherSequence: UInt64
    ) {
        self.sessionId = sessionId
        self.tariffId = tariffId
        self.state = state
        self.durationSeconds = durationSeconds
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
        self.bytesRemaining = bytesRemaining
        self.secondsRemaining = secondsRemaining
        self.chargeQlc = chargeQlc
        self.paidQlc = paidQlc
        self.chargedEarlierQlc = chargedEarlierQlc
        self.depositQlc = depositQlc
        self.creditWindowQlc = creditWindowQlc
        self.voucherSequence = voucherSequence
    }
}

/// `POST /v1/sessions/{id}/vouchers`
public struct VoucherBody: Codable, Hashable, Sendable {
    public var voucher: Signed<Voucher>
    public init(voucher: Signed<Voucher>) { self.voucher = voucher }
}

/// RFC 8908, section 5. Keys keep the RFC's hyphens, so this type is coded without the snake-case dialect.
public struct CaptivePortalView: Codable, Hashable, Sendable {
    public var captive: Bool
    public var userPortalURL: String
    public var secondsRemaining: UInt64?
    public var bytesRemaining: UInt64?
    public var canExtendSession: Bool

    enum CodingKeys: String, CodingKey {
        case captive
        case userPortalURL = "user-portal-url"
        case secondsRemaining = "seconds-remaining"
        case bytesRemaining = "bytes-remaining"
        case canExtendSession = "can-extend-session"
    }

    public init(captive: Bool, userPortalURL: String, secondsRemaining: UInt64?, bytesRemaining: UInt64?, canExtendSession: Bool)
    {
        self.captive = captive
        self.userPortalURL = userPortalURL
        self.secondsRemaining = secondsRemaining
        self.bytesRemaining = bytesRemaining
        self.canExtendSession = canExtendSession
    }
}
