import Foundation

/// Waits until `condition` holds, looking every `interval`; throws when `timeout` has passed.
public func waitUntil(
    _ what: String = "a condition", timeout: Duration = .seconds(5), every interval: Duration = .milliseconds(10),
    _ condition: () throws -> Bool
) throws {
    try poll(timeout: timeout, every: interval, else: LabError.waitedInVain(for: what, timeout), condition)
}

/// The same without holding a thread.
public func waitUntil(
    _ what: String = "a condition", timeout: Duration = .seconds(5), every interval: Duration = .milliseconds(10),
    isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async throws {
    try await pollSuspending(timeout: timeout, every: interval, else: LabError.waitedInVain(for: what, timeout), condition)
}

func poll(
    timeout: Duration, every interval: Duration = .milliseconds(2), else failure: @autoclosure () -> LabError,
    _ condition: () throws -> Bool
) throws {
    let end = ContinuousClock.now + timeout
    while try !condition() {
        guard ContinuousClock.now < end else { throw failure() }
        Thread.sleep(forTimeInterval: interval / .seconds(1))
    }
}

func pollSuspending(
    timeout: Duration, every interval: Duration = .milliseconds(2), isolation: isolated (any Actor)? = #isolation,
    else failure: @autoclosure () -> LabError, _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + timeout
    while try await !condition() {
        guard ContinuousClock.now < end else { throw failure() }
        try await Task.sleep(for: interval)
    }
}
