public import Primitives

/// What happens to a station's clients and their money.
public enum ChargingEvent: Hashable, Sendable {
    case open(OpenRequest)
    case paid(Verified<Voucher>)
    /// The kernel's counters, all of them, read just now; also drives time, timeouts and renewed grants.
    /// `unapplied` are marks for which the kernel has not done yet what it was last told.
    case sampled([MeterReading], unapplied: Set<UInt32> = [])
    /// Addresses that a device was seen to use.
    case seen(port: String, mac: MACAddress, addresses: [IPAddress])
    /// The radio says that a device is there, and whose key it has.
    case joined(Association)
    /// The link says that a device is gone, and was there until `since`.
    case away(port: String, mac: MACAddress, since: Instant)
    case end(SessionID, EndReason)
    /// Service of these marks has been stopped and their last counters handed in by `sampled`.
    case drained([UInt32])
    case channel(ChannelEvent)
    case codesCreated([AccessCode])
    case codeRevoked(number: UInt32)
    case keyCreated(WirelessKey)
    case keyRevoked(number: UInt32)
    case block(MACAddress, Bool)
    case tariffs([Tariff])
    /// Writes the state of all sessions to disk, before the program stops.
    case save
}

public struct OpenRequest: Hashable, Sendable {
    public enum Payment: Hashable, Sendable {
        case channel(Verified<Acceptance>)
        /// The keyed digest of what was typed.
        case code(Bytes32)
        case free
        /// Of the key that the device joined with: addresses may come later.
        case key(UInt32)
    }

    /// A random name, should a new session be opened.
    public var id: SessionID
    public var port: String
    public var mac: MACAddress
    public var addresses: [IPAddress]
    /// As offered. For access codes it only sets timeouts.
    public var tariff: Tariff
    public var payment: Payment
    /// The key that the device is on the air with, if it is.
    public var key: UInt32?

    public init(
        id: SessionID, port: String, mac: MACAddress, addresses: [IPAddress], tariff: Tariff, payment: Payment,
        key: UInt32? = nil
    ) {
        self.id = id
        self.port = port
        self.mac = mac
        self.addresses = addresses
        self.tariff = tariff
        self.payment = payment
        self.key = if case .key(let number) = payment { number } else { key }
    }
}

/// What came of an event.
public struct Outcome: Hashable, Sendable {
    public var actions: [Action] = []
    /// The session that was opened, moved or paid for.
    public var session: SessionID?

    public init() {}
}

/// How much a station takes on. Beyond these a request is refused with its reason.
public struct ChargingLimits: Hashable, Sendable {
    /// The gate holds 49,152 marks, two a client, and as many addresses of each family.
    public var sessions = 16_384
    public var channels = 65_536
    public var codes = 65_536
    /// hostapd tries them one by one when a device joins.
    public var keys = 1_000
    public var addressesPerSession = 16
    /// How long the session of a device that left the air waits for it.
    public var rejoinGrace = Nanoseconds.seconds(60)
    /// How much usage a power cut may cost the station: it is saved to flash this often while it changes.
    public var saveInterval = Nanoseconds.seconds(60)

    public init() {}
}
