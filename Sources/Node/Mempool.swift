import Consensus
public import Ledger
public import Primitives

/// Transactions that wait for a block: of each sender a run without gaps from the account's next sequence.
///
/// Bounded (chain.md, "Peers"): what pays least for its bytes goes when something better comes.
public struct Mempool: Sendable {
    public static let countLimit = 4_096
    public static let bytesLimit = 4 << 20
    public static let perSenderLimit = 16
    /// Another transaction in the place of a waiting one has to pay so much more, in percent: changing one's mind is not free.
    static let replacementPercent: UInt64 = 10

    public enum Refusal: Error, Hashable, Sendable {
        case inadmissible(Inadmissible)
        case known
        case tooManyOfSender
        /// Another one waits in this place, and pays as much.
        case taken
        /// The pool is full of better ones.
        case full
    }

    private var queues: [PublicKey: [CheckedTransaction]] = [:]
    private var known: [Bytes32: CheckedTransaction] = [:]
    public private(set) var bytes = 0

    public init() {}

    public var count: Int { known.count }
    public var isEmpty: Bool { known.isEmpty }
    public func contains(_ id: Bytes32) -> Bool { known[id] != nil }
    public subscript(id: Bytes32) -> CheckedTransaction? { known[id] }

    /// The transaction with these very bytes, if it was checked here.
    public func checked(_ bytes: [UInt8]) -> CheckedTransaction? {
        guard let found = known[CheckedTransaction.id(of: bytes)], found.bytes == bytes else { return nil }
        return found
    }

    /// The sequence for the sender's next transaction.
    public func nextSequence(of sender: PublicKey, on state: LedgerState) -> UInt64 {
        state.account(sender).sequence + UInt64(queues[sender]?.count ?? 0)
    }

    /// Takes a transaction in, or says why not.
    public mutating func add(_ checked: CheckedTransaction, on state: LedgerState) throws(Refusal) {
        guard known[checked.id] == nil else { throw .known }
        let transaction = checked.transaction
        let account = state.account(transaction.sender)
        var queue = queues[transaction.sender] ?? []
        do throws(Inadmissible) { try admit(checked, behind: queue, account, state) } catch { throw .inadmissible(error) }
        let place = Int(transaction.sequence - account.sequence)
        if place < queue.count {
            let least = UInt128(queue[place].transaction.fee.units) * UInt128(100 + Self.replacementPercent) / 100
            guard UInt128(transaction.fee.units) > least else { throw .taken }
            forget(queue[place])
            queue[place] = checked
        } else {
            guard queue.count < Self.perSenderLimit else { throw .tooManyOfSender }
            try makeRoom(for: checked)
            queue = queues[transaction.sender] ?? []
            guard place == queue.count else { throw .full }
            queue.append(checked)
        }
        queues[transaction.sender] = queue
        known[checked.id] = checked
        bytes += checked.bytes.count
    }

    private func admit(
        _ checked: CheckedTransaction, behind queue: [CheckedTransaction], _ account: Account, _ state: LedgerState
    ) throws(Inadmissible) {
        let transaction = checked.transaction
        let next = account.sequence + UInt64(queue.count)
        guard (account.sequence...next).contains(transaction.sequence) else {
            throw .sequence(transaction.sequence, expected: next)
        }
        guard transaction.validUntil > state.head.time else { throw .expired(transaction.validUntil) }
        let least = Fees.least(for: transaction.payload, bytes: checked.bytes.count, state.parameters)
        guard transaction.fee >= least else { throw .feeTooLow(transaction.fee, needed: least) }
        let fees = queue.reduce(transaction.fee) { $0 + $1.transaction.fee }
        guard account.balance >= fees else { throw .cannotPay(fee: fees, balance: account.balance) }
    }

    /// Lets the last transactions of who pays least go, until this one fits; none that pays as much.
    private mutating func makeRoom(for checked: CheckedTransaction) throws(Refusal) {
        while known.count >= Self.countLimit || bytes + checked.bytes.count > Self.bytesLimit {
            let worst = queues.values.compactMap(\.last).min { Self.paysLess($0, $1) }
            guard let worst, Self.paysLess(worst, checked) else { throw .full }
            forget(worst)
            queues[worst.transaction.sender]?.removeLast()
            if queues[worst.transaction.sender]?.isEmpty == true { queues[worst.transaction.sender] = nil }
        }
    }

    private mutating func forget(_ checked: CheckedTransaction) {
        if known.removeValue(forKey: checked.id) != nil { bytes -= checked.bytes.count }
    }

    /// By fee per byte; of two alike the one with the larger name.
    private static func paysLess(_ one: CheckedTransaction, _ other: CheckedTransaction) -> Bool {
        let (left, right) = (rate(one), rate(other))
        return left == right ? one.id > other.id : left < right
    }

    /// Units for 2¹⁶ bytes.
    private static func rate(_ checked: CheckedTransaction) -> UInt64 {
        UInt64(clamping: UInt128(checked.transaction.fee.units) << 16 / UInt128(max(1, checked.bytes.count)))
    }

    /// A block was applied: what is in it, expired or cannot pay any more is forgotten.
    public mutating func advance(to state: LedgerState) {
        for (sender, queue) in queues {
            let account = state.account(sender)
            var fees = QLC.zero
            var kept: [CheckedTransaction] = []
            for checked in queue where checked.transaction.sequence >= account.sequence {
                fees += checked.transaction.fee
                let follows = checked.transaction.sequence == account.sequence + UInt64(kept.count)
                guard follows, checked.transaction.validUntil > state.head.time, fees <= account.balance else { break }
                kept.append(checked)
            }
            for checked in queue where !kept.contains(where: { $0.id == checked.id }) { forget(checked) }
            queues[sender] = kept.isEmpty ? nil : kept
        }
    }

    /// For a block: what pays most for its bytes first, each sender's in their sequence.
    ///
    /// One that pays less holds back the sender's later ones, so the lowest rate up to there is what counts.
    public var ordered: [CheckedTransaction] {
        var ranked: [(rate: UInt64, checked: CheckedTransaction)] = []
        ranked.reserveCapacity(known.count)
        for queue in queues.values {
            var rate = UInt64.max
            for checked in queue {
                rate = min(rate, Self.rate(checked))
                ranked.append((rate, checked))
            }
        }
        return ranked.sorted { one, other in
            let (left, right) = (one.checked.transaction, other.checked.transaction)
            return one.rate == other.rate
                ? (left.sender, left.sequence) < (right.sender, right.sequence) : one.rate > other.rate
        }.map(\.checked)
    }
}

extension Mempool.Refusal: CustomStringConvertible {
    public var description: String {
        switch self {
        case .inadmissible(let why): "\(why)"
        case .known: "it waits already"
        case .tooManyOfSender: "\(Mempool.perSenderLimit) of this account's wait already; send it when a block has taken some"
        case .taken: "another one waits in its place; pay \(Mempool.replacementPercent) % more to replace it"
        case .full: "the pool is full of transactions that pay more; raise the fee"
        }
    }
}
