import Chain
public import Charging
import Ledger
import Primitives

/// When usage records are committed to on the chain.
public struct UsagePolicy: Hashable, Sendable {
    /// As many as have their visit records in one transaction.
    public static let batchLimit = CommitUsage.visitLimit

    /// Milliseconds of the ledger's time that the first one waits for others at most.
    public var patience: UInt64

    public init(patience: UInt64 = 3_600_000) { self.patience = patience }

    func isDue(_ count: Int, since: UInt64, at time: UInt64) -> Bool {
        count >= Self.batchLimit || count > 0 && time >= since.saturatingAdd(patience)
    }
}

/// What the station has delivered, brought to the chain by the batch.
///
/// ```
///  queue ─▶ 64 wait, or one for an hour ─▶ take (disk) ─▶ commitUsage ─▶ its root stands in the ledger ─▶ committed (disk)
/// ```
///
/// A batch is the same records until the ledger has their root, so it is sent again only when it is certain that it is in no block, and a
/// record is in one commitment only, wherever the power went.
public struct UsageCommitter: Sendable {
    private let queue: any UsageQueue
    let policy: UsagePolicy

    public init(_ queue: any UsageQueue, policy: UsagePolicy = UsagePolicy()) { (self.queue, self.policy) = (queue, policy) }

    private struct Standing: Sendable {
        var asset: AssetID
        var roots: Set<Bytes32>
    }

    /// The next commitment, to be sent by `station`; nil: none is due, or it has no asset on the chain.
    ///
    /// To be asked only when nothing of the station's is on its way to a block.
    func next(for station: PublicKey, on chain: any SettlementChain) async throws(StorageError) -> CommitUsage? {
        var batch = try await queue.underway()
        let time = await chain.read { $0.state.head.time }
        let (count, since) = try await queue.waiting(at: time)
        guard !batch.isEmpty || policy.isDue(count, since: since, at: time) else { return nil }
        guard let standing = await chain.read({ Self.standing(of: station, on: $0.state) }) else { return nil }
        if !batch.isEmpty, standing.roots.contains(CommitUsage.root(of: batch)) {
            try await queue.committed()
            guard policy.isDue(count, since: since, at: time) else { return nil }
            batch = []
        }
        if batch.isEmpty { batch = try await queue.take(UsagePolicy.batchLimit) }
        return batch.isEmpty ? nil : CommitUsage(of: batch, by: standing.asset)
    }

    private static func standing(of station: PublicKey, on state: LedgerState) -> Standing? {
        guard let (id, asset) = StationListing.asset(of: station, on: state), !asset.isRetired else { return nil }
        guard case .usage(let commitments)? = state[.usage(of: id)] else {
            return Standing(asset: id, roots: [])
        }
        return Standing(asset: id, roots: Set(commitments.latest.map(\.usageRoot)))
    }
}
