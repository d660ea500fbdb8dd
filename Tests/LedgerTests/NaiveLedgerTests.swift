import Consensus
import Glibc
import Ledger
import Primitives
import SimulatedHAL
import Testing

/// The real ledger against the naive one. A failure names its seed; `QLINK_SEED=n` runs that one alone.
@Suite struct NaiveLedgerTests {
    static let seeds: [UInt64] = {
        if let text = getenv("QLINK_SEED"), let seed = UInt64(String(cString: text)) { return [seed] }
        return Array(1...200)
    }()

    @Test(arguments: seeds) func bothLedgersAgreeOnARandomHistory(seed: UInt64) throws {
        var history = try RandomHistory(seed: seed)
        var naive = NaiveLedger(history.chain.genesis)
        try #require(naive.differences(from: history.chain.state) == [], "seed \(seed), genesis")
        for height in 1...40 {
            try step(&history, &naive)
            let differences = naive.differences(from: history.chain.state)
            try #require(differences == [], "seed \(seed), height \(height)")
            try #require(history.chain.state.supply == .supply && naive.total == NaiveLedger.Amount(QLC.supply.units))
        }
    }

    /// One block: predicted, built, executed, applied.
    private func step(_ history: inout RandomHistory, _ naive: inout NaiveLedger) throws {
        let state = history.chain.state
        let (pool, evidence, absent) = (try history.pool(), try history.evidence(), history.absent())
        let time = state.head.time + history.step()
        let proposer = state.rotation.proposer
        let commit = commit(of: state, without: absent)
        let (block, outcome) = try state.build(
            from: pool, evidence: evidence, lastCommit: commit, proposer: proposer, at: time)
        let predicted = naive.block(at: time, pool: pool, evidence: evidence, absent: absent, proposer: proposer)
        try #require(block.transactions == predicted.included.map(\.bytes))
        try #require(outcome.receipts.map(\.refusal) == predicted.refusals)
        try #require(outcome.receipts.map(\.fee) == predicted.included.map(\.transaction.fee))
        try #require(block.evidence.map(\.voter) == predicted.accused)
        if history.random.chance(1, in: 5) {
            let restored = try history.chain.restored()
            try #require(restored.root == state.root && restored.rotation == state.rotation)
            let again = try restored.execute(block, predicted.included, knownCommit: commit)
            try #require(again.agrees(with: outcome))
            history.chain.state.apply(again)
        } else {
            history.chain.state.apply(outcome)
        }
    }

    /// Signed by nobody: what it says of who is absent is what counts here, and `BlockTests` checks signatures.
    private func commit(of state: LedgerState, without absent: Set<PublicKey>) -> Commit? {
        guard state.head.height > 0 else { return nil }
        let signers = state.epoch.set(at: state.head.height).delegates.enumerated().filter { !absent.contains($1.key) }
        return Commit(
            height: state.head.height, round: 0, block: state.head.block,
            signers: signers.reduce(0) { $0 | 1 << UInt64($1.offset) }, signatures: signers.map { _ in Signature() })
    }
}

/// That the histories are worth something.
@Suite struct RandomHistoryTests {
    @Test func theyReachEveryKindAndNearlyEveryRefusal() throws {
        var done: Set<Payload.Kind> = []
        var refused: Set<Refusal> = []
        var passedOver = 0, elections: Set<Bytes32> = [], carried = 0
        for seed in UInt64(1)...20 {
            var history = try RandomHistory(seed: seed)
            let parameters = history.chain.state.parameters
            for _ in 0..<40 {
                let (pool, evidence, absent) = (try history.pool(), try history.evidence(), history.absent())
                let step = history.step()
                let (block, outcome) = try history.chain.build(pool, evidence: evidence, missing: absent, after: step)
                passedOver += pool.count - block.transactions.count
                let kinds = Dictionary(pool.map { ($0.id, $0.transaction.payload.kind) }) { $1 }
                for receipt in outcome.receipts {
                    if let refusal = receipt.refusal { refused.insert(refusal) } else { done.insert(kinds[receipt.transaction]!) }
                }
                history.chain.state.apply(outcome)
                elections.insert(history.chain.state.epoch.current.hash)
            }
            if history.chain.state.parameters != parameters { carried += 1 }
        }
        #expect(done == Set(Payload.Kind.allCases))
        // A taken channel name needs a damaged state; 64 unstakes need a longer history. Both are tested alone.
        #expect(Set(Refusal.allCases).subtracting(refused).isSubset(of: [.channelKnown, .tooManyUnbondings]), "only \(refused)")
        #expect(passedOver > 100 && elections.count > 30 && carried > 3)
    }
}
