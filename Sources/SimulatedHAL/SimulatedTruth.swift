public import HAL
public import Primitives

/// What the world itself saw pass, kept apart from the gate's counters and never reset.
public struct SimulatedTruth: Hashable, Sendable {
    /// A mark within one life of the gate: a new gate starts its counters, and may start its marks, anew.
    public struct Account: Hashable, Sendable {
        public var gateLife: UInt32
        public var mark: ClientMark

        public init(gateLife: UInt32, mark: ClientMark) {
            self.gateLife = gateLife
            self.mark = mark
        }
    }

    public struct Carried: Hashable, Sendable {
        public var up: UInt64 = 0
        public var down: UInt64 = 0
        /// Time for which the gate would have served.
        public var served = Nanoseconds.zero
        /// Bytes by the device that sent or received them.
        public var byClient: [Int: UInt64] = [:]

        public var bytes: UInt64 { up + down }

        public init() {}
    }

    public internal(set) var carried: [Account: Carried] = [:]
    public internal(set) var bytes: UInt64 = 0
    /// Packets that the gate, the lease, the quota or the air refused.
    public internal(set) var packetsDropped: UInt64 = 0
    public internal(set) var packetsCarried: UInt64 = 0
    /// Packets of disguised senders: how many tried, how many passed as somebody.
    public internal(set) var spoofedPackets: UInt64 = 0
    public internal(set) var spoofedPacketsCarried: UInt64 = 0

    mutating func carry(_ account: Account, _ direction: SimulatedGateModel.Direction, _ bytes: UInt64, by client: Int) {
        var entry = carried[account] ?? Carried()
        switch direction {
        case .up: entry.up += bytes
        case .down: entry.down += bytes
        }
        entry.byClient[client, default: 0] += bytes
        carried[account] = entry
        self.bytes += bytes
    }
}
