public import Primitives

/// A usage record that the chain has no commitment of yet.
public struct UncommittedUsage: Hashable, Sendable {
    public var record: Signed<UsageRecord>
    /// What the buyer's own record of it is sealed for.
    public var visitKey: SealingKey?

    public init(_ record: Signed<UsageRecord>, visitKey: SealingKey? = nil) { (self.record, self.visitKey) = (record, visitKey) }
}

/// The usage records that wait for a commitment on the chain, in the order of their end.
///
/// ```
///  session ends ─▶ waiting ─▶ take ─▶ under way ─▶ committed
/// ```
///
/// What is under way is one commitment: the same records however often it is sent, so that whether the chain has it can be told.
/// Every step is on disk when it returns.
public protocol UsageQueue: Sendable {
    /// Of the commitment that is being made, in its order; empty: none is.
    func underway() async throws(StorageError) -> [UncommittedUsage]
    /// How many wait besides, and since when the first of them does.
    /// - Parameter time: of the ledger, in milliseconds: since then those wait that were not asked for before.
    func waiting(at time: UInt64) async throws(StorageError) -> (count: Int, since: UInt64)
    /// Begins a commitment, of the first `limit` of those that wait. Only when none is being made.
    func take(_ limit: Int) async throws(StorageError) -> [UncommittedUsage]
    /// The chain has what was under way.
    func committed() async throws(StorageError)
}
