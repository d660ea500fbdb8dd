public import Primitives

/// The name of a session: 128 random bits, 32 hexadecimal digits. Whoever knows it may look at it and end it.
///
/// Kept as halves: Swift 6.2.3 puts a pointer into the upper one of a UInt128 that a closure returns on arm64.
public struct SessionID: Hashable, Comparable, Sendable {
    public internal(set) var high: UInt64
    public internal(set) var low: UInt64

    public init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }
    public init(_ value: UInt128) { self.init(high: UInt64(value >> 64), low: UInt64(truncatingIfNeeded: value)) }

    public static func < (left: SessionID, right: SessionID) -> Bool { (left.high, left.low) < (right.high, right.low) }
}

extension SessionID: LosslessStringConvertible, Codable {
    public var description: String { Self.digits(high) + Self.digits(low) }

    private static func digits(_ half: UInt64) -> String {
        let digits = String(half, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    public init?(_ description: String) {
        guard description.utf8.count == 32, let bytes = Hex.decode(description) else { return nil }
        let half = { (part: ArraySlice<UInt8>) in part.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        self.init(high: half(bytes.prefix(8)), low: half(bytes.dropFirst(8)))
    }
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = SessionID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "a session id is 32 hexadecimal digits")
        }
        self = id
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Who pays for a session.
public enum Funding: Hashable, Sendable, Codable {
    case channel(ChannelID)
    /// The digest of an access code.
    case code(Bytes32)
    case free
}

public enum EndReason: String, Hashable, Sendable, Codable {
    case left  // the client said so, or the radio did
    case idle  // no byte for the tariff's idle timeout
    case expired  // the tariff's hard timeout
    case moved  // the same device opened another session
    case disconnected  // by the owner
    case blocked  // by the owner, for good
}

/// One client's use, from connect to disconnect.
public struct Session: Hashable, Sendable, Codable {
    public enum State: Hashable, Sendable, Codable {
        case active
        /// Service has been stopped; the last counters are still to be read.
        case ending(EndReason)
    }

    public let id: SessionID
    public var port: String
    public var mac: MACAddress
    /// As they were learned, each once.
    public var addresses: [IPAddress]
    public let funding: Funding
    public let buyer: PublicKey?
    /// The Wi-Fi key that its device joined with; nil where there is none.
    public var key: UInt32?
    /// Its device has not been on the air since. nil: it is there.
    public var awaySince: Instant?
    /// When it came back the last time. nil: it has been there from the start.
    public var presentSince: Instant?
    /// As accepted: a later change of the station's prices is for later sessions.
    public let tariff: Tariff
    public let openedAt: WallTime
    public var state = State.active

    public var usage = Usage()
    /// The charge so far; never above what was paid.
    public var charge = QLC.zero
    /// Paid under a tariff that is free and takes donations: it is for the station, not credit for later.
    public var donated = QLC.zero
    public var window: CreditWindow

    /// The kernel's number for it, and how far its counters under this number were read.
    public var mark: UInt32
    public var countedUp: UInt64 = 0
    public var countedDown: UInt64 = 0
    /// Total bytes of the session that the kernel may let pass. nil: no limit.
    public var grantedBytes: UInt64?
    /// When the kernel's lease ends. nil: it does not.
    public var servedUntil: Instant?
    /// What it may go by instead as long as it is not known to have taken the last grant, if that is more.
    public var heldBytes: UInt64?
    public var heldUntil: Instant?

    /// Where in the tariff the grant was worked out; nil: nothing was granted yet. What is used of it counts there, whenever it
    /// is read: no grant reaches over a change of price.
    public var grantedIn: Usage.Key?

    /// Time is accounted for up to here.
    public var anchor: Instant
    public var lastActivity: Instant
    /// `usage.time` at the last activity.
    public var timeAtLastActivity = Nanoseconds.zero
    /// When it was last written to disk.
    public var savedAt: Instant

    public init(
        id: SessionID, port: String, mac: MACAddress, addresses: [IPAddress], funding: Funding, buyer: PublicKey?,
        tariff: Tariff, mark: UInt32, at now: Moment
    ) {
        self.id = id
        self.port = port
        self.mac = mac
        self.addresses = addresses
        self.funding = funding
        self.buyer = buyer
        self.tariff = tariff
        self.openedAt = now.wall
        self.window = CreditWindow(tariff.creditWindow)
        self.mark = mark
        anchor = now.boot
        lastActivity = now.boot
        savedAt = now.boot
    }

    public var isActive: Bool { state == .active }

    /// Bytes that were used under earlier marks.
    var bytesBeforeMark: UInt64 { usage.bytes.saturatingSubtract(countedUp).saturatingSubtract(countedDown) }

    /// Takes in the kernel's counters, which only grow.
    mutating func count(up: UInt64, down: UInt64, at now: Moment) {
        let (newUp, newDown) = (up.saturatingSubtract(countedUp), down.saturatingSubtract(countedDown))
        guard newUp > 0 || newDown > 0 else { return }
        usage.add(bytesUp: newUp, bytesDown: newDown, in: grantedIn ?? tariff.segment(at: now.wall))
        countedUp += newUp
        countedDown += newDown
        lastActivity = now.boot
        timeAtLastActivity = usage.time
    }

    /// Accounts for time up to now, but not beyond the kernel's lease: after it there was no service.
    mutating func accrue(to now: Moment) {
        guard !isAway else {
            anchor = max(anchor, now.boot)
            return
        }
        let end = min(now.boot, servedUntil.map { max($0, heldUntil ?? $0) } ?? now.boot)
        if end > anchor { usage.add(time: end - anchor, in: grantedIn ?? tariff.segment(at: now.wall)) }
        anchor = max(anchor, now.boot)
    }

    /// Its kernel counters are gone (the board was rebooted): what is known stays, the rest starts anew under `mark`.
    mutating func rebase(mark: UInt32, at now: Moment) {
        self.mark = mark
        (countedUp, countedDown) = (0, 0)
        (grantedBytes, servedUntil, grantedIn) = (nil, now.boot, nil)  // not served until there is a new grant
        (heldBytes, heldUntil) = (nil, nil)
        (anchor, lastActivity, savedAt) = (now.boot, now.boot, now.boot)
        if isAway { awaySince = now.boot }
        presentSince = now.boot
    }
}
