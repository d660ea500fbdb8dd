import ArgumentParser
import Charging
import Glibc
import HAL
import Logging
import Primitives
import ServiceLifecycle
import Station
import StationConfiguration
import Store
import UnixSignals

/// The station's daemon. This page is the whole composition: configuration → store → hardware → recovery → services.
@main
struct Daemon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "basestationd", abstract: "Runs a Qlink base station.",
        discussion: "Example: basestationd --config /etc/basestation/station.toml", version: "0.1.0")

    @Option(help: "The configuration file.") var config = "/etc/basestation/station.toml"
    @Option(help: "The packet gate's rules.") var rules = "/usr/share/basestation/gate.nft"

    func run() async throws {
        do { try await serve() } catch {
            let words = Array("basestationd: \(error)\n".utf8)
            _ = write(2, words, words.count)
            throw ExitCode(Self.exitCode(for: error))
        }
    }

    private func serve() async throws {
        signal(SIGPIPE, SIG_IGN)
        let file = ConfigurationFile(path: config, environment: Environment.all)
        let configuration = try file.start()
        let logger = Log.bootstrap(level: configuration.logLevel)

        let directory = configuration.stateDirectory
        try Directories.make(configuration.stateDirectory, mode: 0o700)
        try Directories.make(configuration.runtimeDirectory, mode: 0o755)
        var settings = StationSettings(configuration)
        try ControlServer.claim(settings.controlSocket)
        let key = PrivateKey(seed: try KeyFile.loadOrCreate(directory + "/station.key"))!
        let codesKey = try KeyFile.loadOrCreate(directory + "/codes.key")
        settings.wirelessSecret = try KeyFile.loadOrCreate(directory + "/wireless.key")
        let store = try StationStore(directory: directory, key: key)

        let board = try Hardware(configuration, rules: rules, secret: settings.wirelessSecret, logger: logger)
        let (gate, links, clocks) = (board.gate, board.links, board.clocks)
        let disk = board.disk(store)

        let marks = try await gate.open()
        let sameBoot = try await store.enter(bootID: board.bootID)
        let stored = try await store.load()
        var limits = ChargingLimits()
        limits.saveInterval = configuration.saveInterval
        let (engine, actions) = ChargingEngine.restore(
            station: key.publicKey, tariffs: configuration.tariffs, limits: limits, from: stored,
            marks: marks.map(\.value), sameBoot: sameBoot, at: clocks.now())
        let cashier = try await Cashier(
            engine: engine, first: actions, store: disk, gate: gate, links: links, clocks: clocks,
            commitInterval: configuration.commitInterval, logger: logger)
        // What the book knows and the engine does not (the power went between the two) is told again.
        let events = try await store.channelEvents()
        let known = await cashier.read { Set($0.channels.keys) }

        let clientDirectory = ClientDirectory(
            links: links, ports: settings.clientPorts, comeAndGo: settings.wirelessPorts, cashier: cashier, logger: logger)
        let wireless = board.accessPoint.map { [settings] in
            WirelessKeeper(
                accessPoint: $0, cashier: cashier, directory: clientDirectory, settings: settings, clocks: clocks, logger: logger)
        }
        var seams = StationSeams()
        seams.configuration = { file.text }
        let reload: @Sendable () async throws -> [String] = {
            try await file.reload { _ = try await cashier.submit(.tariffs($0)) }
        }
        seams.reload = reload
        seams.configurationChanges = { try file.changes(by: $0) }
        board.connect(to: &seams)
        wireless?.connect(to: &seams)
        let keeper = BoardKeeper(configuration, board, wireless: wireless, logger: logger)
        keeper.connect(to: &seams)
        let chain = try await StationChain(
            configuration, key: key, store: store, cashier: cashier, clocks: clocks, logger: logger)
        seams.chain = chain?.seam
        let mining = await StationMining(configuration, hardware: board, cashier: cashier, store: store, logger: logger)
        seams.mining = mining?.seam
        let pool = try await StationPool(configuration, key: key, chain: chain, store: store, clocks: clocks, logger: logger)
        seams.pool = pool?.seam
        let station = Station(
            settings: settings, key: key, codesKey: codesKey, cashier: cashier, directory: clientDirectory, store: disk,
            book: StoredBook(store: store), links: links, clocks: clocks, seams: seams, logger: logger)

        logger.notice(
            "station \(key.publicKey) serves \(settings.clientPorts.joined(separator: ", ")), \(stored.sessions.count) sessions go on"
        )
        let parts: [(any Service)?] = [wireless, chain, mining, pool]
        let always: [any Service] = [
            cashier, keeper,
            ConditionWatch(board: keeper, cashier: cashier, links: links, settings: settings, wireless: wireless),
            Sampler(cashier: cashier, interval: configuration.sampleInterval), clientDirectory,
            ControlServer(station: station, logger: logger), BuyerServer(station: station, logger: logger),
            BookReplay(events: events, known: known, cashier: cashier), HangupReload(reload: reload, logger: logger),
            Watchdog(cashier: cashier, environment: Environment.all),
        ]
        let services: [any Service] = board.services + parts.compactMap(\.self) + always
        var group = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) }, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        // Whatever hangs is cancelled then: the last commit must come before systemd's patience ends.
        group.maximumGracefulShutdownDuration = .seconds(3)
        try await ServiceGroup(configuration: group).run()
        try await store.checkpoint()
    }

    /// cli.md: 1 refused, 4 not permitted.
    private static func exitCode(for error: any Error) -> Int32 {
        switch error {
        case let error as HALError where error.kind == .notPermitted: 4
        case let error as StorageError where error.kind == .notPermitted: 4
        default: 1
        }
    }
}
