import Consensus
import Primitives

/// A small deterministic ledger for simulated delegates: balances that sum up, stake that elects, and punishment.
/// Transactions are numbers; what one does follows from its digits.
struct SimulatedLedger {
    static let chainID = TaggedHash.digest(tag: "qlink/simulation", [])
    static let genesisTime: BlockTime = 1_800_000_000_000
    static let accounts = 8
    static let epoch: UInt64 = 4
    static let startBalance: UInt64 = 1_000

    let keys: [PublicKey]
    private(set) var balances: [UInt64]
    private(set) var stakes: [UInt64]
    private(set) var isOut: [Bool]
    private(set) var locked: UInt64 = 0
    private(set) var applied: Set<UInt64> = []
    /// Stands for all that was applied, in order.
    private(set) var history = Bytes32.zero
    private(set) var height: UInt64 = 0
    private(set) var head = BlockID.zero
    private(set) var time = genesisTime
    private(set) var set: DelegateSet
    private(set) var nextSet: DelegateSet
    /// Elected for the epoch after the next one's start.
    private var elected: DelegateSet
    private(set) var rotation: ProposerRotation
    /// What headers name.
    private(set) var root = Bytes32.zero
    private var setHash: Bytes32
    private var nextSetHash: Bytes32

    init(keys: [PublicKey], stakes: [UInt64]) throws(ConsensusError) {
        (self.keys, self.stakes) = (keys, stakes)
        balances = Array(repeating: Self.startBalance, count: Self.accounts)
        isOut = Array(repeating: false, count: keys.count)
        let first = try Self.elect(keys, stakes, isOut)
        (set, nextSet, elected, rotation) = (first, first, first, ProposerRotation(first))
        (setHash, nextSetHash) = (first.hash, first.hash)
        root = computedRoot
    }

    /// What no block changes.
    var supply: UInt64 { balances.reduce(0, +) + stakes.reduce(0, +) + locked }

    private var computedRoot: Bytes32 {
        var bytes = history.bytes
        for number in balances + stakes + isOut.map({ $0 ? 1 : 0 }) + [locked, height] {
            withUnsafeBytes(of: number.littleEndian) { bytes += Array($0) }
        }
        return TaggedHash.digest(tag: "qlink/simulated-state", bytes)
    }

    /// All of a header that the state before it decides.
    func header(proposer: PublicKey, at time: BlockTime) -> Header {
        var header = Header()
        (header.chainID, header.height, header.parent) = (Self.chainID, height + 1, head)
        (header.stateRoot, header.delegateSet, header.nextDelegateSet) = (root, setHash, isLastOfEpoch ? nextSetHash : setHash)
        (header.proposer, header.time) = (proposer, max(time, self.time + 1))
        return header
    }

    /// Whether the next block is.
    private var isLastOfEpoch: Bool { (height + 2) % Self.epoch == 0 }

    /// Whether a proof against `voter` would still change something.
    func canPunish(_ voter: PublicKey) -> Bool { keys.firstIndex(of: voter).map { !isOut[$0] } ?? false }

    /// Whether the block follows from this state; its parent's commit is checked by the caller.
    func accepts(_ block: Block, believingEvidence: Bool) -> Bool {
        let expected = header(proposer: block.header.proposer, at: block.header.time)
        var header = block.header
        (header.lastCommit, header.transactionRoot, header.evidenceRoot) = (.zero, Header().transactionRoot, .zero)
        guard header == expected, block.header.time > time, set.index(of: block.header.proposer) != nil, block.isSealed else {
            return false
        }
        let numbers = block.transactions.compactMap(Self.number)
        guard numbers.count == block.transactions.count, Set(numbers).count == numbers.count, applied.isDisjoint(with: numbers)
        else {
            return false
        }
        var accused: [PublicKey] = []
        for proof in block.evidence {
            guard canPunish(proof.voter), !accused.contains(proof.voter) else { return false }
            guard believingEvidence || (try? proof.verify(chainID: Self.chainID)) != nil else { return false }
            accused.append(proof.voter)
        }
        return true
    }

    mutating func apply(_ block: Block) {
        for proof in block.evidence { punish(keys.firstIndex(of: proof.voter)!) }
        for number in block.transactions.compactMap(Self.number) { apply(number) }
        history = TaggedHash.digest(tag: "qlink/simulated-history", history.bytes + block.header.id.bytes)
        (height, head, time) = (height + 1, block.header.id, block.header.time)
        rotation.advance()
        if (height + 1) % Self.epoch == 0 { beginEpoch() }
        root = computedRoot
    }

    private mutating func beginEpoch() {
        (set, nextSet) = (nextSet, elected)
        (setHash, nextSetHash) = (nextSetHash, nextSet.hash)
        rotation = ProposerRotation(set)
        if let winners = try? Self.elect(keys, stakes, isOut) { elected = winners }
    }

    private mutating func punish(_ number: Int) {
        let slash = stakes[number] / 20
        stakes[number] -= slash
        locked += slash
        isOut[number] = true
    }

    private mutating func apply(_ number: UInt64) {
        applied.insert(number)
        let (from, to, amount) = (Int(number % 8), Int((number >> 3) % 8), (number >> 6) % 50)
        guard balances[from] >= amount else { return }
        balances[from] -= amount
        if (number >> 12) % 5 == 0 {
            stakes[Int((number >> 16) % UInt64(stakes.count))] += amount
        } else {
            balances[to] += amount
        }
    }

    static func bytes(_ number: UInt64) -> [UInt8] { withUnsafeBytes(of: number.littleEndian) { Array($0) } }

    static func number(_ bytes: [UInt8]) -> UInt64? {
        guard bytes.count == 8 else { return nil }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func elect(
        _ keys: [PublicKey], _ stakes: [UInt64], _ isOut: [Bool]
    ) throws(ConsensusError) -> DelegateSet {
        let candidates = keys.indices.filter { !isOut[$0] }.map { Candidate(key: keys[$0], stake: QLC(units: stakes[$0])) }
        return try Election.elect(candidates, seats: 21)
    }
}
