public import HAL
public import Idleness
public import MiningPool
public import Primitives
public import ProofOfWork

/// How the owner lets it mine.
public struct MinerSettings: Hashable, Sendable {
    public var idle = IdleSettings()
    public var threads: UInt8 = 1
    public var usesHugePages = true

    public init() {}

    func plan(_ mode: MiningMode) -> WorkerPlan {
        WorkerPlan(isFast: mode == .fast, threads: max(1, threads), usesHugePages: usesHugePages)
    }
}

/// What the board and its station are like, beside what an `IdleSensor` reads.
public struct MinerFacts: Hashable, Sendable {
    /// nil: there are sensors and none can be read. Empty: there are none.
    public var temperatures: [Temperature]? = []
    public var power = PowerState(source: .unknown)
    public var sessions = 0
    public var isSharing = true

    public init() {}
}

/// What came of it since the daemon started.
public struct MinerTally: Hashable, Sendable {
    public var jobs: UInt64 = 0
    public var found: UInt64 = 0
    public var accepted: UInt64 = 0
    public var refused: [ShareRefusal: UInt64] = [:]
    public var blocks: UInt64 = 0
    public var lastShare: Instant?
    /// In the words of whoever refused.
    public var lastRefusal: String?
    /// The pool or node that gives jobs now; nil while none does.
    public var connected: String?
    /// What the pool owes, where it is one of base stations.
    public var membership: PoolMembership?
    /// Why there was no job when there was none last.
    public var noWork: String?
    /// What went wrong last on this board.
    public var trouble: String?
    /// What the process that hashes got; nil while there is none.
    public var memory: WorkerMemory?
    /// Times that a client's packet ended mining; from the packet to the last thread's standstill.
    public var yields: UInt64 = 0
    public var lastYield: Nanoseconds?
    public var longestYield: Nanoseconds?

    mutating func yielded(in time: Nanoseconds) {
        yields += 1
        lastYield = time
        longestYield = max(longestYield ?? .zero, time)
    }
}

public struct MinerStatus: Hashable, Sendable {
    public var idle: IdleState
    /// Where jobs are to come from.
    public var source: String
    /// The mode for which memory is held; nil: none is.
    public var holds: MiningMode?
    /// Of all processes since the daemon started.
    public var hashes: UInt64
    public var rates: HashRate.Rates
    public var tally: MinerTally
    public var worker: HashingWorker.Figures
    public var workerTrouble: String?
    public var today: IdleSeconds
    public var week: IdleSeconds
}

/// Hashes a second over the last moments, from a count that only grows.
public struct HashRate: Sendable {
    /// In thousandths of a hash a second; nil until there are two counts.
    public struct Rates: Hashable, Sendable {
        public var tenSeconds: UInt64?
        public var minute: UInt64?
        public var quarterHour: UInt64?
    }

    private static let spans = (ten: Nanoseconds.seconds(10), minute: Nanoseconds.seconds(60), quarter: Nanoseconds.seconds(900))
    private var counts: [(at: Instant, hashes: UInt64)] = []

    public init() {}

    /// - Parameter hashes: of all time
    public mutating func count(_ hashes: UInt64, at now: Instant) {
        counts.append((now, hashes))
        counts.removeAll { now - $0.at > Self.spans.quarter }
    }

    public func rates(at now: Instant) -> Rates {
        Rates(
            tenSeconds: rate(over: Self.spans.ten, at: now), minute: rate(over: Self.spans.minute, at: now),
            quarterHour: rate(over: Self.spans.quarter, at: now))
    }

    private func rate(over span: Nanoseconds, at now: Instant) -> UInt64? {
        guard let first = counts.first(where: { now - $0.at <= span }), let last = counts.last, last.at > first.at else {
            return nil
        }
        let microseconds = UInt64((last.at - first.at).count / 1_000)
        guard microseconds > 0 else { return nil }
        let product = (last.hashes - min(first.hashes, last.hashes)).multipliedFullWidth(by: 1_000_000_000)
        return product.high < microseconds ? microseconds.dividingFullWidth(product).quotient : .max
    }
}
