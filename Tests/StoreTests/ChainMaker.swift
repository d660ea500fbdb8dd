import Consensus
import Ledger
import Node
import Primitives

/// Final blocks as four delegates would make them, without any of them.
struct ChainMaker {
    let keys = (1...4 as ClosedRange<UInt8>).map { PrivateKey(seed: [UInt8](repeating: $0, count: 32))! }
    let genesis: Genesis
    private(set) var state: LedgerState
    private(set) var lastCommit: Commit?

    /// - Parameter accounts: beside the delegates': keys that nobody has.
    init(epochBlocks: UInt64 = 8, accounts: Int = 0) throws {
        var parameters = Parameters()
        try parameters.set(.epochBlocks, to: epochBlocks)
        try parameters.set(.epochTime, to: 7 * 86_400_000)
        let stake = QLC(units: 1_000_000 * QLC.unitsPerQLC)
        let left = QLC.supply.units - 4 * stake.units
        let one = QLC(units: 1_000)
        let others = (0..<accounts).map { number in
            Genesis.Allocation(PublicKey(raw: TaggedHash.digest(tag: "test/account", "\(number)".utf8)), one)
        }
        genesis = Genesis(
            name: "test", time: 1_800_000_000_000, parameters: parameters,
            allocations: [.init(keys[0].publicKey, QLC(units: left - one.units * UInt64(accounts)))] + others,
            delegates: keys.map { Genesis.FirstDelegate($0.publicKey, stake: stake) })
        state = try genesis.state()
    }

    /// The next block: a payment of the first delegate's to the second.
    mutating func next() throws -> (certified: CertifiedBlock, outcome: BlockOutcome) {
        let time = state.head.time + 60_000
        let payment = CheckedTransaction(
            signing: Transaction(
                chainID: state.chainID, sender: keys[0].publicKey, sequence: state.account(keys[0].publicKey).sequence,
                fee: QLC(units: 1_000_000), validUntil: time + 3_600_000,
                payload: .transfer(Transfer(to: keys[1].publicKey, amount: QLC(units: 7)))), by: keys[0])
        let (block, outcome) = try state.build(
            from: [payment], lastCommit: lastCommit, proposer: keys[0].publicKey, at: time)
        let vote = Vote(
            chainID: state.chainID, height: block.header.height, round: 0, step: .precommit, block: block.header.id)
        let commit = Commit(of: vote, from: keys.map { Verified(signing: vote, by: $0) }, in: state.epoch.current)
        state.apply(outcome)
        lastCommit = commit
        return (CertifiedBlock(block, commit), outcome)
    }
}
