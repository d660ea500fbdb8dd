public import Primitives

// How the station mines, or why it does not: `basestation mining`.

/// `GET /v1/mining`. Counts are since the daemon started.
public struct MiningView: Codable, Hashable, Sendable {
    public enum State: String, Codable, Hashable, Sendable {
        case mining
        /// For a better moment.
        case waiting
        /// By the owner's word.
        case paused
    }

    /// Hashes a second.
    public struct Rate: Codable, Hashable, Sendable {
        @OrNull public var tenSeconds: Double?
        @OrNull public var minute: Double?
        @OrNull public var quarterHour: Double?
        public init(tenSeconds: Double?, minute: Double?, quarterHour: Double?) {
            (self.tenSeconds, self.minute, self.quarterHour) = (tenSeconds, minute, quarterHour)
        }
    }

    public struct Shares: Codable, Hashable, Sendable {
        public var found: UInt64
        public var accepted: UInt64
        public var stale: UInt64
        public var lowDifficulty: UInt64
        public var duplicate: UInt64
        public var invalid: UInt64
        public var other: UInt64
        @OrNull public var lastSecondsAgo: UInt64?
        /// In the words of whoever refused.
        @OrNull public var lastRefusal: String?
        public init(
            found: UInt64, accepted: UInt64, stale: UInt64, lowDifficulty: UInt64, duplicate: UInt64, invalid: UInt64,
            other: UInt64,
            lastSecondsAgo: UInt64?, lastRefusal: String?
        ) {
            (self.found, self.accepted, self.stale, self.lowDifficulty) = (found, accepted, stale, lowDifficulty)
            (self.duplicate, self.invalid, self.other) = (duplicate, invalid, other)
            (self.lastSecondsAgo, self.lastRefusal) = (lastSecondsAgo, lastRefusal)
        }

        /// Of those that were answered, in per cent; nil while none was.
        public var acceptedPercent: UInt64? {
            let answered = accepted + stale + lowDifficulty + duplicate + invalid + other
            return answered > 0 ? accepted * 100 / answered : nil
        }
    }

    /// The process that hashes.
    public struct Worker: Codable, Hashable, Sendable {
        /// How it yields to other programs.
        @OrNull public var placement: String?
        /// Nil while nothing is prepared.
        @OrNull public var hugePages: Bool?
        @OrNull public var threads: UInt8?
        public var starts: UInt64
        /// It did not stand still in time.
        public var kills: UInt64
        @OrNull public var trouble: String?
        public init(placement: String?, hugePages: Bool?, threads: UInt8?, starts: UInt64, kills: UInt64, trouble: String?) {
            (self.placement, self.hugePages, self.threads) = (placement, hugePages, threads)
            (self.starts, self.kills, self.trouble) = (starts, kills, trouble)
        }
    }

    /// From a client's first packet to the standstill of the last thread.
    public struct Yields: Codable, Hashable, Sendable {
        public var count: UInt64
        @OrNull public var lastMilliseconds: UInt64?
        @OrNull public var longestMilliseconds: UInt64?
        public init(count: UInt64, lastMilliseconds: UInt64?, longestMilliseconds: UInt64?) {
            (self.count, self.lastMilliseconds, self.longestMilliseconds) = (count, lastMilliseconds, longestMilliseconds)
        }
    }

    /// How much of the time that nobody needed the board was mined in.
    public struct Use: Codable, Hashable, Sendable {
        public var observedSeconds: UInt64
        public var idleSeconds: UInt64
        public var minedSeconds: UInt64
        public init(observedSeconds: UInt64, idleSeconds: UInt64, minedSeconds: UInt64) {
            (self.observedSeconds, self.idleSeconds, self.minedSeconds) = (observedSeconds, idleSeconds, minedSeconds)
        }

        /// Nil: there was no idle time.
        public var percent: UInt64? { idleSeconds > 0 ? minedSeconds * 100 / idleSeconds : nil }
    }

    /// What a pool of base stations owes the station, as the pool signed it with the last share.
    public struct Pool: Codable, Hashable, Sendable {
        /// With which it signs.
        public var key: PublicKey
        public var work: UInt64
        public var shares: UInt64
        public var balanceQlc: QLC
        public var paidQlc: QLC
        /// Blocks' statements in which the station's line was checked since it connected.
        public var statementsChecked: UInt64
        @OrNull public var lastStatement: UInt64?
        public init(
            key: PublicKey, work: UInt64, shares: UInt64, balanceQlc: QLC, paidQlc: QLC, statementsChecked: UInt64,
            lastStatement: UInt64?
        ) {
            (self.key, self.work, self.shares, self.balanceQlc, self.paidQlc) = (key, work, shares, balanceQlc, paidQlc)
            (self.statementsChecked, self.lastStatement) = (statementsChecked, lastStatement)
        }
    }

    public var state: State
    public var reason: String
    /// All that stands against mining, the weightiest first.
    public var reasons: [String]
    public var sinceSeconds: UInt64
    /// `light` or `fast`: what is mined in, or would be; nil: neither fits.
    @OrNull public var mode: String?
    public var source: String
    /// Which pool or node gives jobs now.
    @OrNull public var connected: String?
    public var hashrate: Rate
    public var hashes: UInt64
    public var shares: Shares
    public var blocksFound: UInt64
    public var worker: Worker
    public var yields: Yields
    public var today: Use
    public var sevenDays: Use
    @OrNull public var temperatureCelsius: Int?
    /// Nil where the pool signs nothing, or has had no share yet.
    @OrNull public var pool: Pool?

    public init(
        state: State, reason: String, reasons: [String], sinceSeconds: UInt64, mode: String?, source: String, connected: String?,
        hashrate: Rate, hashes: UInt64, shares: Shares, blocksFound: UInt64, worker: Worker, yields: Yields, today: Use,
        sevenDays: Use, temperatureCelsius: Int?, pool: Pool?
    ) {
        (self.state, self.reason, self.reasons, self.sinceSeconds, self.mode) = (state, reason, reasons, sinceSeconds, mode)
        (self.source, self.connected, self.hashrate, self.hashes) = (source, connected, hashrate, hashes)
        (self.shares, self.blocksFound, self.worker, self.yields) = (shares, blocksFound, worker, yields)
        (self.today, self.sevenDays, self.temperatureCelsius, self.pool) = (today, sevenDays, temperatureCelsius, pool)
    }
}

/// `POST /v1/mining/pause`.
public struct MiningPause: Codable, Hashable, Sendable {
    /// Nil: until resumed.
    public var seconds: UInt64?
    public init(seconds: UInt64?) { self.seconds = seconds }
    /// A year.
    public static let longest: UInt64 = 31_536_000
}
