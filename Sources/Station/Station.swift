public import Charging
public import HAL
public import Logging
public import Primitives
public import StationAPI

/// What the two APIs ask the station for. Composition only: who decides is the engine, who keeps is the store.
public struct Station: Sendable {
    public var settings: StationSettings
    let cashier: Cashier
    let directory: ClientDirectory
    let store: any ChargingStore
    let book: any ChannelRegister
    let links: any Links
    let clocks: any Clocks
    let offers: OfferDesk
    let codes: CodeDesk
    let key: PrivateKey
    let seams: StationSeams
    let logger: Logger
    let startedAt: Instant

    public init(
        settings: StationSettings, key: PrivateKey, codesKey: [UInt8], cashier: Cashier, directory: ClientDirectory,
        store: any ChargingStore, book: any ChannelRegister, links: any Links, clocks: any Clocks,
        seams: StationSeams = StationSeams(), logger: Logger
    ) {
        self.settings = settings
        self.key = key
        self.cashier = cashier
        self.directory = directory
        self.store = store
        self.book = book
        self.links = links
        self.clocks = clocks
        self.seams = seams
        self.logger = logger
        offers = OfferDesk(key: key, lifetime: settings.offerLifetime)
        codes = CodeDesk(key: codesKey, attemptsPerMinute: settings.codeAttemptsPerMinute)
        startedAt = clocks.now().boot
    }

    var id: StationID { key.publicKey }

    /// The tariff of that id, or the default one; nil if there is none.
    func tariff(_ id: String?) async -> Tariff? {
        await cashier.tariff(id, otherwise: settings.defaultTariffID)
    }
}

/// The station's own channel book, as the control API needs it; the ledger takes its place.
public protocol ChannelRegister: Sendable {
    /// On disk, signed and chained, before it returns.
    func append(_ event: ChannelEvent) async throws(StorageError)
}

/// What only the composition root can give.
public struct StationSeams: Sendable {
    /// Text of the configuration file as it was last read.
    public var configuration: @Sendable () async -> String = { "" }
    /// Reads the configuration anew; says what changed.
    public var reload: (@Sendable () async throws -> [String])?
    /// What another text would change of what is in force.
    public var configurationChanges: (@Sendable (String) async throws -> [String])?
    /// Steers the simulated air; nil where the HAL is real.
    public var simulate: (@Sendable (SimulationCommand) async throws -> Void)?
    /// The simulated device that speaks for a loopback caller, by its number.
    public var simulatedClient: (@Sendable (Int) async -> Neighbour?)?
    /// nil where the station has no access point of its own.
    public var wireless: WirelessKeeper?
    /// The radio is to learn of new keys and of those that are no more.
    public var keysChanged: @Sendable () async -> Void = {}
    /// The key that a device is on the air with.
    public var wirelessKey: @Sendable (MACAddress) async -> UInt32? = { _ in nil }
    /// Blinks the light for a while.
    public var identify: @Sendable () async -> Void = {}
    public var position: @Sendable () async -> Position? = { nil }
    /// What of the board does not work, each with its mend.
    public var boardAlerts: @Sendable () async -> [String] = { [] }
    public var temperature: @Sendable () async -> Int? = { nil }
    /// nil where the station has no chain node.
    public var chain: ChainSeam?
    /// nil where the station does not mine.
    public var mining: MiningSeam?
    /// nil where the station runs no pool.
    public var pool: PoolSeam?

    public init() {}
}
