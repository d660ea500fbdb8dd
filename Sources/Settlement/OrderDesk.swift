public import Charging
import Ledger
public import Primitives

/// The owner's orders that are open.
///
/// Whether an order is carried out is found in blocks, never guessed from a balance: an order is sent anew only when another transaction
/// was seen in its place.
struct OrderDesk {
    /// More than an owner gives before the next block; each is a row on disk and a place in the queue.
    static let limit = 16
    /// Milliseconds. What could not be sent for so long is not wanted any more: the owner sees to it by other ways.
    static let patience: UInt64 = 3_600_000
    /// A payment may cost so many times its least fee when others crowd the chain: its reserve covers it.
    static let feePatience: UInt64 = 64

    private(set) var open: [OwnerOrder.ID: OwnerOrder] = [:]

    init() {}
    init(_ stored: [OwnerOrder], on chainID: Bytes32) {
        for order in stored where order.chainID == chainID { open[order.id] = order }
    }

    /// In the order in which they were given.
    var all: [OwnerOrder] { open.values.sorted { ($0.askedAt, $0.id) < ($1.askedAt, $1.id) } }
    var next: OwnerOrder? { all.first { $0.state == .waiting } }
    var isFull: Bool { open.count >= Self.limit }

    func order(sentAs transaction: Bytes32) -> OwnerOrder? { open.values.first { $0.sent.contains(transaction) } }
    func closing(_ channel: ChannelID) -> OwnerOrder? { open.values.first { $0.deed == .close(channel) } }

    mutating func take(_ order: OwnerOrder) { open[order.id] = order.isOpen ? order : nil }
}

extension OwnerOrder {
    /// It is certain that no block has any of its transactions.
    func sentAnew() -> OwnerOrder { OwnerOrder(id, on: chainID, deed, at: askedAt) }

    func ended(_ state: State, _ reason: String?, at height: UInt64? = nil) -> OwnerOrder {
        var order = self
        (order.state, order.reason, order.height) = (state, reason, height)
        return order
    }

    func signed(as transaction: CheckedTransaction, at height: UInt64) -> OwnerOrder {
        var order = self
        if order.sent.isEmpty { order.signedAt = height }
        order.state = .sent
        order.sent.append(transaction.id)
        (order.sequence, order.fee) = (transaction.transaction.sequence, transaction.transaction.fee)
        order.validUntil = max(order.validUntil, transaction.transaction.validUntil)
        return order
    }
}

/// Why an order is not taken.
public enum OrderRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    case catchingUp
    case tooMany(Int)
    case amountIsZero
    case ownAddress
    case tooLittle(amount: QLC, fee: QLC, keep: QLC, balance: QLC, promised: QLC)
    case anotherOrder(OwnerOrder.ID)
    case noSuchChannel(ChannelID)
    case nobodyChosen
    case notACandidate(String)
    case expelled(String)
    case belowMinimum(QLC)
    case nothingStaked
    case notStakedWith(String)
    case severalDelegates(Int)
    case notSoMuchStaked(QLC)
    case tooManyReturning
    case busy

    public var description: String {
        switch self {
        case .catchingUp: "the node has not caught up with the chain yet, so what it knows of the account is old; try again soon"
        case .tooMany(let limit): "\(limit) orders wait already; wait until the chain has carried out some of them"
        case .amountIsZero: "an amount of nothing is not paid"
        case .ownAddress: "this is the station's own address; nothing was sent"
        case .tooLittle(let amount, let fee, let keep, let balance, let promised):
            "the account has \(balance) QLC"
                + (promised > .zero ? ", of which \(promised) QLC are on their way out" : "")
                + "; \(amount) QLC and the fee of \(fee) QLC do not leave the \(keep) QLC that are to be kept for the fees of "
                + "settlements: take less, or keep less (--keep)"
        case .anotherOrder(let id): "order \(id) is another one; a new payment needs a new id"
        case .noSuchChannel(let id): "the chain has no channel \(id) to this station: it is closed, or never was"
        case .nobodyChosen: "nobody is chosen to stake with: basestation delegate ADDRESS chooses"
        case .notACandidate(let name):
            "\(name) does not stand for election, so nobody can stake with it; the call chain.delegates lists who does"
        case .expelled(let name): "\(name) was expelled for signing two things and takes no stake; choose another delegate"
        case .belowMinimum(let least): "the first stake with a delegate is \(least) QLC at least"
        case .nothingStaked: "nothing is staked"
        case .notStakedWith(let name): "nothing is staked with \(name)"
        case .severalDelegates(let count): "the stake is with \(count) delegates; say from which: --from ADDRESS"
        case .notSoMuchStaked(let staked):
            "\(staked) QLC are staked there, less what is ordered back already; take less, or all of it"
        case .tooManyReturning: "as much is on its way back as the ledger keeps apart; wait until some of it is free"
        case .busy: "another order is just being taken in; ask again"
        }
    }
}
