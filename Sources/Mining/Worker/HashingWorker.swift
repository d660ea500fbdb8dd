public import HAL
public import Logging
public import NIOCore
public import NIOPosix
public import Primitives
public import ProofOfWork

/// Keeps a process that hashes: starts it when there is a job, holds it at once when the board is wanted for something else, starts it
/// again when it dies, and never waits for it longer than a limit.
///
/// ```
///  hash(job) ─▶ process runs ─▶ shares          dies, hangs, lies ─▶ ended, and after a pause started again
///  rest()    ─▶ held within a hash, or killed   release() ─▶ ended: its memory is the board's again
/// ```
public actor HashingWorker {
    public enum Event: Hashable, Sendable {
        case share(Share)
        /// Prepared, and hashing from now on.
        case ready(WorkerMemory)
        /// It has ended, or cannot be started: why, in words.
        case trouble(String)
    }

    public struct Figures: Hashable, Sendable {
        /// Of all its processes.
        public var hashes: UInt64 = 0
        public var starts: UInt64 = 0
        /// Held within a hash; killed because it did not stand still in time.
        public var rests: UInt64 = 0
        public var kills: UInt64 = 0
        /// How it yields to others, in words.
        public var placement: String?

        public init() {}
    }

    /// For every thread to stand still: a client must not wait for it.
    public static let restLimit = Nanoseconds.milliseconds(50)
    /// Less processor time than this while it was to stand still: others had it all.
    private static let starved = Nanoseconds.milliseconds(5)
    private static let pauses = Nanoseconds.seconds(1) ... .seconds(60)
    /// After so long without an end, the next pause is the shortest again.
    private static let goodWhile = Nanoseconds.seconds(600)
    /// More than a second's hashes on any board.
    private static let unreported: UInt32 = 8_192
    /// A share may still come for one of the jobs before.
    private static let jobsKept = 8

    private let launcher: WorkerLauncher
    private let clocks: any Clocks
    private let loops: any EventLoopGroup
    private let logger: Logger
    private let wake = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    private var plan = WorkerPlan(isFast: false, threads: 1, usesHugePages: false)
    private var job: Job?
    /// Nonces of this job that were tried already, or may have been.
    private var tried: UInt32 = 0
    private var handedAt: UInt64 = 0
    private var isResting = false
    private var process: WorkerProcess?
    private var pid: Int32?
    private var number: UInt32 = 0
    private var jobs: [(number: UInt32, job: Job)] = []
    private var waiting: [CheckedContinuation<Bool, Never>] = []
    private var hashesBefore: UInt64 = 0
    public private(set) var figures = Figures()
    public private(set) var trouble: String?

    public init(
        _ launcher: WorkerLauncher, clocks: any Clocks, logger: Logger,
        loops: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        (self.launcher, self.clocks, self.logger, self.loops) = (launcher, clocks, logger, loops)
    }

    /// Processor time is the process's own; nil while there is none.
    public var processID: Int32? { pid }

    // MARK: Orders

    /// Hashes this from now on, by this plan; another plan needs another process.
    public func hash(_ job: Job, by plan: WorkerPlan) async {
        if job == self.job, plan == self.plan, process != nil, !isResting { return }
        if job != self.job { tried = 0 } else { skipTried() }
        self.job = job
        isResting = false
        if plan != self.plan {
            self.plan = plan
            await process?.end(pid: pid)
        } else {
            hand(job)
        }
        wake.continuation.yield()
    }

    /// Nothing of this board's processors is used when this returns.
    ///
    /// A process that is given no processor cannot say that it stands: it stands all the same.
    /// - Returns: false when the process had to be killed for it.
    @discardableResult
    public func rest() async -> Bool {
        isResting = true
        guard let process else { return true }
        figures.rests += 1
        process.tell(.rest)
        let used = pid.flatMap(ProcessorClock.time)
        let limit = Task { [clocks, pid] in
            try await clocks.sleep(Self.restLimit)
            // Who had no processor to hear it on has not hashed either.
            let since = if let used, let now = pid.flatMap(ProcessorClock.time) { now - used } else { Nanoseconds?.none }
            self.rested(since.map { $0 < Self.starved } ?? false)
        }
        defer { limit.cancel() }
        let stands = await withCheckedContinuation { waiting.append($0) }
        guard !stands, self.process === process else { return true }
        figures.kills += 1
        await process.end(pid: pid)
        return false
    }

    /// Ends the process; the next job starts another.
    public func release() async {
        (job, isResting) = (nil, false)
        await process?.end(pid: pid)
    }

    private func hand(_ job: Job) {
        guard let process else { return }
        number &+= 1
        jobs.append((number, job))
        if jobs.count > Self.jobsKept { jobs.removeFirst() }
        handedAt = figures.hashes
        let order = WorkerJob(
            seedHash: job.seedHash, blob: job.blob, target: job.target.bound, firstNonce: job.nonce(after: tried),
            keepsHighByte: job.keepsHighByte)
        process.tell(.job(number: number, order))
    }

    /// Who goes on with a job after a rest, or after its process died, starts behind what was hashed: hashes are reported once a second.
    private func skipTried() {
        tried &+= UInt32(truncatingIfNeeded: figures.hashes - handedAt) &+ Self.unreported
    }

    // MARK: The process

    /// Until it is cancelled.
    public func run(_ tell: @escaping @Sendable (Event) async -> Void) async {
        var pause = Self.pauses.lowerBound
        for await _ in wake.stream {
            while job != nil, !isResting, !Task.isCancelled {
                let began = clocks.now().boot
                let why = await runOnce(tell)
                guard job != nil, let why else { break }
                trouble = why
                logger.warning("mining: \(why)")
                await tell(.trouble(why))
                if clocks.now().boot - began > Self.goodWhile { pause = Self.pauses.lowerBound }
                do { try await clocks.sleep(pause) } catch { break }
                pause = min(pause + pause, Self.pauses.upperBound)
            }
        }
    }

    /// One process, from start to end. nil: it ended because it was told to.
    private func runOnce(_ tell: @escaping @Sendable (Event) async -> Void) async -> String? {
        let process: WorkerProcess
        do { process = try await WorkerProcess(launcher, loops: loops) } catch { return "\(error)" }
        (self.process, figures.placement) = (process, process.placement.words)
        figures.starts += 1
        process.tell(.begin(plan))
        let begun = plan
        if let job, !isResting {
            if figures.starts > 1 { skipTried() }
            hand(job)
        }
        let failure = await withTaskCancellationHandler {
            await listen(to: process, tell)
        } onCancel: {
            process.hangUp()
        }
        await process.end(pid: pid)
        (self.process, pid, jobs) = (nil, nil, [])
        hashesBefore = figures.hashes
        rested(true)
        if Task.isCancelled || job == nil || begun != plan { return nil }
        return failure ?? "the miner ended without a word; it is started again"
    }

    private func listen(to process: WorkerProcess, _ tell: @escaping @Sendable (Event) async -> Void) async -> String? {
        var failure: String?
        for await report in process.reports {
            switch report {
            case .hello(let hello):
                guard hello.version == WorkerHello.version else {
                    return "the miner is of another version: install one that fits"
                }
                pid = hello.pid
            case .ready(_, let memory):
                trouble = nil
                await tell(.ready(memory))
            case .progress(let hashes): figures.hashes = hashesBefore + hashes
            case .share(let number, let nonce, let hash):
                guard let job = jobs.last(where: { $0.number == number })?.job, job.target.isMet(by: hash) else { continue }
                await tell(.share(Share(jobID: job.id, nonce: nonce, hash: hash)))
            case .resting: rested(true)
            case .checked: break
            case .failure(let words): failure = words
            }
        }
        return failure
    }

    private func rested(_ stands: Bool) {
        for waiter in waiting { waiter.resume(returning: stands) }
        waiting = []
    }
}
