import Charging
import HAL
import LinuxHAL
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
    /// What the store shall take for the name of this boot.
    var bootID: String
    /// nil where the board is real.
    var simulated: SimulatedStation?

    init(_ configuration: StationConfiguration, rules: String) throws {
        switch configuration.hal {
        case .linux: try self.init(linux: configuration, rules: rules)
        case .simulated: try self.init(simulated: configuration)
        }
    }

    private init(linux configuration: StationConfiguration, rules: String) throws {
        let clocks = try LinuxClocks()
        var ports = LinuxPacketGate.Configuration(
            lan: configuration.allClientPorts, wan: configuration.uplinkPort, template: try Directories.read(rules))
        ports.comeAndGo = Set(configuration.wirelessPorts)
        ports.portalPort = UInt16(configuration.portalPort)
        ports.rulesPath = configuration.runtimeDirectory + "/gate.nft"
        ports.turnsOffloadsOff = !configuration.keepsOffload
        gate = LinuxPacketGate(ports)
        links = LinuxLinks()
        parts = BoardParts(linux: configuration.board)
        accessPoint = WirelessPlan(configuration).map { LinuxAccessPoint($0) }
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
        clocks = board.clocks
        // Its gate and its clock live in this process: every start is a boot, and the store must not take it for the last one.
        bootID = "simulated-\(start.wall.secondsSince1970)-\(start.boot.nanoseconds)"
        simulated = board
    }

    /// The store as this board has it: a simulated disk can be full.
    func disk(_ store: any ChargingStore) -> any ChargingStore {
        simulated.map { SimulatedDisk(store: store, board: $0) } ?? store
    }

    /// Lets a simulated board be played with, from the owner's side and the clients'.
    func connect(to seams: inout StationSeams) {
        guard let board = simulated else { return }
        seams.simulate = { order in try board.perform(order) }
        seams.simulatedClient = { number in board.neighbour(ofClient: number) }
    }

    /// What must run for the board to live. It comes first in the group: it stops last, since the others sleep by its clock.
    var services: [any Service] { simulated.map { [SimulatedTime(board: $0)] } ?? [] }
}

/// Moves a simulated board on in real time.
private struct SimulatedTime: Service {
    let board: SimulatedStation

    func run() async throws {
        let clocks = try LinuxClocks()
        try await cancelWhenGracefulShutdown {
            do { try await board.run(by: clocks) } catch is CancellationError {}
        }
        board.close()
    }
}

/// A disk that is full for as long as that fault lasts; otherwise it is the real one.
private struct SimulatedDisk: ChargingStore {
    let store: any ChargingStore
    let board: SimulatedStation

    func commit(_ records: [Record]) async throws(StorageError) {
        guard !board.isDiskFull else {
            throw StorageError(.full, "the simulated disk is full; basestation sim fault --fault none mends it")
        }
        try await store.commit(records)
    }

    func usage(since: WallTime, after last: UsageRecord?, limit: Int) async throws(StorageError) -> [Signed<UsageRecord>] {
        try await store.usage(since: since, after: last, limit: limit)
    }

    func usage(of session: SessionID) async throws(StorageError) -> Signed<UsageRecord>? { try await store.usage(of: session) }

    func totals(since: WallTime) async throws(StorageError) -> UsageTotals { try await store.totals(since: since) }
    func bytesWritten() async -> UInt64 { await store.bytesWritten() }
}

extension SimulatedStation {
    /// An order of the owner's; refused with what to write instead.
    fileprivate func perform(_ order: SimulationCommand) throws {
        do throws(HALError) {
            let command = try SimulatedCommand(
                action: order.action, client: order.client, rateUp: order.rateUp, rateDown: order.rateDown,
                seconds: order.seconds, fault: order.fault)
            if case .traffic(let number, _, _, _) = command, simulatedClient(number) == nil {
                throw HALError(.missing, "client \(number) is not there", mend: "basestation sim join --client \(number)")
            }
            // The agent would outlive the boot that its clock counts from, which no board's does.
            if case .fault(.reboot, _) = command {
                throw HALError(.unsupported, "this board reboots with its daemon", mend: "stop basestationd and start it again")
            }
            perform(command)
        } catch {
            throw Problem(error.kind == .missing ? .unknown : .malformed, error.description)
        }
    }
}

extension WirelessPlan {
    /// nil if no access point is configured.
    init?(_ configuration: StationConfiguration) {
        guard let port = configuration.wifiPort, let country = configuration.wifiCountry else { return nil }
        self.init(
            port: port, ssid: configuration.networkName, country: country, channel: configuration.wifiChannel,
            runtimeDirectory: configuration.runtimeDirectory)
        saePort = configuration.wpa3Port
        saeSSID = configuration.wpa3Name ?? ssid
        powerCeiling = UInt32(configuration.wifiPower) * 100
        usesUnits = Directories.exists("/run/systemd/system")
        portalPort = configuration.portalPort
        leaseSeconds = configuration.leaseTime.wholeSeconds
        let prefix = configuration.addressPrefix.split(separator: ".").compactMap { UInt32($0) }
        addressing = ports.enumerated().map { index, port in
            PortAddressing(
                port: port, network4: prefix[0] << 24 | prefix[1] << 16 | UInt32(index) << 8,
                network6: configuration.uniqueLocalPrefix | UInt64(index))
        }
    }
}
