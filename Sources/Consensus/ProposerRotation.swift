public import Primitives

/// Who proposes, in proportion to power: each round adds its power to every priority, takes the highest (of two alike, the lower key),
/// and takes the total from it. Priorities sum to zero and stay within the total, so they never overflow.
public struct ProposerRotation: Hashable, Sendable {
    public let set: DelegateSet
    private var priorities: [Int64]
    /// Where the proposer stands in the set.
    public private(set) var proposerIndex = 0

    /// The first proposer of `set`, as at an epoch's first height and round 0.
    public init(_ set: DelegateSet) {
        self.set = set
        priorities = Array(repeating: 0, count: set.count)
        advance()
    }

    public var proposer: PublicKey { self.set.delegates[proposerIndex].key }

    /// Goes on to the next round, or the next height.
    public mutating func advance() {
        var highest = 0
        for index in priorities.indices {
            priorities[index] += Int64(set.delegates[index].power)
            if priorities[index] > priorities[highest] { highest = index }
        }
        priorities[highest] -= Int64(set.totalPower)
        proposerIndex = highest
    }

    public func advanced(by rounds: UInt32) -> ProposerRotation {
        var later = self
        for _ in 0..<rounds { later.advance() }
        return later
    }
}
