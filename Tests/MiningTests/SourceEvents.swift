import Mining
import Synchronization

/// Runs a source for as long as `body`.
func withEvents(of source: some JobSource, _ body: (SourceEvents) async throws -> Void) async throws {
    let events = SourceEvents()
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            do { try await source.run { events.add($0) } } catch { events.end(error) }
        }
        defer { group.cancelAll() }
        try await body(events)
    }
}

/// What a source told, in order.
final class SourceEvents: Sendable {
    struct Silent: Error { let after: [JobSourceEvent] }
    private let told = Mutex<[JobSourceEvent]>([])

    private let ended = Mutex<(any Error)?>(nil)

    /// Why the source ended; nil while it runs.
    var error: (any Error)? { ended.withLock { $0 } }

    func end(_ error: any Error) { ended.withLock { $0 = error } }
    func add(_ event: JobSourceEvent) { told.withLock { $0.append(event) } }

    /// The next event that `pick` takes; those before it are passed over.
    func next<Found: Sendable>(within seconds: Int = 60, _ pick: (JobSourceEvent) -> Found?) async throws -> Found? {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var passed: [JobSourceEvent] = []
        while ContinuousClock.now < deadline {
            let event = told.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let event, let found = pick(event) { return found }
            if let event { passed.append(event) } else { try await Task.sleep(for: .milliseconds(5)) }
        }
        throw Silent(after: passed)
    }
}
