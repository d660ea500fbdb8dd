public import Primitives

/// Whether a miner is worth its checks: each false share costs the pool a hash, and a liar brings nothing else.
public struct MinerConduct: Hashable, Sendable {
    /// A miner whose memory errs now and then stays.
    static let falseMax = 3
    static let lately = 30

    private var verdicts: [Bool] = []

    public init() {}

    /// - Returns: whether it is to go, for a while: three of its last shares were false, and a quarter of them.
    public mutating func note(isTrue: Bool) -> Bool {
        verdicts.append(isTrue)
        if verdicts.count > Self.lately { verdicts.removeFirst() }
        let bad = verdicts.count { !$0 }
        return !isTrue && bad >= Self.falseMax && bad * 4 >= verdicts.count
    }
}

/// Who may not come back yet.
public struct BanList: Sendable {
    public static let time = Nanoseconds.seconds(600)
    /// The earliest to end goes.
    static let limit = 1_024

    private var until: [IPAddress: Instant] = [:]

    public init() {}

    public var count: Int { until.count }
    public mutating func ban(_ address: IPAddress, at now: Instant) {
        forget(at: now)
        if until.count >= Self.limit, let first = until.min(by: { ($0.value, "\($0.key)") < ($1.value, "\($1.key)") }) {
            until[first.key] = nil
        }
        until[address] = now + Self.time
    }

    public func isBanned(_ address: IPAddress, at now: Instant) -> Bool { until[address].map { $0 > now } ?? false }
    public mutating func forget(at now: Instant) { until = until.filter { $0.value > now } }
}
