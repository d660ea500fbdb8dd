public import Primitives

/// What a member holds of a pool's signed words, and whether they add up. A pool that lies to it is found out here, and nowhere later.
public struct PoolMembership: Hashable, Sendable {
    public private(set) var pool: PublicKey
    public private(set) var member: PublicKey
    /// The last; nil: none yet.
    public private(set) var receipt: PoolReceipt?
    /// Statements that were checked; the last of them.
    public private(set) var audited: UInt64 = 0
    public private(set) var lastAudited: UInt64 = 0
    /// Statements in which the pool says this member has nothing: its work may be older than the window, which only it can judge.
    public private(set) var without: UInt64 = 0
    /// The last receipt that stood before each block that was not checked yet.
    private var before: [UInt64: PoolReceipt] = [:]

    /// Blocks that wait to be checked: more come only to who was away.
    static let waitingMax = 16

    /// Of that pool: another connection goes on where this one ends.
    public func isOf(_ pool: PublicKey, _ member: PublicKey) -> Bool { self.pool == pool && self.member == member }

    public init(pool: PublicKey, member: PublicKey) { (self.pool, self.member) = (pool, member) }

    /// With a share of `work` that was accepted.
    public mutating func take(_ bytes: [UInt8], work: UInt64) throws(PoolAuditFailure) {
        let signed: Signed<PoolReceipt>
        do throws(CanonicalError) { signed = try Signed(canonicalBytes: bytes) } catch {
            throw .init(description: "its receipt is none: \(error)")
        }
        guard let next = signed.verified(by: pool)?.value, next.member == member else {
            throw .init(description: "its receipt is not signed for this member by the key that it named")
        }
        let (earned, shares) = (receipt?.work ?? 0, receipt?.shares ?? 0)
        guard next.work >= earned.saturatingAdd(work), next.shares > shares, next.paid >= receipt?.paid ?? .zero,
            next.statement >= receipt?.statement ?? 0
        else { throw .init(description: "its receipt says less than the one before with this share") }
        if let receipt, next.statement > receipt.statement, before.count < Self.waitingMax {
            before[receipt.statement + 1] = receipt
        }
        receipt = next
    }

    /// The next statement to be looked at; nil: there is none.
    public var nextToAudit: UInt64? { before.keys.min() }

    /// - Parameter bytes: a ``PoolProof``; nil: the pool has none for this member
    public mutating func audit(_ number: UInt64, _ bytes: [UInt8]?) throws(PoolAuditFailure) {
        guard let receipt = before.removeValue(forKey: number) else { return }
        guard let bytes else {
            without += 1
            return
        }
        let proof: PoolProof
        do throws(CanonicalError) { proof = try PoolProof(canonicalBytes: bytes) } catch {
            throw .init(description: "statement \(number) is none: \(error)")
        }
        guard proof.statement.claim.number == number else {
            throw .init(description: "it shows another statement than \(number)")
        }
        do throws(PoolAuditFailure) {
            try proof.check(by: pool, for: member)
            try proof.check(against: receipt)
        } catch { throw .init(description: "statement \(number) is false: \(error.description)") }
        (audited, lastAudited) = (audited + 1, number)
    }
}

/// What outlives the daemon: the last receipt.
extension PoolMembership: Canonical {
    public init() { self.init(pool: PublicKey(), member: PublicKey()) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&pool)
        try coder.nested(&member)
        try coder.optional(&receipt)
    }
}
