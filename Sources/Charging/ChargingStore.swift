public import Primitives

/// Where the engine's facts are kept. A commit is on disk, whole, when it returns; or nothing of it is.
public protocol ChargingStore: Sendable {
    func commit(_ records: [Record]) async throws(StorageError)
    /// A page of usage records that ended at or after `since`, oldest first, `limit` at most: those that come after `last`.
    func usage(since: WallTime, after last: UsageRecord?, limit: Int) async throws(StorageError) -> [Signed<UsageRecord>]
    /// The usage record of one session; nil while it is open, or if there never was one.
    func usage(of session: SessionID) async throws(StorageError) -> Signed<UsageRecord>?
    /// The same with what proves that the chain has a commitment to it, once it does.
    func proof(of session: SessionID) async throws(StorageError) -> UsageProof?
    /// What sessions that ended at or after `since` add up to.
    func totals(since: WallTime) async throws(StorageError) -> UsageTotals
    /// Bytes handed to the disk since the program started.
    func bytesWritten() async -> UInt64
}

public struct UsageTotals: Hashable, Sendable {
    public var sessions: UInt64 = 0
    public var bytesUp: UInt64 = 0
    public var bytesDown: UInt64 = 0
    public var charge = QLC.zero

    public init(sessions: UInt64 = 0, bytesUp: UInt64 = 0, bytesDown: UInt64 = 0, charge: QLC = .zero) {
        self.sessions = sessions
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
        self.charge = charge
    }
}

/// Why something could not be kept; the description is for people.
public struct StorageError: Error, Hashable, CustomStringConvertible {
    public enum Kind: String, Hashable, Sendable { case full, corrupt, inUse, notPermitted, other }
    public var kind: Kind
    public var description: String

    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
