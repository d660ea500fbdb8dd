public import Primitives

/// The number by which the kernel knows a client: `1...0x7fff_ffff`, never used twice in the life of a gate.
public struct ClientMark: Hashable, Comparable, Sendable {
    public let value: UInt32

    /// nil for zero (nobody) and for the top bit (the gate's own).
    public init?(_ value: UInt32) {
        guard value != 0, value < 0x8000_0000 else { return nil }
        self.value = value
    }

    public static func < (left: ClientMark, right: ClientMark) -> Bool { left.value < right.value }
}

/// What the gate shall do for one client: the whole of it, not a change of it. Applying it twice is applying it once.
public struct GateEntry: Hashable, Sendable {
    public var mark: ClientMark
    /// The interface it must come in by; MAC and address are believed on this port only.
    public var port: String
    public var mac: MACAddress
    /// What it may send from, and receive at. At most ``limit`` of them.
    public var addresses: Set<IPAddress>
    /// Bytes it may move, both directions together, since this mark was first applied. nil: as many as it likes.
    public var byteLimit: UInt64?
    /// Service ends by itself this long after the entry is applied. nil: it does not.
    public var lease: Nanoseconds?

    public static let addressLimit = 16

    public init(
        mark: ClientMark, port: String, mac: MACAddress, addresses: Set<IPAddress>, byteLimit: UInt64?,
        lease: Nanoseconds?
    ) {
        self.mark = mark
        self.port = port
        self.mac = mac
        self.addresses = addresses
        self.byteLimit = byteLimit
        self.lease = lease
    }
}

/// IP-layer bytes and packets that the gate let pass for one client since its mark was first applied. They only grow.
public struct GateReading: Hashable, Sendable {
    public var mark: ClientMark
    public var bytesUp: UInt64
    public var bytesDown: UInt64
    public var packetsUp: UInt64
    public var packetsDown: UInt64

    public init(mark: ClientMark, bytesUp: UInt64, bytesDown: UInt64, packetsUp: UInt64 = 0, packetsDown: UInt64 = 0) {
        self.mark = mark
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
        self.packetsUp = packetsUp
        self.packetsDown = packetsDown
    }
}

/// One change of the gate. A list of them is applied as one transaction: all or nothing, without a gap in service.
public enum GateChange: Hashable, Sendable {
    /// Make it so, whatever was before.
    case serve(GateEntry)
    /// Stop its service and keep its counters, to be read once more.
    case stop(ClientMark)
    /// Drop all that is left of it. Its counters are gone after this.
    case forget(ClientMark)
}

/// The hardware that meters and cuts off: it keeps its promises while the agent is dead (datapath.md).
///
/// - no byte passes beyond `byteLimit`, no packet after `lease`
/// - what is counted is what was carried, both directions, IPv4 and IPv6
/// - entries outlive the process; ``open()`` finds them
public protocol PacketGate: Sendable {
    /// Takes hold of the gate, makes it if there is none, and says which clients it serves already.
    func open() async throws(HALError) -> [ClientMark]
    /// Applies all changes or none.
    func apply(_ changes: [GateChange]) async throws(HALError)
    /// The counters of every client that is served or stopped, in any order.
    func readings() async throws(HALError) -> [GateReading]

    /// Who has lately sent from an address that is bound to nobody, so that a client's new address is known by its first packet:
    /// the kernel's own neighbour news may be most of a minute later. What a sender claims to be, no more than that.
    func newcomers() async throws(HALError) -> [Neighbour]
}
