public import Primitives

/// The board's clocks. Passed in by whoever composes the program; pure code is handed a `Moment` instead.
public protocol Clocks: Sendable {
    func now() -> Moment
    /// Changes with every boot: instants of different boots are not comparable.
    var bootID: String { get }
    /// Suspends until the boot-time clock has moved on by `interval`.
    func sleep(_ interval: Nanoseconds) async throws
}
