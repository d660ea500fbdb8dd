import Consensus
import Primitives
import SimulatedHAL

struct CertifiedBlock {
    var block: Block
    var commit: Commit
}

/// What a crash leaves: the synced part of the block log and perhaps some of the rest; the signing state, which is always synced.
struct SimulatedDelegateDisk {
    var log: [CertifiedBlock] = []
    private var synced = 0
    var signing: SigningState?
    /// Blocks that this node is bound to.
    var bodies: [BlockID: Block] = [:]
    /// False from the restoring of a copy until the board may sign again: another restart does not make it whole.
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

/// One node of a simulated network: the consensus module, a ledger, a disk that forgets, and a clock that is off.
struct SimulatedDelegate {
    /// What a crash takes.
    struct Memory {
        var agreement: Agreement
        var ledger: SimulatedLedger
        var bodies: [BlockID: Block] = [:]
        var waiting: [UInt64] = []
        var evidence: [DoubleVote] = []
        var beganWithoutClock = false

        mutating func forgetApplied() {
            waiting.removeAll { ledger.applied.contains($0) }
            evidence.removeAll { !ledger.canPunish($0.voter) }
        }
    }

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
    var memory: Memory?
    /// Counts starts, so that timers of an earlier life are not heard.
    var life = 0

    var isHonest: Bool { tricks.isEmpty }
    var height: UInt64 { memory?.ledger.height ?? 0 }

    static let waitingLimit = 64
}
