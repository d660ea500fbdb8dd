public import Primitives

/// What the station promises, signed by it: this tariff, until then.
public struct Offer: Hashable, Sendable, Codable {
    public var station: StationID
    /// Counts up with every offer; an acceptance names the offer by its digest.
    public var number: UInt64
    public var tariff: Tariff
    /// For people; the station itself remembers its offers by its own clock.
    public var expiresAt: WallTime

    public init(station: StationID, number: UInt64, tariff: Tariff, expiresAt: WallTime) {
        self.station = station
        self.number = number
        self.tariff = tariff
        self.expiresAt = expiresAt
    }
}

extension Offer: Signable {
    public static var signingTag: String { "qlink/offer" }
    public init() { self.init(station: StationID(), number: 0, tariff: Tariff(), expiresAt: WallTime(secondsSince1970: 0)) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&station)
        try coder.integer(&number)
        try coder.nested(&tariff)
        try coder.integer(&expiresAt.secondsSince1970)
    }
}

/// The buyer's yes to an offer, signed by the channel's session key.
public struct Acceptance: Hashable, Sendable, Codable {
    public var offer: Bytes32
    public var channel: ChannelID
    /// The device that shall be served: an acceptance overheard is of no use to another.
    public var client: MACAddress
    /// Larger than in every earlier acceptance of this channel.
    public var sequence: UInt64
    /// What the record of this visit is sealed for, so that the buyer alone reads it on the chain; nil: there shall be none.
    public var visitKey: SealingKey?

    public init(
        offer: Bytes32, channel: ChannelID, client: MACAddress, sequence: UInt64, visitKey: SealingKey? = nil
    ) {
        self.offer = offer
        self.channel = channel
        self.client = client
        self.sequence = sequence
        self.visitKey = visitKey
    }
}

extension Acceptance: Signable {
    public static var signingTag: String { "qlink/acceptance" }
    public init() { self.init(offer: .zero, channel: .zero, client: MACAddress(value: 0), sequence: 0) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&offer)
        try coder.nested(&channel)
        try coder.nested(&client)
        try coder.integer(&sequence)
        try coder.optional(&visitKey)
    }
}
