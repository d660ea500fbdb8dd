public import Primitives

/// A promise that was broken, and how to see it broken again.
public struct SimulationViolation: Hashable, Sendable, CustomStringConvertible {
    public enum Promise: String, Hashable, Sendable, CaseIterable {
        case paidFirst = "nothing is carried that was not paid, durably, before"
        case countedIsCarried = "what is counted is what was carried"
        case chargeIsPaid = "the charge never exceeds what was paid, and never falls while a session is open"
        case serviceIsKept = "who has paid is served"
        case rightBuyer = "nobody pays for another's bytes"
        case voucherIsKept = "a payment once taken is never forgotten"
        case oneRecord = "each session has exactly one usage record, and it is true"
        // A network's
        case oneBlock = "no two blocks are final at one height"
        case finalStays = "what is final is never lost, and everybody has the same"
        case supplyIsConstant = "no QLC comes or goes"
        case onceOnly = "a transaction has one receipt for ever"
        case oneSignature = "an honest key signs one thing for a step"
        case honestKeepStake = "nobody honest is punished"
        case progress = "once the network heals, blocks come in bounded time"
    }

    public var promise: Promise
    public var seed: UInt64
    public var step: Int
    public var at: Instant
    public var what: String

    public var description: String {
        "seed \(seed), step \(step), \(at.nanoseconds / 1_000_000) ms: \(promise.rawValue): \(what)"
    }
}

/// What one run, or many, came to.
public struct SimulationReport: Sendable, CustomStringConvertible {
    public var seeds = 0
    public var steps = 0
    public var virtualTime = Nanoseconds.zero
    public var events = 0
    public var sessions = 0
    public var blocks = 0
    public var records = 0
    public var bytes: UInt64 = 0
    /// How often each thing happened that a run should meet.
    public var coverage: [String: Int] = [:]
    /// The first of each run; a run stops at ``violationLimit``.
    public var violations: [SimulationViolation] = []
    /// Stands for all that happened, in order: equal for equal seeds.
    public var trace: UInt64 = 0xcbf2_9ce4_8422_2325

    public static let violationLimit = 1

    public init() {}

    public var virtualHours: Double { Double(virtualTime.count) / 3.6e12 }

    public var description: String {
        let covered = coverage.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        let whole =
            blocks > 0
            ? "\(blocks) blocks" : "\(sessions) sessions, \(records) usage records, \(ByteCount(bytes: bytes)) carried"
        let text =
            "\(seeds) seeds, \((virtualHours * 1_000).rounded() / 1_000) virtual hours, \(steps) steps, \(events) events, \(whole), "
            + "\(violations.count) violations\n  met: \(covered)"
        return violations.reduce(text) { $0 + "\n  \($1)" }
    }

    public mutating func add(_ other: SimulationReport) {
        seeds += other.seeds
        steps += other.steps
        virtualTime += other.virtualTime
        events += other.events
        sessions += other.sessions
        blocks += other.blocks
        records += other.records
        bytes += other.bytes
        coverage.merge(other.coverage, uniquingKeysWith: +)
        violations += other.violations
        mix(other.trace)
    }

    /// FNV-1a over the value's bytes: `Hasher` differs from process to process.
    mutating func mix(_ value: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 16) {
            trace = (trace ^ (value >> shift & 0xffff)) &* 0x0000_0100_0000_01b3
        }
    }
}
