public import HAL
public import Primitives

/// A board with its air, its clients and its packet gate, as a value: no I/O, no clock, no other source of chance than the seed.
///
/// ```
///  script ─▶ agenda ─▶ clients ─▶ air ─▶ gate ─▶ truth
///                        │                 ▲
///            link events ▼                 │ apply, readings
///                        the agent ────────┘  (may die; the gate goes on)
/// ```
/// Time moves only by ``advance(to:)``. The same seed, script and calls give the same world.
public struct SimulatedWorld: Sendable {
    public struct Settings: Sendable {
        public var seed: UInt64
        /// The ports that clients are on. Those with other credentials are on another port.
        public var ports = ["wlan0", "wlan1"]
        public var uplink = "wan0"
        public var wall = WallTime(secondsSince1970: 1_795_424_400)  // 2026-11-23T09:00:00Z
        /// Per-station keys: nobody can speak under the MAC of another device of the same port (datapath.md).
        public var keepsStationKeys = true
        public var gateFlaws: Set<SimulatedGateModel.Flaw> = []

        public init(seed: UInt64) { self.seed = seed }
    }

    public let settings: Settings
    /// Since the world began. Boots and clock jumps do not change it.
    public internal(set) var elapsed = Instant.zero
    public internal(set) var gate: SimulatedGateModel
    public internal(set) var gateLife: UInt32 = 0
    public internal(set) var isGateOpen = false
    public internal(set) var truth = SimulatedTruth()
    /// Those under way, each with how often it was begun so that an end only ends its own beginning.
    public internal(set) var faults: [SimulatedFault: Int] = [:]
    /// How often each kind of fault has happened.
    public internal(set) var faultCounts: [SimulatedFault: Int] = [:]
    /// When the last fault began or ended.
    public internal(set) var lastFault: Instant?
    public internal(set) var boots = 1

    var clients: [SimulatedClient] = []
    var agenda: [SimulatedScriptStep] = []
    var random: SplitMix64
    var bootedAt = Instant.zero
    var wallOffset: Int64 = 0
    var neighbourTable: [IPAddress: Neighbour] = [:]
    var pins: [IPAddress: Neighbour] = [:]
    var linkEvents: [LinkEvent] = []
    var linkBytes: [String: (received: UInt64, sent: UInt64)] = [:]
    /// Of clients, on all ports together.
    var packets: (received: UInt64, sent: UInt64) = (0, 0)

    /// Traffic is moved in stretches of at most this, so that both directions draw on a quota in turn.
    static let stretch = Nanoseconds.milliseconds(250)
    static let bootSeconds = 5
    static let linkEventLimit = 1_024
    public static let clientLimit = 4_096

    /// - Parameter script: in any order; what is past is done at once.
    public init(_ settings: Settings, script: [SimulatedScriptStep] = []) {
        self.settings = settings
        random = SplitMix64(seed: settings.seed)
        gate = SimulatedGateModel(flaws: settings.gateFlaws)
        for step in script { schedule(step) }
    }

    // MARK: clocks

    public var boot: Instant { Instant(nanoseconds: elapsed.nanoseconds - bootedAt.nanoseconds) }

    public var now: Moment {
        let wall = settings.wall.secondsSince1970 + elapsed.nanoseconds / 1_000_000_000 + wallOffset
        let sinceBoot = WallTime(secondsSince1970: boot.nanoseconds / 1_000_000_000)
        return Moment(boot: boot, wall: faults[.clockUnset] != nil ? sinceBoot : WallTime(secondsSince1970: wall))
    }

    public var bootID: String {
        let digits = String(boots, radix: 16)
        return "51515151-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
    }

    /// No power: nothing is carried and no agent lives.
    public var isPowered: Bool { faults[.reboot] == nil }
    /// The store must fail while this holds.
    public var isDiskFull: Bool { faults[.diskFull] != nil }

    // MARK: clients

    public var clientNumbers: [Int] { clients.map(\.number) }

    /// Who answers for an address on the link.
    public func neighbour(at address: IPAddress) -> Neighbour? { neighbourTable[address] }

    public func client(_ number: Int) -> SimulatedClient? { index(of: number).map { clients[$0] } }

    /// Who the device with this number is on the link; nil while it is not there.
    public func simulatedClient(_ number: Int) -> (port: String, mac: MACAddress, addresses: [IPAddress])? {
        guard let client = client(number), client.isPresent else { return nil }
        return (client.port, client.mac, client.addresses)
    }

    func index(of number: Int) -> Int? {
        var (low, high) = (0, clients.count)
        while low < high {
            let middle = (low + high) / 2
            if clients[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < clients.count && clients[low].number == number ? low : nil
    }

    // MARK: time

    public mutating func advance(by interval: Nanoseconds) { advance(to: elapsed + interval) }

    /// Lets the world go on until `target`, since it began. What is past stays.
    public mutating func advance(to target: Instant) {
        while let next = agenda.last, next.at <= target {
            agenda.removeLast()
            flow(to: next.at)
            perform(next.deed)
        }
        flow(to: target)
    }

    /// Puts a step in its place: after those of the same time.
    public mutating func schedule(_ step: SimulatedScriptStep) {
        var (low, high) = (0, agenda.count)  // latest first
        while low < high {
            let middle = (low + high) / 2
            if agenda[middle].at > step.at { low = middle + 1 } else { high = middle }
        }
        agenda.insert(step, at: low)
    }

    private mutating func flow(to target: Instant) {
        while elapsed < target {
            let start = elapsed
            let end = min(target, start + Self.stretch)
            if isPowered {
                for index in clients.indices where clients[index].isPresent && clients[index].traffic != nil {
                    carry(index, from: start, to: end)
                }
                countService(from: start, to: end)
            }
            elapsed = end
        }
    }

    private mutating func countService(from start: Instant, to end: Instant) {
        for mark in gate.marks {
            let served = gate.served(mark, from: start, to: end)
            if served > .zero {
                truth.carried[SimulatedTruth.Account(gateLife: gateLife, mark: mark), default: .init()].served += served
            }
        }
    }

    // MARK: packets

    private mutating func carry(_ index: Int, from start: Instant, to end: Instant) {
        guard let traffic = clients[index].traffic else { return }
        let end = clients[index].trafficEnds.map { min($0, end) } ?? end
        guard end > start else {
            clients[index].traffic = nil
            return
        }
        let burst = UInt64(traffic.burstTime(at: end) - traffic.burstTime(at: start))
        let wanted = { (rate: UInt64) in rate * (burst / 1_000) / 1_000_000 }
        clients[index].pendingUp += wanted(traffic.rateUp)
        clients[index].pendingDown += wanted(traffic.rateDown)
        let up = clients[index].pendingUp / traffic.packetUp
        let down = clients[index].pendingDown / traffic.packetDown
        clients[index].pendingUp -= up * traffic.packetUp
        clients[index].pendingDown -= down * traffic.packetDown
        guard up > 0 || down > 0 else { return }
        let name = identity(of: clients[index])
        guard isHeard(clients[index], as: name) else {
            drop(up + down, isSpoofed: clients[index].disguise != nil)
            return
        }
        linkBytes[name.port, default: (0, 0)].received += up * traffic.packetUp
        packets.received += up
        guard let mark = gate.mark(port: name.port, mac: name.mac, address: name.address) else {
            drop(up + down, isSpoofed: clients[index].disguise != nil)
            return
        }
        pass(index, mark, .up, count: up, size: traffic.packetUp, from: start, to: end)
        // What comes down goes to whoever answers for the address.
        guard let answering = neighbourTable[name.address], answering.port == name.port else { return }
        let receiver =
            answering.mac == clients[index].mac ? index : clients.firstIndex { $0.mac == answering.mac && $0.isPresent }
        guard let receiver else { return }
        linkBytes[name.port, default: (0, 0)].sent += down * traffic.packetDown
        packets.sent += down
        pass(receiver, mark, .down, count: down, size: traffic.packetDown, from: start, to: end)
    }

    private mutating func pass(
        _ index: Int, _ mark: ClientMark, _ direction: SimulatedGateModel.Direction, count: UInt64, size: UInt64,
        from start: Instant, to end: Instant
    ) {
        guard count > 0 else { return }
        let passed = gate.pass(mark, direction, count: count, size: size, from: start, to: end)
        drop(count - passed, isSpoofed: clients[index].disguise != nil)
        guard passed > 0 else { return }
        let bytes = passed * size
        truth.packetsCarried += passed
        truth.carry(
            SimulatedTruth.Account(gateLife: gateLife, mark: mark), direction, bytes, by: clients[index].number)
        if clients[index].disguise != nil {
            truth.spoofedPackets += passed
            truth.spoofedPacketsCarried += passed
        }
        switch direction {
        case .up: clients[index].carriedUp += bytes
        case .down: clients[index].carriedDown += bytes
        }
    }

    private mutating func drop(_ packets: UInt64, isSpoofed: Bool) {
        truth.packetsDropped += packets
        if isSpoofed { truth.spoofedPackets += packets }
    }

    /// The name that a device's packets bear.
    private mutating func identity(of client: SimulatedClient) -> Neighbour {
        var (mac, addresses) = (client.mac, client.addresses)
        if let disguise = client.disguise, let victim = self.client(disguise.victim) {
            if disguise.kind != .addresses { mac = victim.mac }
            if disguise.kind != .mac, !victim.addresses.isEmpty { addresses = victim.addresses }
        }
        // New flows use the newest address (RFC 6724), old ones the address they began with.
        let address = random.chance(1, in: 2) ? addresses[addresses.count - 1] : random.pick(addresses)
        return Neighbour(port: client.port, mac: mac, address: address)
    }

    /// Whether the access point takes a frame for what it says it is.
    private func isHeard(_ client: SimulatedClient, as name: Neighbour) -> Bool {
        guard hasCarrier(client.port) else { return false }
        guard name.mac != client.mac, settings.keepsStationKeys else { return true }
        return !clients.contains { $0.number != client.number && $0.mac == name.mac && $0.port == name.port }
    }

    func hasCarrier(_ port: String) -> Bool { isPowered && faults[.radioGone] == nil && faults[.interfaceDown] == nil }
}
