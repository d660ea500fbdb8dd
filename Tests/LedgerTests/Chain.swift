import Charging
import Consensus
import Ledger
import Primitives
import SimulatedHAL
import Testing

/// A chain in memory with known keys: what a test asks for goes through a block that is built, executed and applied.
struct Chain {
    static let start: BlockTime = 1_800_000_000_000
    static let second: UInt64 = 1_000
    static let hour: UInt64 = 3_600_000

    /// The delegates of genesis come first.
    let keys: [PrivateKey]
    let names: [PublicKey]
    private let owners: [PublicKey: PrivateKey]
    let genesis: Genesis
    var state: LedgerState
    var lastCommit: Commit?

    /// `delegates` keys with those stakes, in QLC, and the rest of the supply in equal parts among all keys.
    init(
        people: Int = 4, stakes: [UInt64] = [1_000_000, 1_000_000, 1_000_000, 1_000_000], commission: UInt16 = 1_000,
        seed: UInt64 = 1, _ settings: [Parameters.Name: UInt64] = [:], vesting: [(person: Int, UInt64)] = []
    ) throws {
        var random = SplitMix64(seed: seed)
        let keys = (0..<stakes.count + people).map { _ in PrivateKey(seed: random.bytes(32))! }
        let names = keys.map(\.publicKey)
        var parameters = Parameters()
        for (name, value) in settings { try parameters.set(name, to: value) }
        let used = (stakes.reduce(0, +) + vesting.reduce(0) { $0 + $1.1 }) * QLC.unitsPerQLC
        let left = QLC.supply.units - used
        var allocations = names.map { Genesis.Allocation($0, QLC(units: left / UInt64(names.count))) }
        allocations[names.count - 1].amount += QLC(units: left % UInt64(names.count))
        let genesis = Genesis(
            name: "test", time: Self.start, parameters: parameters, allocations: allocations,
            vesting: vesting.map {
                Genesis.VestedAllocation(
                    names[$0.person], QLC(units: $0.1 * QLC.unitsPerQLC), start: Self.start, end: Self.start + 10 * Self.hour)
            },
            delegates: zip(names, stakes).map {
                Genesis.FirstDelegate($0, stake: QLC(units: $1 * QLC.unitsPerQLC), commission: commission)
            })
        try self.init(genesis, keys: keys)
    }

    init(_ genesis: Genesis, keys: [PrivateKey]) throws {
        (self.genesis, self.keys, names) = (genesis, keys, keys.map(\.publicKey))
        owners = Dictionary(uniqueKeysWithValues: keys.map { ($0.publicKey, $0) })
        state = try genesis.state()
    }

    func key(of name: PublicKey) -> PrivateKey { owners[name]! }
    func balance(_ person: Int) -> QLC { state.account(names[person]).balance }
    var funds: Funds { if case .funds(let funds)? = state[.funds] { funds } else { Funds() } }
    var proposer: PublicKey { state.rotation.proposer }

    /// The fee asked for, unless `fee` says otherwise; the account's next sequence, plus `ahead`.
    func sign(
        _ payload: Payload, by person: Int, ahead: UInt64 = 0, fee: QLC? = nil, validUntil: BlockTime = .max,
        sequence: UInt64? = nil, chainID: Bytes32? = nil
    ) -> CheckedTransaction {
        var transaction = Transaction(
            chainID: chainID ?? state.chainID, sender: names[person],
            sequence: sequence ?? state.account(names[person]).sequence + ahead, fee: .zero, validUntil: validUntil,
            payload: payload)
        let size = transaction.canonicalBytes.count + 64
        transaction.fee = fee ?? Fees.least(for: payload, bytes: size, state.parameters)
        return CheckedTransaction(signing: transaction, by: keys[person])
    }

    /// The precommits of the head's delegates, of all but `missing`.
    func commit(missing: Set<PublicKey> = []) -> Commit? {
        guard state.head.height > 0 else { return nil }
        let vote = Vote(
            chainID: state.chainID, height: state.head.height, round: 0, step: .precommit, block: state.head.block)
        let set = state.epoch.set(at: state.head.height)
        let signers = set.delegates.map(\.key).filter { !missing.contains($0) }
        return Commit(of: vote, from: signers.map { Verified(signing: vote, by: key(of: $0)) }, in: set)
    }

    func build(
        _ transactions: [CheckedTransaction], evidence: [DoubleVote] = [], missing: Set<PublicKey> = [],
        after milliseconds: UInt64 = second
    ) throws -> (block: Block, outcome: BlockOutcome) {
        try state.build(
            from: transactions, evidence: evidence, lastCommit: commit(missing: missing), proposer: proposer,
            at: state.head.time + milliseconds)
    }

    /// The next block of these, applied. All must find room in it.
    @discardableResult mutating func add(
        _ transactions: [CheckedTransaction] = [], evidence: [DoubleVote] = [], missing: Set<PublicKey> = [],
        after milliseconds: UInt64 = second, location: SourceLocation = #_sourceLocation
    ) throws -> [Receipt] {
        let (block, outcome) = try build(transactions, evidence: evidence, missing: missing, after: milliseconds)
        try #require(outcome.receipts.count == transactions.count, "a transaction was passed over", sourceLocation: location)
        state.apply(try state.execute(block, transactions))
        #expect(state.supply == .supply, sourceLocation: location)
        return outcome.receipts
    }

    /// One payload in a block of its own.
    /// - Returns: why it was refused; nil when it was done.
    @discardableResult mutating func run(
        _ payload: Payload, by person: Int, after milliseconds: UInt64 = second, location: SourceLocation = #_sourceLocation
    ) throws -> Refusal? {
        let transaction = sign(payload, by: person)
        return try add([transaction], after: milliseconds, location: location).first?.refusal
    }

    /// Empty blocks up to and with the last one of the epoch.
    mutating func endEpoch(missing: Set<PublicKey> = []) throws {
        let number = state.epoch.number
        while state.epoch.number == number { try add(missing: missing) }
    }

    func doubleVote(of person: Int, height: UInt64 = 1, chainID: Bytes32? = nil) throws -> DoubleVote {
        let votes = [UInt8(1), 2].map { number in
            Vote(
                chainID: chainID ?? state.chainID, height: height, round: 0, step: .prevote,
                block: TaggedHash.digest(tag: "block", [number]))
        }
        return try DoubleVote(
            Verified(signing: votes[0], by: keys[person]), Verified(signing: votes[1], by: keys[person]))
    }

    /// The same state out of its entries, in another order.
    func restored() throws -> LedgerState {
        let entries = state.all.sorted { $1.key < $0.key }.map { (key: $0.key, entry: $0.value) }
        return try LedgerState(chainID: state.chainID, head: state.head, entries: entries)
    }
}

extension QLC {
    static func qlc(_ whole: UInt64) -> QLC { QLC(units: whole * unitsPerQLC) }
}

extension BlockOutcome {
    /// Whether it comes to the same, entry by entry.
    func agrees(with other: BlockOutcome) -> Bool {
        (parent, head, receipts, changes) == (other.parent, other.head, other.receipts, other.changes)
    }
}
