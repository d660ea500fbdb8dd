public import Primitives

/// The final account of a session (a CDR), signed by the station.
public struct UsageRecord: Hashable, Sendable, Codable {
    public var station: StationID
    public var session: SessionID
    public var buyer: PublicKey?
    public var accessCode: UInt32?
    public var tariffID: String
    public var mac: MACAddress
    public var startedAt: WallTime
    public var endedAt: WallTime
    public var seconds: UInt64
    public var bytesUp: UInt64
    public var bytesDown: UInt64
    public var charge: QLC
    /// Of the channel, when the session ended.
    public var paid: QLC
    /// What `paid` rests on: the last voucher of the channel, which the buyer signed.
    public var voucher: Signed<Voucher>?
    public var endReason: EndReason

    private enum CodingKeys: String, CodingKey {
        case tariffID = "tariffId"  // "tariff_id" in JSON
        case station, session, buyer, accessCode, mac, startedAt, endedAt, seconds, bytesUp, bytesDown, charge, paid
        case voucher, endReason
    }

    public init(
        station: StationID, session: SessionID, buyer: PublicKey?, accessCode: UInt32?, tariffID: String,
        mac: MACAddress, startedAt: WallTime, endedAt: WallTime, seconds: UInt64, bytesUp: UInt64, bytesDown: UInt64,
        charge: QLC, paid: QLC, voucher: Signed<Voucher>?, endReason: EndReason
    ) {
        self.station = station
        self.session = session
        self.buyer = buyer
        self.accessCode = accessCode
        self.tariffID = tariffID
        self.mac = mac
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.seconds = seconds
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
        self.charge = charge
        self.paid = paid
        self.voucher = voucher
        self.endReason = endReason
    }
}

extension UsageRecord: Signable {
    public static var signingTag: String { "qlink/usage-record" }

    public init() {
        self.init(
            station: StationID(), session: SessionID(0), buyer: nil, accessCode: nil, tariffID: "",
            mac: MACAddress(value: 0), startedAt: WallTime(secondsSince1970: 0), endedAt: WallTime(secondsSince1970: 0),
            seconds: 0, bytesUp: 0, bytesDown: 0, charge: .zero, paid: .zero, voucher: nil, endReason: .left)
    }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&station)
        // 128 bits, little-endian.
        try coder.integer(&session.low)
        try coder.integer(&session.high)
        try coder.optional(&buyer)
        var code = accessCode ?? 0
        try coder.integer(&code)
        accessCode = code == 0 ? nil : code
        try coder.text(&tariffID, limit: Tariff.idLimit)
        try coder.nested(&mac)
        try coder.integer(&startedAt.secondsSince1970)
        try coder.integer(&endedAt.secondsSince1970)
        try coder.integer(&seconds)
        try coder.integer(&bytesUp)
        try coder.integer(&bytesDown)
        try coder.nested(&charge)
        try coder.nested(&paid)
        try coder.optional(&voucher)
        var reason = endReason.rawValue
        try coder.text(&reason, limit: 16)
        guard let known = EndReason(rawValue: reason) else { throw .invalid("no such end reason") }
        endReason = known
    }
}
