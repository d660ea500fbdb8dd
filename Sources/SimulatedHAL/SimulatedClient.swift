public import Primitives

/// A device in reach of the station.
public struct SimulatedClient: Hashable, Sendable {
    public let number: Int
    public internal(set) var port: String
    public internal(set) var mac: MACAddress
    /// Newest last.
    public internal(set) var addresses: [IPAddress] = []
    public internal(set) var isPresent = false
    public internal(set) var stack = SimulatedStack.dual
    public internal(set) var traffic: SimulatedTraffic?
    public internal(set) var trafficEnds: Instant?
    /// The largest packet it ever sent or asked for.
    public internal(set) var largestPacket: UInt64 = 0
    /// In whose name it sends, and what of theirs it uses.
    public internal(set) var disguise: Disguise?
    /// What really passed, whoever's name was on it.
    public internal(set) var carriedUp: UInt64 = 0
    public internal(set) var carriedDown: UInt64 = 0

    public struct Disguise: Hashable, Sendable {
        public var victim: Int
        public var kind: SimulatedDisguise
    }

    /// What it had wanted to move and was too little for a packet.
    var pendingUp: UInt64 = 0
    var pendingDown: UInt64 = 0
    /// How often it changed its name.
    var generation: UInt64 = 0

    static let privacyAddressLimit = 24

    init(number: Int, port: String) {
        self.number = number
        self.port = port
        mac = Self.mac(number, generation: 0)
    }

    /// `02:51:00:00:00:NN`; after a change of MAC the third and fourth octets count up.
    static func mac(_ number: Int, generation: UInt64) -> MACAddress {
        MACAddress(value: 0x0251_0000_0000 | (generation & 0xffff) << 16 | UInt64(number & 0xffff))
    }

    /// `10.77.0.NN` and `fd77::NN` to begin with.
    static func addresses(_ number: Int, _ stack: SimulatedStack, generation: UInt64) -> [IPAddress] {
        let v4 = IPAddress.v4(0x0a4d_0000 + UInt32(truncatingIfNeeded: generation % 64) << 16 + UInt32(number & 0xffff))
        let v6 = IPAddress.v6(high: 0xfd77_0000_0000_0000, low: generation << 32 | UInt64(number & 0xffff))
        switch stack {
        case .v4: return [v4]
        case .v6: return [v6]
        case .dual: return [v4, v6]
        }
    }

    static func privacyAddress(_ random: inout SplitMix64) -> IPAddress {
        .v6(high: 0xfd77_0000_0000_0000, low: random.next() | 1 << 63)
    }
}
