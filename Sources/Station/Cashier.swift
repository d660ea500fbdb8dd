public import Charging
public import HAL
public import Logging
public import Primitives
public import ServiceLifecycle

/// The one owner of the charging engine: takes events in batches, persists, then grants.
///
/// ```
///  submit ─▶ queue ─▶ till.decide ─▶ store.commit ─▶ gate.apply ─▶ till.close ─▶ answers
/// ```
/// All events that wait while a commit is under way share the next one: that is the group commit. What follows from what is the
/// till's business; the cashier does it.
public actor Cashier: Service {
    private var till: Till
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
    private var isSampleDue = false
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
        let (till, first) = Till.recover(engine, first: actions)
        self.till = till
        self.store = store
        self.gate = gate
        self.links = links
        self.clocks = clocks
        self.logger = logger
        pace = CommitPace(interval: commitInterval, now: clocks.now().boot)
        if let failure = await carryOut(first) { throw failure }
        await process([])
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

    /// Hands an event in without waiting. Dropped when too many wait.
    public func note(_ event: ChargingEvent) {
        guard !isStopping, queue.count < Self.queueLimit else { return }
        queue.append(Waiting(event: event, answer: nil))
        wake()
    }

    public func read<T: Sendable>(_ body: @Sendable (ChargingEngine) -> T) -> T { body(till.engine) }

    /// Has the counters read and taken in, soon.
    public func sample() {
        isSampleDue = true
        wake()
    }

    /// The tariff of that id, or the owner's choice, or what the configuration says; nil if there is none.
    func tariff(_ id: String?, otherwise standard: String) -> Tariff? {
        let wanted = id ?? defaultTariffID ?? standard
        return till.engine.tariffs.first { $0.id == wanted }
    }

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
            if queue.isEmpty, !isSampleDue {
                if isStopping { return }
                await withCheckedContinuation { sleeper = $0 }
                continue
            }
            let wait = pace.wait(at: clocks.now().boot)
            if wait > .zero, queue.contains(where: { $0.answer != nil }), !isStopping {
                try? await clocks.sleep(wait)  // cancelled: fall through and finish
            }
            if isGateLost { await recoverGate() }
            let batch = queue
            (queue, isSampleDue) = ([], false)
            await process(batch)
        }
    }

    /// Reads the counters, decides, persists, grants; then closes the accounts of those whose service was stopped.
    private func process(_ waiting: [Waiting]) async {
        let batch = till.decide(waiting.map(\.event), readings: await counters(), at: clocks.now())
        let failure = await carryOut(batch)
        if failure == nil { await closeAccounts() }
        for (waiting, result) in zip(waiting, batch.results) {
            switch result {
            case .success(let outcome):
                if let failure { waiting.answer?.resume(throwing: failure) } else { waiting.answer?.resume(returning: outcome) }
            case .failure(let error): waiting.answer?.resume(throwing: error)
            }
        }
    }

    private func carryOut(_ batch: Till.Batch) async -> StorageError? {
        let records = batch.records
        if !records.isEmpty {
            do throws(StorageError) { try await store.commit(records) } catch {
                till.failed(batch)
                alerts[.storage] = error.description
                logger.error("\(error)")
                return error
            }
            commits += 1
            pace.took(at: clocks.now().boot)
            alerts[.storage] = nil
        }
        till.given(batch, refused: await apply(till.orders(batch)))
        return nil
    }

    /// Should the disk or the kernel refuse, they are closed after the next batch.
    private func closeAccounts() async {
        while true {
            let marks = till.closing
            guard !marks.isEmpty, let readings = await counters() else { return }
            let batch = till.close(marks, readings: readings, at: clocks.now())
            guard await carryOut(batch) == nil else { return }
        }
    }

    /// The kernel's counters as they are now; nil if they cannot be read just now: the next reading has it all.
    private func counters() async -> [MeterReading]? {
        do {
            return try await gate.readings().map(MeterReading.init)
        } catch {
            switch error.kind {
            case .interrupted, .busy: break  // changed while it was read
            case .missing: (isGateLost, isSampleDue) = (true, true)
            default: logger.error("\(error)")
            }
            return nil
        }
    }

    /// All at once; and one by one if the kernel refuses one of them, so that one client cannot hold up the others.
    ///
    /// - Returns: what it refused.
    private func apply(_ orders: [Action]) async -> [Action] {
        let now = clocks.now().boot
        let changes = orders.compactMap { order in GateChange(order, at: now).map { (order, $0) } }
        guard !changes.isEmpty else { return [] }
        var refused: [Action] = []
        do {
            try await gate.apply(changes.map(\.1))
            alerts[.gate] = nil
        } catch {
            for (order, change) in changes {
                do { try await gate.apply([change]) } catch {
                    alerts[.gate] = error.description
                    logger.error("\(error)")
                    refused.append(order)
                }
            }
        }
        for (_, change) in changes { await pin(change) }
        return refused
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

    /// Somebody flushed the ruleset. Goes on from what was counted; what passed since the last reading is the owner's loss, not the buyer's.
    private func recoverGate() async {
        logger.warning("the packet gate is gone; setting it up again")
        do {
            let marks = try await gate.open().map(\.value)
            let engine = till.engine
            let (restored, actions) = ChargingEngine.restore(
                station: engine.station, tariffs: engine.tariffs, limits: engine.limits, from: engine.state,
                marks: marks, sameBoot: true, at: clocks.now())
            let (recovered, first) = Till.recover(restored, first: actions)
            till = recovered
            isGateLost = await carryOut(first) != nil  // once more, when something is due
        } catch { logger.error("\(error)") }
    }

    /// The last thing before the program ends: the kernel goes on serving, the disk knows how far.
    private func close() async throws {
        for waiting in queue { waiting.answer?.resume(throwing: StationError.stopping) }
        queue = []
        await process([Waiting(event: .save, answer: nil)])
        if let failure = alerts[.storage] { throw StorageError(.other, failure) }
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
