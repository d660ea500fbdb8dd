public import HAL
public import Idleness
public import Logging
public import Primitives
import ProofOfWork

/// Mines while the board is idle, and is gone when somebody comes.
///
/// ```
///  IdleSensor, board ──▶ reading ─┐                        ┌─▶ HashingWorker: hash, rest, release
///  first packet ─────────────────┼─▶ IdleDecision ─ actions ┤
///  owner ─────────────────────────┤                        └─▶ listens for the first packet
///  JobSource ─ jobs ─┬────────────┘
///            ◀ shares ┴── HashingWorker
/// ```
/// Everything that happens is handled in order, one at a time. What fails here costs mining alone.
public actor Miner {
    private static let readingInterval = Nanoseconds.seconds(1)
    private static let historyInterval = Nanoseconds.seconds(3_600)
    /// A source that gave up is begun again after so long.
    private static let sourcePause = Nanoseconds.seconds(60)
    /// Without hashing once in between, this many ends of the worker mean that it cannot run here now.
    private static let troublesMax = 4
    /// Of the worker, waiting to be handled; at it the oldest go.
    private static let reportsMax = 1_024

    /// What is worth keeping over a restart, canonical bytes of each.
    public struct Memory: Hashable, Sendable {
        public var history: [UInt8]
        /// nil: no pool of base stations has signed anything.
        public var membership: [UInt8]?
    }

    private let settings: MinerSettings
    private let worker: HashingWorker
    private let source: any JobSource
    private let sensor: any IdleSensor
    private let facts: @Sendable () async -> MinerFacts
    private let keep: @Sendable (Memory) async -> Void
    private let clocks: any Clocks
    private let logger: Logger
    /// Who waits for a turn: one for each of those who tell something.
    private var turns: [CheckedContinuation<Void, Never>] = []
    private var isTaken = false

    private var decision: IdleDecision
    private var job: Job?
    /// What the decision wants; nil while it wants rest.
    private var mode: MiningMode?
    private var holds: MiningMode?
    private var preparation: Preparation?
    private var troubles = 0
    private var listener: Task<Void, Never>?
    private var tally = MinerTally()
    private var rate = HashRate()

    /// What it has taken so far to prepare; rests are not counted.
    private struct Preparation {
        var spent = Nanoseconds.zero
        var since: Instant?
    }

    private enum Input: Sendable {
        case idle(IdleEvent)
        case packet(at: Instant)
        case cannotListen(String)
        case source(JobSourceEvent)
        case worker(HashingWorker.Event)
        /// What was read before grows old.
        case unreadable(String)
    }

    /// - Parameters:
    ///   - facts: what the station and its board are like now
    ///   - keep: about 7 kB an hour; it answers for its own failures
    public init(
        _ settings: MinerSettings, worker: HashingWorker, source: any JobSource, sensor: any IdleSensor, clocks: any Clocks,
        history: IdleHistory = IdleHistory(), facts: @escaping @Sendable () async -> MinerFacts = { MinerFacts() },
        keep: @escaping @Sendable (Memory) async -> Void = { _ in }, logger: Logger
    ) {
        (self.settings, self.worker, self.source, self.sensor) = (settings, worker, source, sensor)
        (self.clocks, self.facts, self.keep, self.logger) = (clocks, facts, keep, logger)
        decision = IdleDecision(settings.idle, history: history, at: clocks.now())
        _ = decision.handle(.noWork("\(source.name) has given no job yet"), at: clocks.now())
    }

    // MARK: The owner

    /// - Parameter until: nil: until resumed
    public func pause(until: Instant?) async { await handle(.idle(.ownerPaused(until: until))) }
    public func resume() async { await handle(.idle(.ownerResumed)) }

    public func status() async -> MinerStatus {
        let now = clocks.now()
        let offset = settings.idle.utcOffsetMinutes
        return MinerStatus(
            idle: decision.state(at: now), source: source.name, holds: holds, hashes: await worker.figures.hashes,
            rates: rate.rates(at: now.boot), tally: tally, worker: await worker.figures, workerTrouble: await worker.trouble,
            today: decision.history.today(at: now, utcOffsetMinutes: offset),
            week: decision.history.week(at: now, utcOffsetMinutes: offset))
    }

    // MARK: Running

    /// Until it is cancelled.
    public func run() async {
        // The worker must never wait for who may be waiting for it.
        let (reports, report) = AsyncStream.makeStream(
            of: HashingWorker.Event.self, bufferingPolicy: .bufferingNewest(Self.reportsMax))
        await withDiscardingTaskGroup { group in
            group.addTask { [worker] in await worker.run { report.yield($0) } }
            group.addTask { await self.runSource() }
            group.addTask { await self.read() }
            group.addTask { await self.keepHistory() }
            for await event in reports { await handle(.worker(event)) }
        }
        listener?.cancel()
        await listener?.value
        await worker.release()
        await keep(memory)
    }

    private var memory: Memory {
        Memory(history: decision.history.canonicalBytes, membership: tally.membership?.canonicalBytes)
    }

    private func runSource() async {
        while !Task.isCancelled {
            let why: String
            do {
                try await source.run { await self.handle(.source($0)) }
                why = "\(source.name) gives no more jobs"
            } catch { why = "\(error)" }
            guard !Task.isCancelled else { return }
            await handle(.source(.lost(why)))
            do { try await clocks.sleep(Self.sourcePause) } catch { return }  // cancelled
        }
    }

    private func read() async {
        while !Task.isCancelled {
            do {
                let activity = try await sensor.activity()
                let time =
                    if let pid = await worker.processID { try await sensor.processorTime(of: pid) } else { Nanoseconds?.none }
                let facts = await facts()
                rate.count(await worker.figures.hashes, at: clocks.now().boot)
                let reading = IdleReading(
                    activity: activity, workerTime: time, workerMemory: holds?.memory ?? ByteCount(bytes: 0),
                    temperatures: facts.temperatures, power: facts.power, sessions: facts.sessions, isSharing: facts.isSharing)
                await handle(.idle(.reading(reading)))
            } catch { await handle(.unreadable("\(error)")) }
            do { try await clocks.sleep(Self.readingInterval) } catch { return }  // cancelled
        }
    }

    private func keepHistory() async {
        while true {
            do { try await clocks.sleep(Self.historyInterval) } catch { return }  // cancelled
            await keep(memory)
        }
    }

    // MARK: What happens

    /// One after the other: what one decides is done before the next is decided.
    private func handle(_ input: Input) async {
        if isTaken { await withCheckedContinuation { turns.append($0) } }
        isTaken = true
        await take(input)
        if turns.isEmpty { isTaken = false } else { turns.removeFirst().resume() }
    }

    private func take(_ input: Input) async {
        switch input {
        case .idle(let event): await decide(event)
        case .packet(let seenAt):
            listener = nil
            await decide(.packetSeen)
            tally.yielded(in: clocks.now().boot - seenAt)
        case .cannotListen(let why):
            listener = nil
            await decide(.workerRefused("clients' packets cannot be seen: \(why)"))
        case .source(let event): await take(event)
        case .worker(let event): await take(event)
        case .unreadable(let why):
            if tally.trouble != why { logger.warning("mining: the board cannot be read: \(why)") }
            tally.trouble = why
            await decide(.noWork(job == nil ? tally.noWork : nil))
        }
    }

    private func take(_ event: JobSourceEvent) async {
        switch event {
        case .connected(let name):
            tally.connected = name
            logger.info("mining: jobs come from \(name)")
        case .job(let job):
            self.job = job
            tally.jobs += 1
            await decide(.noWork(nil))
            await hash()
        case .lost(let why):
            if tally.noWork != why { logger.warning("mining: \(why)") }
            (job, tally.connected, tally.noWork) = (nil, nil, why)
            await decide(.noWork(why))
        case .accepted(_, _, let blockFound):
            tally.accepted += 1
            tally.lastShare = clocks.now().boot
            if blockFound {
                tally.blocks += 1
                logger.notice("mining: a block was found and accepted")
            }
        case .membership(let membership): tally.membership = membership
        case .refused(_, _, let refusal, let why):
            tally.refused[refusal, default: 0] += 1
            tally.lastRefusal = why
            logger.info("mining: a share was refused, \(refusal.rawValue): \(why)")
        }
    }

    private func take(_ event: HashingWorker.Event) async {
        switch event {
        case .share(let share):
            tally.found += 1
            // Whoever gave its job is gone; another may have one of that name.
            guard job != nil else { return }
            await source.submit(share)
        case .ready(let memory):
            (troubles, tally.memory) = (0, memory)
            guard let holds, let preparation else { return }
            let last = preparation.since.map { clocks.now().boot - $0 } ?? .zero
            self.preparation = nil
            await decide(.workerReady(holds, preparation: preparation.spent + last))
        case .trouble(let why):
            troubles += 1
            (tally.trouble, tally.memory) = (why, nil)
            if mode == nil { holds = nil } else { preparation = Preparation(since: clocks.now().boot) }
            guard troubles >= Self.troublesMax else { return }
            troubles = 0
            await decide(.workerRefused(why))
        }
    }

    // MARK: What is decided

    private func decide(_ event: IdleEvent) async {
        for action in decision.handle(event, at: clocks.now()) {
            switch action {
            case .start(let mode):
                listen()
                if holds != mode { preparation = Preparation() }
                preparation?.since = clocks.now().boot
                (self.mode, holds) = (mode, mode)
                await hash()
            case .yield:
                if let since = preparation?.since { preparation?.spent += clocks.now().boot - since }
                preparation?.since = nil
                mode = nil
                await worker.rest()
                listener?.cancel()
                listener = nil
            case .release:
                (mode, holds, preparation, tally.memory) = (nil, nil, nil, nil)
                await worker.release()
            }
        }
    }

    private func hash() async {
        guard let mode, let job else { return }
        await worker.hash(job, by: settings.plan(mode))
    }

    /// Before anything is hashed.
    private func listen() {
        guard listener == nil else { return }
        listener = Task { [sensor, clocks] in
            do {
                try await sensor.firstPacket()
                try Task.checkCancellation()
                await self.handle(.packet(at: clocks.now().boot))
            } catch is CancellationError {} catch { await self.handle(.cannotListen("\(error)")) }
        }
    }
}
