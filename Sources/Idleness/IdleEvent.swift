public import HAL
public import Primitives

/// What mining must know, about once a second.
public struct IdleReading: Hashable, Sendable {
    public var activity: BoardActivity
    /// Processor time of the mining worker alone; nil: there is no worker.
    public var workerTime: Nanoseconds?
    /// Memory that the worker holds, which is its to use and not missing.
    public var workerMemory: ByteCount
    /// nil: there are sensors and none can be read. Empty: there are none.
    public var temperatures: [Temperature]?
    public var power: PowerState
    /// Sessions that are open, silent or not.
    public var sessions: Int
    public var isSharing: Bool

    public init(
        activity: BoardActivity, workerTime: Nanoseconds? = nil, workerMemory: ByteCount = ByteCount(bytes: 0),
        temperatures: [Temperature]? = [], power: PowerState = PowerState(source: .unknown), sessions: Int = 0,
        isSharing: Bool = true
    ) {
        self.activity = activity
        self.workerTime = workerTime
        self.workerMemory = workerMemory
        self.temperatures = temperatures
        self.power = power
        self.sessions = sessions
        self.isSharing = isSharing
    }
}

public enum IdleEvent: Hashable, Sendable {
    case reading(IdleReading)
    /// The first packet of a client since mining went on. Listen before what `start` asks for is done, or one slips through.
    case packetSeen
    /// nil: until the owner says otherwise.
    case ownerPaused(until: Instant?)
    case ownerResumed
    /// nil: mining is not configured.
    case configured(IdleSettings?)
    /// Whether there is anything to hash. nil: there is; else why not, in words.
    case noWork(String?)
    /// The worker hashes; `preparation` is what it took to get there.
    case workerReady(MiningMode, preparation: Nanoseconds)
    /// It cannot run, in words.
    case workerRefused(String)
}

public enum IdleAction: Hashable, Sendable {
    /// Hash in this mode: wake the worker, or start one.
    case start(MiningMode)
    /// Stop hashing at once, and keep what is prepared.
    case yield
    /// End the worker, whose memory is wanted or which will not be needed for long.
    case release
}

/// How the worker holds what RandomX hashes with.
public enum MiningMode: String, Hashable, Sendable, CaseIterable {
    /// The cache alone: slower by four to eight times.
    case light
    /// The whole dataset.
    case fast

    /// What the worker takes: RandomX's cache of 256 MiB, or its dataset and cache (https://github.com/tevador/RandomX, README).
    public var memory: ByteCount {
        switch self {
        case .light: ByteCount(bytes: 256 << 20)
        case .fast: ByteCount(bytes: 2_336 << 20)
        }
    }

    /// How long preparing takes where none was measured yet.
    var preparationGuess: Nanoseconds {
        switch self {
        case .light: .seconds(5)
        case .fast: .seconds(60)
        }
    }
}

/// What is so, for people and for the API.
public struct IdleState: Hashable, Sendable {
    public var isMining: Bool
    public var isPausedByOwner: Bool
    /// Since when it is or is not.
    public var since: Instant
    /// The mode that is mined in, or that would be; nil where none fits.
    public var mode: MiningMode?
    /// Everything that stands against mining, in words, the weightiest first. Empty while it is mining.
    public var reasons: [String]
    /// In one sentence why it is so.
    public var why: String
}
