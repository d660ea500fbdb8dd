public import HAL
public import Primitives

/// Where the board is, of all that a receiver says: no mode without a place, no bad guesses, one answer a cycle, and none
/// when it is old.
///
/// gpsd tells a cycle in up to three reports with one time, the first of them often worse: the best of a cycle counts.
public struct PositionFilter: Sendable {
    public enum Event: Hashable, Sendable {
        case report(PositionReport)
        case time
    }

    public enum Action: Hashable, Sendable {
        case position(KnownPosition)
        /// It was known, and is not any more.
        case lost
    }

    private let accuracyLimit: UInt32
    private let staleAfter: Nanoseconds
    public private(set) var known: KnownPosition?

    /// - Parameter accuracyLimit: in millimetres; a report that is worse, or makes no estimate, is dropped
    public init(accuracyLimit: UInt32, staleAfter: Nanoseconds = .seconds(60)) {
        self.accuracyLimit = accuracyLimit
        self.staleAfter = staleAfter
    }

    /// When ``handle(_:at:)`` must see the time next; nil: when something happens.
    public var wakesAt: Instant? { known.map { $0.at + staleAfter } }

    public mutating func handle(_ event: Event, at now: Instant) -> [Action] {
        if case .report(let report) = event, let new = accepted(report, at: now) {
            let isNews = known?.position != new.position || known?.time != new.time
            known = new
            return isNews ? [.position(new)] : []
        }
        guard let known, now - known.at >= staleAfter else { return [] }
        self.known = nil
        return [.lost]
    }

    private func accepted(_ report: PositionReport, at now: Instant) -> KnownPosition? {
        guard report.mode >= .twoDimensional, let position = report.position,
            let accuracy = position.accuracyMillimetres, accuracy <= accuracyLimit
        else { return nil }
        let new = KnownPosition(position: position, mode: report.mode, time: report.time, at: now)
        guard let known, now - known.at < staleAfter, let time = report.time, let last = known.time else { return new }
        // A receiver whose clock was set back is believed once what it said before is stale.
        if time < last { return nil }
        return time == last && new.isWorse(than: known) ? nil : new
    }
}

/// A position that was good enough, and when it was received.
public struct KnownPosition: Hashable, Sendable {
    public var position: Position
    public var mode: PositionReport.Mode
    /// By the receiver's clock.
    public var time: ReceiverTime?
    public var at: Instant

    public init(position: Position, mode: PositionReport.Mode, time: ReceiverTime?, at: Instant) {
        self.position = position
        self.mode = mode
        self.time = time
        self.at = at
    }

    func isWorse(than other: KnownPosition) -> Bool {
        guard mode == other.mode else { return mode < other.mode }
        return (position.accuracyMillimetres ?? .max) > (other.position.accuracyMillimetres ?? .max)
    }
}
