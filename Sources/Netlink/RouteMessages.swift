import CNetlink
import Glibc
public import Primitives

/// A network interface, from RTM_NEWLINK or RTM_DELLINK (linux/if_link.h).
public struct LinkMessage: Hashable, Sendable {
    public var index: Int32
    public var name: String
    public var mac: MACAddress?
    public var isUp: Bool
    public var hasCarrier: Bool
    public var mtu: UInt32
    public var bytesReceived: UInt64 = 0
    public var bytesSent: UInt64 = 0
    public var packetsReceived: UInt64 = 0
    public var packetsSent: UInt64 = 0
    /// Packets that found no room. Not rx_dropped: it counts also what nobody here speaks, of which a busy network is full.
    public var packetsWithoutRoom: UInt64 = 0

    static let headerSize = MemoryLayout<ifinfomsg>.size

    init?(payload: WireBytes) {
        guard let index = payload.native(Int32.self, at: 4), let flags = payload.native(UInt32.self, at: 8),
            let rest = payload.dropping(Self.headerSize)
        else { return nil }
        let attributes = Attributes(rest)
        guard let name = attributes[Int(IFLA_IFNAME)], name.count > 1 else { return nil }
        self.index = index
        self.name = name.text
        mac = attributes[Int(IFLA_ADDRESS)].flatMap { MACAddress(octets: $0.array) }
        isUp = flags & cnetlink_iff_up != 0
        hasCarrier = attributes[Int(IFLA_CARRIER)]?[0].map { $0 != 0 } ?? (flags & cnetlink_iff_running != 0)
        mtu = attributes[Int(IFLA_MTU)]?.native() ?? 0
        // struct rtnl_link_stats64 starts with rx_packets, tx_packets, rx_bytes, tx_bytes.
        if let statistics = attributes[Int(IFLA_STATS64)] {
            bytesReceived = statistics.native(at: MemoryLayout<rtnl_link_stats64>.offset(of: \.rx_bytes) ?? 16) ?? 0
            bytesSent = statistics.native(at: MemoryLayout<rtnl_link_stats64>.offset(of: \.tx_bytes) ?? 24) ?? 0
            let count = { (field: PartialKeyPath<rtnl_link_stats64>) -> UInt64 in
                MemoryLayout<rtnl_link_stats64>.offset(of: field).flatMap { statistics.native(UInt64.self, at: $0) } ?? 0
            }
            packetsReceived = count(\.rx_packets)
            packetsSent = count(\.tx_packets)
            packetsWithoutRoom = [count(\.tx_dropped), count(\.rx_missed_errors), count(\.rx_fifo_errors)]
                .reduce(0) { $0.saturatingAdd($1) }
        }
    }

    /// For tests and fuzzing.
    public static func decode(payload: [UInt8]) -> LinkMessage? { WireBytes.read(payload) { LinkMessage(payload: $0) } }
}

/// An address of an interface, from RTM_NEWADDR (linux/if_addr.h).
public struct AddressMessage: Hashable, Sendable {
    public var index: Int32
    public var address: IPAddress
    public var prefixLength: UInt8

    static let headerSize = MemoryLayout<ifaddrmsg>.size

    init?(payload: WireBytes) {
        guard let prefix = payload[1], let index = payload.native(Int32.self, at: 4),
            let rest = payload.dropping(Self.headerSize)
        else { return nil }
        let attributes = Attributes(rest)
        // On a point-to-point link IFA_ADDRESS is the other end's.
        guard let bytes = attributes[Int(IFA_LOCAL)] ?? attributes[Int(IFA_ADDRESS)],
            let address = IPAddress(bytes: bytes.array)
        else { return nil }
        self.index = index
        self.address = address
        prefixLength = prefix
    }

    public static func decode(payload: [UInt8]) -> AddressMessage? { WireBytes.read(payload) { AddressMessage(payload: $0) } }
}

/// Who answers for an address on a link, from RTM_NEWNEIGH or RTM_DELNEIGH (linux/neighbour.h).
public struct NeighbourMessage: Hashable, Sendable {
    public var index: Int32
    public var address: IPAddress
    /// nil while the kernel still asks, and when nobody answered.
    public var mac: MACAddress?
    /// NUD_* bits.
    public var state: UInt16

    static let headerSize = MemoryLayout<ndmsg>.size

    public var isPermanent: Bool { state & UInt16(NUD_PERMANENT) != 0 }
    /// Somebody answered, lately or at some time.
    public var isKnown: Bool {
        mac != nil && state & UInt16(NUD_PERMANENT | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE) != 0
    }
    public var hasFailed: Bool { state & UInt16(NUD_FAILED) != 0 }

    /// nil for bridge entries, and for bytes that are no neighbour.
    init?(payload: WireBytes) {
        guard let index = payload.native(Int32.self, at: 4), let state = payload.native(UInt16.self, at: 8),
            let rest = payload.dropping(Self.headerSize)
        else { return nil }
        let attributes = Attributes(rest)
        guard let bytes = attributes[Int(NDA_DST)], let address = IPAddress(bytes: bytes.array) else { return nil }
        self.index = index
        self.address = address
        self.state = state
        mac = attributes[Int(NDA_LLADDR)].flatMap { MACAddress(octets: $0.array) }
    }

    /// For tests and fuzzing.
    public static func decode(payload: [UInt8]) -> NeighbourMessage? {
        WireBytes.read(payload) { NeighbourMessage(payload: $0) }
    }
}
