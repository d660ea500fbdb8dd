import Charging
import Consensus
import Ledger
import Primitives

/// The station's transactions that may be on their way: one place in the account's order at a time.
///
/// Several may stand in that place, each paying more than the one before. One of them comes into a block, or they expire: a block is
/// never older than the one before it, so what has expired never comes back. Only then, or when a block has taken the place, is it known
/// what to sign next.
struct Outbox {
    /// Each pays at least a quarter more, what is urgent twice as much: the last one four times, or a hundred times the first.
    static let limit = 8
    /// Behind the newest block when it was signed. Time enough for a chain with much to do; a restart waits no longer.
    static let validity: BlockTime = 600_000
    /// The pool wants a tenth more; so much more is offered for the place.
    private static let raisePercent: UInt64 = 25
    private static let urgentRaisePercent: UInt64 = 100

    /// The oldest first, all of one sequence.
    private(set) var sent: [CheckedTransaction] = []

    var newest: CheckedTransaction? { sent.last }
    var isFull: Bool { sent.count >= Self.limit }
    var isEmpty: Bool { sent.isEmpty }

    /// The least fee that takes the newest one's place.
    func leastFee(isUrgent: Bool) -> QLC {
        guard let newest else { return .zero }
        let fee = newest.transaction.fee.units
        let percent = 100 + (isUrgent ? Self.urgentRaisePercent : Self.raisePercent)
        return QLC(units: UInt64(clamping: UInt128(fee) * UInt128(percent) / 100 + 1))
    }

    init() {}

    /// What was on its way before a restart. What cannot be read or is of another chain never came into a block of this one.
    init(_ stored: [SentTransaction], by sender: PublicKey, on chainID: Bytes32) {
        sent = stored.prefix(Self.limit).compactMap { try? CheckedTransaction($0.bytes, on: chainID) }
            .filter { $0.transaction.sender == sender && $0.transaction.sequence == stored.first?.sequence }
    }

    /// - Returns: what is decided: the account went past it, or it expired.
    mutating func advance(to sequence: UInt64, at time: BlockTime) -> [CheckedTransaction] {
        let decided = sent.filter { $0.transaction.sequence < sequence || $0.transaction.validUntil < time }
        sent.removeAll { decided.contains($0) }
        return decided
    }

    mutating func add(_ transaction: CheckedTransaction) {
        precondition(sent.allSatisfy { $0.transaction.sequence == transaction.transaction.sequence }, "one place at a time")
        sent.append(transaction)
    }

    var stored: [SentTransaction] { sent.map { SentTransaction(sequence: $0.transaction.sequence, bytes: $0.bytes) } }
}

extension Payload {
    /// The vouchers that it brings to the ledger.
    var vouchers: [Signed<Voucher>] {
        switch self {
        case .settleChannels(let settlement): settlement.vouchers.map(\.voucher)
        case .raiseVoucher(let raise): [raise.voucher.voucher]
        case .closeChannel(let close): close.voucher.map { [$0.voucher] } ?? []
        default: []
        }
    }
}
