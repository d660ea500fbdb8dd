import OrderedCollections
public import Primitives

/// The order in which things may happen: decide, persist, grant, close. It does none of them; the caller does, and says how it went.
///
/// ```
///  decide ─▶ records ─▶ disk ─▶ orders ─▶ kernel ─▶ given ─▶ closing? ─▶ counters ─▶ close ─▶ the same once more
///                        └─ full: failed            └─ refused: ordered again with the next batch
/// ```
public struct Till: Sendable {
    public private(set) var engine: ChargingEngine
    /// The last word for each mark that the kernel refused.
    private var refused: OrderedDictionary<UInt32, Action> = [:]
    /// Whose service is to be stopped, and whose account is then to be closed.
    private var ending: OrderedSet<UInt32> = []
    /// Addresses seen while nothing could be written.
    private var unlearned: OrderedSet<ChargingEvent> = []
    static let unlearnedLimit = 4_096

    /// What came of some events, before any of it is true.
    public struct Batch: Sendable {
        /// One for each event.
        public internal(set) var results: [Result<Outcome, ChargingError>] = []
        /// To be written first, all or none.
        public var records: [Record] { actions.compactMap { if case .persist(let record) = $0 { record } else { nil } } }
        var actions: [Action] = []
        var seen: [ChargingEvent] = []
        var closed: [UInt32] = []
        let before: ChargingEngine
    }

    /// - Parameter actions: what ``ChargingEngine/restore(station:tariffs:limits:from:marks:sameBoot:at:)`` wants done first.
    public static func recover(_ engine: ChargingEngine, first actions: [Action]) -> (till: Till, first: Batch) {
        (Till(engine: engine), Batch(actions: actions, before: engine))
    }

    private init(engine: ChargingEngine) { self.engine = engine }

    /// Nothing is waiting: every account of an ended session is closed, and the kernel does what it was told.
    public var isSettled: Bool { refused.isEmpty && ending.isEmpty }

    /// Takes events in, and after them the kernel's counters, so that what is granted knows both.
    ///
    /// - Parameter readings: just read; nil if they could not be.
    public mutating func decide(_ events: [ChargingEvent], readings: [MeterReading]?, at now: Moment) -> Batch {
        var batch = Batch(before: engine)
        for event in unlearned { _ = take(event, at: now, &batch) }
        for event in events { batch.results.append(take(event, at: now, &batch)) }
        if let readings { _ = take(.sampled(readings, unapplied: unapplied), at: now, &batch) }
        return batch
    }

    private mutating func take(_ event: ChargingEvent, at now: Moment, _ batch: inout Batch) -> Result<Outcome, ChargingError> {
        if case .seen = event { batch.seen.append(event) }
        do throws(ChargingError) {
            let outcome = try engine.handle(event, at: now)
            batch.actions += outcome.actions
            return .success(outcome)
        } catch { return .failure(error) }
    }

    private var unapplied: Set<UInt32> { Set(refused.keys) }

    /// The records could not be written: what is not on disk did not happen.
    public mutating func failed(_ batch: Batch) {
        engine = batch.before
        for event in batch.seen where unlearned.count < Self.unlearnedLimit { unlearned.append(event) }
    }

    /// What the kernel is to be told once the records are on disk: the last word for each mark, and first what it refused before.
    public func orders(_ batch: Batch) -> [Action] {
        var orders = refused
        for action in batch.actions {
            guard let mark = action.mark else { continue }
            orders[mark] = nil
            orders[mark] = action
        }
        return Array(orders.values)
    }

    /// The kernel was told; these orders it `refused`.
    public mutating func given(_ batch: Batch, refused again: [Action]) {
        unlearned = []
        for case .stop(let mark) in batch.actions { ending.append(mark) }
        ending.subtract(batch.closed)
        refused = [:]
        for action in again { if let mark = action.mark { refused[mark] = action } }
    }

    /// Whose service has ended. Their counters are to be read once more and handed to ``close(_:readings:at:)``.
    public var closing: [UInt32] {
        ending.filter { if case .stop = refused[$0] { false } else { true } }
    }

    /// Closes the accounts of those whose service had ended before the counters were read.
    public mutating func close(_ marks: [UInt32], readings: [MeterReading], at now: Moment) -> Batch {
        var batch = Batch(before: engine)
        _ = take(.sampled(readings, unapplied: unapplied), at: now, &batch)
        _ = take(.drained(marks), at: now, &batch)
        batch.closed = marks
        return batch
    }
}

extension Action {
    /// Whom it is about in the kernel; nil: it is for the disk.
    var mark: UInt32? {
        switch self {
        case .persist: nil
        case .serve(let bearer): bearer.mark
        case .stop(let mark), .forget(let mark): mark
        }
    }
}
