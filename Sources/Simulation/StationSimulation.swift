import Charging
import HAL
import OrderedCollections
public import Primitives
public import SimulatedHAL

/// One station from one seed: the simulated board, the charging engine, a disk that forgets, wallets that cheat,
/// and someone who checks every promise at every step.
///
/// ```
///  wallets ─┐                                    ┌─▶ SimulatedDisk (may be full)
///  links ───┼▶ batch ─▶ till.decide ─▶ persist ───┤
///  sample ──┘        (killed anywhere here)      └─▶ SimulatedWorld's gate ─▶ truth ─▶ SimulationChecker
/// ```
/// The driver does what `Station.Cashier` does, without tasks: scheduling cannot be replayed, this can.
public struct StationSimulation: Sendable {
    public struct Settings: Sendable {
        public var seed: UInt64
        public var lasting = Nanoseconds.seconds(120)
        public var sampleInterval = Nanoseconds.seconds(1)
        public var mixture = SimulatedScriptStep.Mixture()
        /// The agent is killed this often on average, beside the reboots of the mixture. nil: never.
        public var killPace: Int? = 25
        /// Of so many chances within a batch to be killed, one is taken. nil: none.
        public var killWithinBatch: Int? = 250
        /// Of so many commits one fails although the one before it did not. nil: none.
        public var failsCommit: Int? = 200
        public var saveInterval = Nanoseconds.seconds(10)
        public var mutations: Set<SimulationMutation> = []
        /// Keeps the last lines of what happened, to read after a violation.
        public var keepsLog = false

        public init(seed: UInt64) { self.seed = seed }
    }

    let settings: Settings
    var world: SimulatedWorld
    var random: SplitMix64
    var disk = SimulatedDisk()
    var wallets: [SimulatedWallet] = []
    let forger: PrivateKey
    let station: StationID
    var checker = SimulationChecker()
    public internal(set) var report = SimulationReport()
    /// See ``Settings/keepsLog``.
    public private(set) var log: [String] = []
    static let logLimit = 4_000

    /// nil while the agent is dead.
    var till: Till?
    var engine: ChargingEngine? { till?.engine }
    var restartAt = Instant.zero
    var startedAt = Instant.zero
    var bootsAtStart = 0
    /// The gate had been flushed when the counters were last read.
    var isGateGone = false
    /// What the gate refused, as it was then, and what the counters last said: for mutations.
    var stale: [Action: GateChange] = [:]
    var lastReadings: [MeterReading] = []
    /// A shorter lease was on disk when the agent died, and the gate may still go by the longer one.
    var mayHoldOlderLease = false
    var pins: [UInt32: Set<Neighbour>] = [:]
    var blockedByOwner: [MACAddress] = []
    /// The largest voucher that was ever on disk.
    var paidDurably: [ChannelID: QLC] = [:]

    public init(_ settings: Settings) {
        self.settings = settings
        var random = SplitMix64(seed: settings.seed)
        var worldSettings = SimulatedWorld.Settings(seed: random.next())
        worldSettings.gateFlaws = Set(settings.mutations.compactMap(\.gateFlaw))
        worldSettings.keepsStationKeys = !settings.mutations.contains(.airWithoutKeys)
        worldSettings.wall.secondsSince1970 += Int64(random.number(0...86_399))
        let script = SimulatedScriptStep.random(seed: random.next(), lasting: settings.lasting, settings.mixture)
        world = SimulatedWorld(worldSettings, script: script)
        station = PrivateKey(seed: random.bytes(32))!.publicKey
        forger = PrivateKey(seed: random.bytes(32))!
        let numbers = Array(settings.mixture.clients) + (settings.mixture.spoofers.map(Array.init) ?? [])
        for number in numbers { wallets.append(SimulatedWallet(number: number, station: station, random: &random)) }
        self.random = random
        report.seeds = 1
    }

    /// Runs many stations one after the other.
    public static func run(
        seeds: Range<UInt64>, hours: Double, configure: (inout Settings) -> Void = { _ in }
    ) -> SimulationReport {
        var total = SimulationReport()
        for seed in seeds {
            var settings = Settings(seed: seed)
            settings.lasting = Nanoseconds(Int64(hours * 3.6e12))
            configure(&settings)
            var simulation = StationSimulation(settings)
            total.add(simulation.run())
        }
        return total
    }

    /// Runs to the end: everybody leaves, every account is closed and checked.
    public mutating func run() -> SimulationReport {
        while world.elapsed.nanoseconds < settings.lasting.count, report.violations.count < SimulationReport.violationLimit {
            step()
        }
        if report.violations.isEmpty { closeDown() }
        report.virtualTime = Nanoseconds(world.elapsed.nanoseconds)
        report.bytes = world.truth.bytes
        report.records = disk.usage.count
        report.sessions = checker.sessions.count
        for (fault, count) in world.faultCounts { meet("fault \(fault.rawValue)", count) }
        if world.truth.spoofedPackets > 0 { meet("spoofed packets") }
        if world.truth.packetsDropped > 0 { meet("dropped packets") }
        report.mix(world.truth.bytes)
        return report
    }

    /// One sample interval: the world goes on, people act, the agent works, everything is checked.
    public mutating func step() {
        report.steps += 1
        let target = world.elapsed + settings.sampleInterval
        let between = world.elapsed + random.milliseconds(50...Int(settings.sampleInterval.count / 1_000_000) - 50)
        for instant in [between, target] {
            if world.elapsed < instant { world.advance(to: instant) }
            notePower()
            if engine == nil, world.isPowered, world.elapsed >= restartAt { start() }
            var batch = linkEvents()
            batch += buyersAct()
            batch += ownerActs()
            if !batch.isEmpty { turn(batch) }
        }
        sample()
        check()
        if let pace = settings.killPace, engine != nil, random.chance(1, in: pace) { kill("killed between batches") }
    }

    /// Faults end, devices leave, and the agent has all the time it needs.
    private mutating func closeDown() {
        world.endFaults()
        for number in world.clientNumbers { world.perform(.leave(number, politely: true)) }
        isClosing = true
        for _ in 0..<60 {
            world.advance(by: settings.sampleInterval)
            world.endFaults()
            notePower()
            if engine == nil { start() }
            let ids = engine.map { Array($0.sessions.values.filter(\.isActive).map(\.id)) } ?? []
            if !ids.isEmpty { turn(ids.map { SimulatedRequest(event: .end($0, .left)) }) }
            sample()
            check()
            if let till, till.engine.sessions.isEmpty, till.isSettled { break }
        }
        checkEnd()
    }

    /// No more deaths: the end of the run.
    var isClosing = false

    mutating func meet(_ what: String, _ times: Int = 1) { report.coverage[what, default: 0] += times }

    mutating func note(_ line: (StationSimulation) -> String) {
        guard settings.keepsLog else { return }
        if log.count >= Self.logLimit { log.removeFirst(Self.logLimit / 2) }
        log.append("\(report.steps) \(world.elapsed.nanoseconds / 1_000_000) ms: \(line(self))")
    }

    mutating func violated(_ promise: SimulationViolation.Promise, _ what: String) {
        note { _ in "VIOLATION \(what)" }
        guard report.violations.count < SimulationReport.violationLimit else { return }
        report.violations.append(
            SimulationViolation(promise: promise, seed: settings.seed, step: report.steps, at: world.elapsed, what: what))
    }
}
