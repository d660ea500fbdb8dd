import Consensus
import Ledger
import Node
import Primitives
import SimulatedHAL

/// What a crash leaves: the synced part of the block log and perhaps some of the rest; the signing state, which is always synced.
struct SimulatedDelegateDisk {
    var log: [CertifiedBlock] = []
    private var synced = 0
    var signing: SigningState?
    /// Blocks that this node is bound to.
    var bound: [Block] = []
    /// False from the restoring of a copy until the board signs again: another restart does not make it whole.
    var isWhole = true

    mutating func append(_ block: CertifiedBlock) { log.append(block) }
    mutating func sync() { synced = log.count }

    /// A record that was torn ends the log: its checksum does not fit.
    mutating func crash(_ random: inout SplitMix64) -> Int {
        let left = random.number(synced...log.count)
        defer {
            log.removeSubrange(left...)
            synced = left
        }
        return log.count - left
    }
}

/// One node of a simulated network: the node that the daemon runs, a disk that forgets, and a clock that is off.
struct SimulatedDelegate {
    let number: Int
    let key: PrivateKey
    let publicKey: PublicKey
    /// A follower has none.
    let isDelegate: Bool
    let tricks: Set<ByzantineTrick>
    /// Milliseconds; nil: not set.
    var clockOffset: Int?
    var disk = SimulatedDelegateDisk()
    var copy: SimulatedDelegateDisk?
    /// Was, or is about to be, restored from a copy in this run.
    var isRestored = false
    /// A crash takes it.
    var running: ChainNode?
    var beganWithoutClock = false
    /// Blocks that a cheat has heard of at this height.
    var heard: Set<BlockID> = []
    /// Rounds of this height for which it has proposed something.
    var proposed: Set<UInt32> = []
    /// Counts starts and crashes, so that nothing of an earlier life is heard.
    var life = 0

    var isHonest: Bool { tricks.isEmpty }
    var height: UInt64 { running?.state.head.height ?? 0 }
}
