/// An interface's own byte counts. They are of frames: 14 bytes of Ethernet more a packet than IP counts.
public struct InterfaceStatistics: Hashable, Sendable, Decodable {
    public struct Direction: Hashable, Sendable, Decodable {
        public var bytes: UInt64
        public var packets: UInt64
        public var errors: UInt64
        public var dropped: UInt64

        public static let ethernetHeader: UInt64 = 14
        /// What the frames carried: all bytes but the Ethernet headers.
        public var payloadBytes: UInt64 { bytes - packets * Self.ethernetHeader }

        public static func - (later: Direction, earlier: Direction) -> Direction {
            Direction(
                bytes: later.bytes - earlier.bytes, packets: later.packets - earlier.packets,
                errors: later.errors - earlier.errors, dropped: later.dropped - earlier.dropped)
        }
    }
    public var rx: Direction
    public var tx: Direction

    /// What passed between two readings.
    public static func - (later: Self, earlier: Self) -> Self {
        Self(rx: later.rx - earlier.rx, tx: later.tx - earlier.tx)
    }
}

extension Namespace {
    /// The counts of one interface, as the kernel keeps them.
    public func statistics(of interface: String) throws -> InterfaceStatistics {
        struct Reply: Decodable { var stats64: InterfaceStatistics }
        let reply = try run(["ip", "-j", "-s", "link", "show", "dev", interface]).json(as: [Reply].self)
        guard let first = reply.first else { throw LabError.unreadable(what: "ip link show \(interface)", text: "[]") }
        return first.stats64
    }

    /// Switches segmentation and receive offload. Off, each packet is counted as the air carries it; on, in pieces of up to 64 KB.
    public func setOffload(_ on: Bool, on interface: String) throws {
        let word = on ? "on" : "off"
        try run(["ethtool", "-K", interface, "tso", word, "gso", word, "gro", word])
    }
}
