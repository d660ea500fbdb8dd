public import Charging
public import HAL
public import Logging
public import Primitives
public import ServiceLifecycle

/// The one owner of the charging engine: takes events in batches, persists, then grants.
///
/// ```
///  submit ─▶ queue ─▶ engine.handle ─▶ store.commit ─▶ gate.apply ─▶ answers
///                        ▲  value copy kept             │ stopped marks are read once more
///                        └── restored if the disk fails ┘
/// ```
/// All events that wait while a commit is under way share the next one: that is the group commit.
public actor Cashier: Service {
    private var engine: ChargingEngine
    private let store: any ChargingStore
    let gate: any PacketGate
    let links: any Links
    let clocks: any Clocks
    let logger: Logger
    private var pace: CommitPace

    private struct Waiting {
        var event: ChargingEvent
        var answer: CheckedContinuation<Outcome, any Error>?
    }
    private var queue: [Waiting] = []
    private var sleeper: CheckedContinuation<Void, Never>?
    private var isStopping = false
    private var isGateLost = false
    /// Changes that the kernel refused; they are tried again with the next batch.
    private var unapplied: [GateChange] = []
    private var pins: [UInt32: Set<Neighbour>] = [:]
    public private(set) var alerts: [Alert: String] = [:]
    public private(set) var commits: UInt64 = 0
    /// The owner's choice since the start; nil: what the configuration says.
    public private(set) var defaultTariffID: String?

    public enum Alert: String, Sendable, Comparable {
        case storage, gate
        public static func < (left: Alert, right: Alert) -> Bool { left.rawValue < right.rawValue }
    }

    /// More requests than this waiting at once are refused: nothing is allocated without a bound.
    static let queueLimit = 20_000

    /// Recovery, which is the only start: what is on disk and what the kernel holds become one.
    public init(
        engine: ChargingEngine, first actions: [Action], store: any ChargingStore, gate: any PacketGate,
        links: any Links, clocks: any Clocks, commitInterval: Nanoseconds, logger: Logger
    ) async throws {
        self.engine = engine
        self.store = store
        self.gate = gate
        self.links = links
        self.clocks = clocks
        self.logger = logger
        pace = CommitPace(interval: commitInterval, now: clocks.now().boot)
        try await perform(actions)
        try await sample()
    }

    /// Hands an event in and waits until all that follows from it is on disk and in the kernel.
    public func submit(_ event: ChargingEvent) async throws -> Outcome {
        guard !isStopping else { throw StationError.stopping }
        guard queue.count < Self.queueLimit else { throw StationError.overloaded(Self.queueLimit) }
        return try await withCheckedThrowingContinuation { answer in
            queue.append(Waiting(event: event, answer: answer))
            wake()
        }
    }

    /// Hands an event in without waiting. Dropped when too many wait: usage is read again a second later.
    public func note(_ event: ChargingEvent) {
        guard !isStopping, queue.count < Self.queueLimit else { return }
        queue.append(Waiting(event: event, answer: nil))
        wake()
    }

    public func read<T: Sendable>(_ body: @Sendable (ChargingEngine) -> T) -> T { body(engine) }

    public func setDefaultTariff(_ id: String) { defaultTariffID = id }

    public func run() async throws {
        await withGracefulShutdownHandler {
            await withTaskCancellationHandler {
                await work()
            } onCancel: {
                Task { await self.stop() }
            }
        } onGracefulShutdown: {
            Task { await self.stop() }
        }
        try await close()
    }

    private func stop() {
        isStopping = true
        wake()
    }

    private func wake() {
        sleeper?.resume()
        sleeper = nil
    }

    private func work() async {
        while true {
            if isGateLost { await recoverGate() }
            if queue.isEmpty {
                if isStopping { return }
                await withCheckedContinuation { sleeper = $0 }
                continue
            }
            let wait = pace.wait(at: clocks.now().boot)
            if wait > .zero, queue.contains(where: { $0.answer != nil }), !isStopping {
                try? await clocks.sleep(wait)  // cancelled: fall through and finish
            }
            let batch = queue
            queue = []
            await process(batch)
        }
    }

    private func process(_ batch: [Waiting]) async {
        let before = engine
        let now = clocks.now()
        var results: [Result<Outcome, any Error>] = []
        var actions: [Action] = []
        for waiting in batch {
            do {
                let outcome = try engine.handle(waiting.event, at: now)
                actions += outcome.actions
                results.append(.success(outcome))
            } catch {
                results.append(.failure(error))
            }
        }
        do {
            try await perform(actions)
        } catch let error as StorageError {
            engine = before  // what is not on disk did not happen
            alerts[.storage] = error.description
            logger.error("\(error)")
            results = results.map { if case .failure = $0 { $0 } else { .failure(error) } }
        } catch {
            logger.error("\(error)")
        }
        for (waiting, result) in zip(batch, results) { waiting.answer?.resume(with: result) }
    }

    /// Persists, then changes the kernel, then closes the accounts of those whose service was stopped.
    private func perform(_ actions: [Action]) async throws {
        let records = actions.compactMap { if case .persist(let record) = $0 { record } else { nil } }
        if !records.isEmpty {
            try await store.commit(records)
            commits += 1
            pace.took(at: clocks.now().boot)
            alerts[.storage] = nil
        }
        let now = clocks.now().boot
        await apply(actions.compactMap { GateChange($0, at: now) })
        let stopped = actions.compactMap { if case .stop(let mark) = $0 { mark } else { nil } }
        guard !stopped.isEmpty else { return }
        let readings = try await gate.readings().map(MeterReading.init)
        let moment = clocks.now()
        var following: [Action] = []
        let before = engine
        following += try engine.handle(.sampled(readings), at: moment).actions
        following += try engine.handle(.drained(stopped), at: moment).actions
        do { try await perform(following) } catch {
            engine = before
            throw error
        }
    }

    /// All at once; and one by one if the kernel refuses one of them, so that one client cannot hold up the others.
    private func apply(_ changes: [GateChange]) async {
        let all = unapplied + changes
        guard !all.isEmpty else { return }
        unapplied = []
        do {
            try await gate.apply(all)
            alerts[.gate] = nil
        } catch {
            for change in all {
                do { try await gate.apply([change]) } catch {
                    alerts[.gate] = error.description
                    logger.error("\(error)")
                    unapplied = unapplied.filter { $0.mark != change.mark } + [change]
                }
            }
        }
        for change in all { await pin(change) }
    }

    /// Fixes who answers for a paying client's addresses, so that a neighbour cannot draw its packets away.
    private func pin(_ change: GateChange) async {
        var wanted: Set<Neighbour> = []
        if case .serve(let entry) = change {
            wanted = Set(entry.addresses.map { Neighbour(port: entry.port, mac: entry.mac, address: $0) })
        }
        let held = pins[change.mark.value] ?? []
        guard wanted != held else { return }
        pins[change.mark.value] = wanted.isEmpty ? nil : wanted
        do {
            for neighbour in held.subtracting(wanted) { try await links.unpin(neighbour) }
            for neighbour in wanted.subtracting(held) { try await links.pin(neighbour) }
        } catch { logger.warning("\(error)") }
    }

    /// Reads the kernel's counters now and takes them in.
    private func sample() async throws {
        let readings = try await gate.readings().map(MeterReading.init)
        try await perform(engine.handle(.sampled(readings), at: clocks.now()).actions)
    }

    /// The gate was lost (somebody flushed the ruleset): it is set up again before the next batch.
    public func gateIsLost() {
        isGateLost = true
        wake()
    }

    /// Goes on from what was counted; what passed since the last reading is the owner's loss, not the buyer's.
    private func recoverGate() async {
        isGateLost = false
        logger.warning("the packet gate is gone; setting it up again")
        do {
            let marks = try await gate.open().map(\.value)
            let (restored, actions) = ChargingEngine.restore(
                station: engine.station, tariffs: engine.tariffs, limits: engine.limits, from: engine.state,
                marks: marks, sameBoot: true, at: clocks.now())
            engine = restored
            try await perform(actions)
        } catch { logger.error("\(error)") }
    }

    /// The last thing before the program ends: the kernel goes on serving, the disk knows how far.
    private func close() async throws {
        for waiting in queue { waiting.answer?.resume(throwing: StationError.stopping) }
        queue = []
        try await sample()
        try await perform(engine.handle(.save, at: clocks.now()).actions)
    }
}

extension GateChange {
    init?(_ action: Action, at now: Instant) {
        switch action {
        case .persist: return nil
        case .stop(let mark): self = .stop(ClientMark(mark)!)
        case .forget(let mark): self = .forget(ClientMark(mark)!)
        case .serve(let bearer):
            let lease = bearer.servedUntil.map { $0 - now }
            // Nothing left to use: an unknown device is sent to the portal, where it can pay.
            let isServed = bearer.byteLimit != 0 && (lease.map { $0 >= .milliseconds(1) } ?? true)
            self = .serve(
                GateEntry(
                    mark: ClientMark(bearer.mark)!, port: bearer.port, mac: bearer.mac,
                    addresses: isServed ? Set(bearer.addresses) : [], byteLimit: bearer.byteLimit,
                    lease: isServed ? lease : nil))
        }
    }

    var mark: ClientMark {
        switch self {
        case .serve(let entry): entry.mark
        case .stop(let mark), .forget(let mark): mark
        }
    }
}

extension MeterReading {
    init(_ reading: GateReading) {
        self.init(mark: reading.mark.value, bytesUp: reading.bytesUp, bytesDown: reading.bytesDown)
    }
}

/// Why the station cannot do something just now.
public enum StationError: Error, CustomStringConvertible {
    case stopping
    case overloaded(Int)

    public var description: String {
        switch self {
        case .stopping: "the station is shutting down; try again in a few seconds"
        case .overloaded(let limit): "\(limit) requests are waiting already; try again in a second"
        }
    }
}
