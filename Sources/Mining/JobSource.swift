public import MiningPool
public import ProofOfWork

/// Where jobs come from and shares go: a pool, or one's own node.
public protocol JobSource: Sendable {
    /// In words, for people: `pool.example.org:3333`.
    var name: String { get }
    /// Works until it is cancelled or cannot go on; says each change to `tell`, in order.
    func run(_ tell: @escaping @Sendable (JobSourceEvent) async -> Void) async throws
    /// Hands a share in. Its verdict comes as an event.
    func submit(_ share: Share) async
}

public enum JobSourceEvent: Hashable, Sendable {
    case connected(String)
    case job(Job)
    /// What became of a share; `why` in the words of whoever refused it.
    case accepted(jobID: String, nonce: UInt32, blockFound: Bool)
    case refused(jobID: String, nonce: UInt32, ShareRefusal, why: String)
    /// What a pool of base stations owes, as it signed it.
    case membership(PoolMembership)
    /// Nothing to hash until the next job; in words.
    case lost(String)
}
