import Charging
import Glibc
import HAL
import LinuxHAL
import Logging
import Primitives
import ServiceLifecycle
import SimulatedHAL
import Station
import StationAPI
import StationConfiguration

/// The board that a station runs on, real or simulated: chosen once, by `station.hal`.
struct Hardware: Sendable {
    var gate: any PacketGate
    var links: any Links
    var clocks: any Clocks
    /// Light, button, receiver and sensors, as far as there are any.
    var parts = BoardParts()
    /// nil where the station has no Wi-Fi of its own.
    var accessPoint: (any AccessPoint)?
    /// Whether the board has anything to do.
    var idleSensor: any IdleSensor
    /// What the store shall take for the name of this boot.
    var bootID: String
    /// nil where the board is real.
    var simulated: SimulatedStation?
    var simulatedAir: SimulatedAccessPoint?

    /// - Parameter secret: 32 bytes of this station alone: its networks' addresses follow from them
    init(_ configuration: StationConfiguration, rules: String, secret: [UInt8], logger: Logger) throws {
        switch configuration.hal {
        case .linux: try self.init(linux: configuration, rules: rules, secret: secret, logger: logger)
        case .simulated: try self.init(simulated: configuration)
        }
    }

    private init(linux configuration: StationConfiguration, rules: String, secret: [UInt8], logger: Logger) throws {
        let clocks = try LinuxClocks()
        var ports = LinuxPacketGate.Configuration(
            lan: configuration.allClientPorts, wan: configuration.uplinkPort, template: try Directories.read(rules))
        ports.comeAndGo = Set(configuration.wirelessPorts)
        ports.portalPort = UInt16(configuration.portalPort)
        ports.rulesPath = configuration.runtimeDirectory + "/gate.nft"
        ports.turnsOffloadsOff = !configuration.keepsOffload
        gate = LinuxPacketGate(ports)
        links = LinuxLinks()
        idleSensor = LinuxIdleSensor(ports: configuration.allClientPorts, uplink: configuration.uplinkPort, logger: logger)
        parts = BoardParts(linux: configuration.board)
        if let plan = WirelessPlan(configuration, secret: secret) {
            accessPoint = LinuxAccessPoint(plan)
        } else {
            LinuxAccessPoint.withdraw(runtimeDirectory: configuration.runtimeDirectory)
        }
        self.clocks = clocks
        bootID = clocks.bootID
    }

    private init(simulated configuration: StationConfiguration) throws {
        let start = try LinuxClocks().now()
        var settings = SimulatedWorld.Settings(seed: configuration.simulatedSeed)
        settings.ports = configuration.allClientPorts
        settings.uplink = configuration.uplinkPort
        settings.wall = start.wall
        let numbers = configuration.simulatedClients > 0 ? Array(1...configuration.simulatedClients) : []
        let board = SimulatedStation(
            SimulatedWorld(settings, script: numbers.map { SimulatedScriptStep(at: .zero, .join($0)) }))
        board.advance(to: .zero)
        gate = board.gate
        links = board.links
        idleSensor = SimulatedIdleSensor(board, cores: Self.cores)
        clocks = board.clocks
        // Its gate and its clock live in this process: every start is a boot, and the store must not take it for the last one.
        bootID = "simulated-\(start.wall.secondsSince1970)-\(start.boot.nanoseconds)"
        simulated = board
        guard configuration.wifiPort != nil else { return }
        let air = SimulatedAccessPoint(clocks: board.clocks, ports: configuration.wirelessPorts)
        (accessPoint, simulatedAir) = (air, air)
    }

    static var cores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// The store as this board has it: a simulated disk can be full.
    func disk(_ store: any ChargingStore) -> any ChargingStore {
        simulated.map { SimulatedDisk(store: store, board: $0) } ?? store
    }

    /// Lets a simulated board be played with, from the owner's side and the clients'.
    func connect(to seams: inout StationSeams) {
        guard let board = simulated else { return }
        let player = SimulationPlayer(board: board, air: simulatedAir)
        seams.simulate = { order in try player.perform(order) }
        seams.simulatedClient = { number in board.neighbour(ofClient: number) }
    }

    /// What must run for the board to live. It comes first in the group: it stops last, since the others sleep by its clock.
    var services: [any Service] { simulated.map { [SimulatedTime(board: $0)] } ?? [] }
}

extension WirelessPlan {
    /// nil if no access point is configured.
    init?(_ configuration: StationConfiguration, secret: [UInt8]) {
        guard let port = configuration.wifiPort, let country = configuration.wifiCountry else { return nil }
        self.init(
            port: port, ssid: configuration.networkName, country: country, channel: configuration.wifiChannel,
            runtimeDirectory: configuration.runtimeDirectory)
        saePort = configuration.wpa3Port
        saeSSID = configuration.wpa3Name ?? ssid
        usesUnits = Directories.exists("/run/systemd/system")
        portalPort = configuration.portalPort
        leaseSeconds = configuration.leaseTime.wholeSeconds
        let prefix = configuration.addressPrefix.split(separator: ".").compactMap { UInt32($0) }
        addressing = ports.enumerated().map { index, port in
            PortAddressing(
                port: port, network4: prefix[0] << 24 | prefix[1] << 16 | UInt32(index) << 8,
                network6: Self.uniqueLocalPrefix(secret) | UInt64(index))
        }
    }

    /// fd00::/8 and 40 random bits that stay the same (RFC 4193, section 3.2).
    private static func uniqueLocalPrefix(_ secret: [UInt8]) -> UInt64 {
        TaggedHash.keyed(secret, Array("qlink/unique-local".utf8)).bytes.prefix(5).reduce(UInt64(0xfd)) { $0 << 8 | UInt64($1) }
            << 16
    }
}
