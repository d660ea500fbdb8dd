public import Primitives

/// How hard a member's shares are made, so that each brings about one in twenty seconds, whatever it hashes: few enough to check, often enough to
/// be a fair measure.
public struct ShareDifficulty: Hashable, Sendable {
    public static let interval = Nanoseconds.seconds(20)
    /// A board in light mode finds one in some ten seconds.
    public static let first: UInt64 = 400
    static let sharesEnough: UInt64 = 6
    static let timeEnough = Nanoseconds.seconds(120)
    /// In one step.
    static let stepMax: UInt64 = 4

    public private(set) var difficulty: UInt64
    private let least: UInt64
    private var since: Instant
    private var work: UInt64 = 0
    private var shares: UInt64 = 0

    /// - Parameters:
    ///   - asked: by the miner itself (`+` behind its login): never below it
    ///   - least: of this pool
    public init(asked: UInt64? = nil, least: UInt64 = 100, at now: Instant) {
        self.least = max(1, least, asked ?? 0)
        difficulty = max(self.least, asked ?? Self.first)
        since = now
    }

    /// - Returns: whether its next job is of another difficulty.
    public mutating func count(_ shareWork: UInt64, at now: Instant) -> Bool {
        (work, shares) = (work.saturatingAdd(shareWork), shares + 1)
        return retarget(at: now)
    }

    /// Now and then: a miner that has become slow brings no share to count.
    public mutating func retarget(at now: Instant) -> Bool {
        let time = now - since
        guard time.count > 0, shares >= Self.sharesEnough || time >= Self.timeEnough else { return false }
        // The hashes of one interval at the rate seen; the one share more keeps silence from meaning nothing at all.
        let seen = UInt128(max(work, difficulty / 2)) * UInt128(Self.interval.count) / UInt128(time.count)
        let wanted = min(max(UInt64(clamping: seen), difficulty / Self.stepMax), difficulty.saturatingTimes(Self.stepMax))
        (since, work, shares) = (now, 0, 0)
        let next = max(least, wanted)
        // Small changes cost a job and gain nothing.
        guard next > difficulty + difficulty / 4 || next < difficulty - difficulty / 4 else { return false }
        difficulty = next
        return true
    }
}

extension UInt64 {
    fileprivate func saturatingTimes(_ factor: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
