public import HAL
public import Primitives
import Synchronization

/// The Wi-Fi of a simulated board: a test or a person says who joins with which passphrase, and sees what the station made of it.
///
/// Like the real one it goes on while nobody asks, tells its news to one listener, and may lose them.
public final class SimulatedAccessPoint: Sendable {
    /// What is broken.
    public enum Fault: String, Hashable, Sendable, CaseIterable {
        /// Nothing can be asked of the radio, and nobody is on the air.
        case radioGone
        /// The authenticator is dead: it is not on the air until it was told again to serve.
        case authenticatorDead
        /// Who is on the air cannot be read.
        case clientsUnreadable
        /// News get lost; what is so can still be seen.
        case newsLost
        /// Who left is listed until this ends.
        case forgetsLate
    }

    private struct Device {
        var port: String
        var credential: String
        var joined: Instant
        var heard: Instant
        var signal: Int8 = -50
    }

    private struct State {
        var isOnAir = false
        var credentials: [WirelessCredential] = []
        var timesServed = 0
        var devices: [MACAddress: Device] = [:]
        var leases: [Lease] = []
        var power: UInt32 = 0
        var channel = 1
        var faults: Set<Fault> = []
        var listener: AsyncStream<WirelessNews>.Continuation?
    }

    public let ports: [String]
    private let clocks: any Clocks
    private let state = Mutex(State())

    static let newsLimit = 64
    static let deviceLimit = 2_007  // association ids of 802.11
    static let channels = [1, 6, 11]

    public init(clocks: any Clocks, ports: [String] = ["wlan0"]) {
        self.clocks = clocks
        self.ports = ports
    }

    // MARK: what is seen

    public var credentials: [WirelessCredential] { state.withLock { $0.credentials } }
    public var timesServed: Int { state.withLock { $0.timesServed } }
    public var power: UInt32 { state.withLock { $0.power } }
    public var isOnAir: Bool { state.withLock { $0.isOnAir } }

    // MARK: what is done to it

    /// A device comes with a credential.
    /// - Returns: whether it is let in
    @discardableResult
    public func join(_ mac: MACAddress, with credential: String, on port: String? = nil) -> Bool {
        let (port, now) = (port ?? ports[0], clocks.now().boot)
        let isKnown = state.withLock { state in
            guard state.isOnAir, state.devices.count < Self.deviceLimit, ports.contains(port),
                state.credentials.contains(where: { $0.id == credential })
            else { return false }
            state.devices[mac] = Device(port: port, credential: credential, joined: now, heard: now)
            return true
        }
        guard isKnown else {
            tell(.refused(port: port, mac: mac))
            return false
        }
        tell(.began(port: port, mac: mac))
        tell(.joined(port: port, mac: mac))
        return true
    }

    /// A device takes its leave.
    public func leave(_ mac: MACAddress) {
        let device = state.withLock { state in
            guard let device = state.devices[mac] else { return Device?.none }
            if !state.faults.contains(.forgetsLate) { state.devices[mac] = nil }
            return device
        }
        if let device { tell(.left(port: device.port, mac: mac)) }
    }

    /// Nothing was heard of a device since: what walking away looks like until the access point parts with it.
    public func silence(_ mac: MACAddress, since heard: Instant) { state.withLock { $0.devices[mac]?.heard = heard } }
    public func set(signal: Int8, of mac: MACAddress) { state.withLock { $0.devices[mac]?.signal = signal } }
    public func set(_ leases: [Lease]) { state.withLock { $0.leases = leases } }

    public func begin(_ fault: Fault) {
        state.withLock { state in
            state.faults.insert(fault)
            guard fault == .radioGone || fault == .authenticatorDead else { return }
            (state.isOnAir, state.devices) = (false, [:])
        }
        if fault == .radioGone || fault == .authenticatorDead { tell(.changed) }
    }

    public func end(_ fault: Fault) { state.withLock { _ = $0.faults.remove(fault) } }

    /// A listener that is slower than its news is told to look again.
    private func tell(_ news: WirelessNews) {
        let listener = state.withLock { $0.faults.contains(.newsLost) ? nil : $0.listener }
        if case .dropped = listener?.yield(news) { listener?.yield(.changed) }
    }

    private func refuse(_ faults: Fault...) throws(HALError) {
        try state.withLock { state throws(HALError) in
            for fault in faults where state.faults.contains(fault) {
                throw HALError(.missing, "the simulated radio: \(fault.rawValue)", mend: "end the fault")
            }
        }
    }
}

extension SimulatedAccessPoint: AccessPoint {
    public func serve(_ credentials: [WirelessCredential], power: UInt32) async throws(HALError) {
        try refuse(.radioGone, .authenticatorDead)
        let parted = state.withLock { state in
            let gone = state.devices.filter { device in !credentials.contains { $0.id == device.value.credential } }
            for mac in gone.keys { state.devices[mac] = nil }
            (state.credentials, state.power, state.isOnAir) = (credentials, power, true)
            state.timesServed += 1
            return gone
        }
        for (mac, device) in parted { tell(.left(port: device.port, mac: mac)) }
    }

    public func clients() async throws(HALError) -> [WirelessClient] {
        try refuse(.radioGone, .clientsUnreadable)
        let now = clocks.now().boot
        return state.withLock { state in
            state.devices.sorted { $0.key < $1.key }.map { mac, device in
                var client = WirelessClient(port: device.port, mac: mac, credential: device.credential)
                (client.signal, client.inactive, client.connected) = (device.signal, now - device.heard, now - device.joined)
                return client
            }
        }
    }

    public func disconnect(_ mac: MACAddress) async throws(HALError) {
        try refuse(.radioGone, .authenticatorDead)
        leave(mac)
    }

    public func news() async throws(HALError) -> AsyncStream<WirelessNews> {
        try refuse(.radioGone)
        let (stream, continuation) = AsyncStream.makeStream(
            of: WirelessNews.self, bufferingPolicy: .bufferingNewest(Self.newsLimit))
        let earlier = state.withLock { state in
            defer { state.listener = continuation }
            return state.listener
        }
        earlier?.finish()
        return stream
    }

    public func move(toChannel number: Int) async throws(HALError) {
        try refuse(.radioGone, .authenticatorDead)
        guard Self.channels.contains(number) else {
            throw HALError(.unsupported, "channel \(number) is not allowed here", mend: "use 1, 6 or 11")
        }
        state.withLock { $0.channel = number }
    }

    public func radios() async throws(HALError) -> [Radio] {
        try refuse(.radioGone)
        return state.withLock { state in
            [
                Radio(
                    name: "phy0", canBeAccessPoint: true, block: nil,
                    channels: Self.channels.map {
                        .init(
                            number: $0, megahertz: UInt32(2_407 + 5 * $0), isAllowed: true, needsRadarCheck: false,
                            maximumPower: 2_000)
                    },
                    ports: ports.map {
                        RadioPort(name: $0, ssid: "", isOnAir: state.isOnAir, channel: state.channel, power: state.power)
                    })
            ]
        }
    }

    public func country() async throws(HALError) -> String {
        try refuse(.radioGone)
        return "DE"
    }

    /// Nobody else is on the simulated air.
    public func scan() async throws(HALError) -> [HeardCell] {
        try refuse(.radioGone)
        return []
    }

    public func survey() async throws(HALError) -> [ChannelUse] {
        try refuse(.radioGone)
        return Self.channels.map { ChannelUse(channel: $0, listened: 1_000, busy: 100, noise: -92) }
    }

    public func leases() async throws(HALError) -> [Lease] { state.withLock { $0.leases } }
}
