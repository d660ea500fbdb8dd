import Chain
import Charging
import Consensus
import Ledger
import Node
import Primitives

/// What the ledger says at one moment of what the station holds.
struct LedgerView: Sendable {
    var chainID = Bytes32.zero
    var height: UInt64
    var time: BlockTime
    var epoch: UInt64
    /// Of the station's account.
    var sequence: UInt64
    var balance: QLC
    var parameters: Parameters
    var records: [ChannelID: ChannelRecord]
    /// What was sent last waits in this node's pool.
    var isWaiting: Bool
    var fees = SettlementFees(one: .zero, more: .zero)

    init(of chain: any SettlementChain, for station: PublicKey, _ held: [HeldVoucher], newest: Bytes32?) async {
        self = await chain.read { now in LedgerView(now, station, held, newest) }
    }

    init(_ now: ChainMoment, _ station: PublicKey, _ held: [HeldVoucher], _ newest: Bytes32?) {
        let (state, account) = (now.state, now.state.account(station))
        (chainID, height, time) = (state.chainID, state.head.height, state.head.time)
        epoch = state.epoch.number
        (sequence, balance, parameters) = (account.sequence, account.balance, state.parameters)
        records = Dictionary(
            held.compactMap { voucher in state.channel(voucher.channel).map { (voucher.channel, $0) } },
            uniquingKeysWith: { first, _ in first })
        isWaiting = newest.map(now.pool.contains) ?? false
        // Any will do: all are as long.
        let sample = PresentedVoucher()
        let more = parameters[.feePerByte] * UInt64(sample.canonicalBytes.count)
        fees = SettlementFees(
            one: fee(for: .settleChannels(SettleChannels([sample])), by: station), more: QLC(units: more))
    }

    /// The least fee; a transaction is as long whatever its numbers are.
    func fee(for payload: Payload, by sender: PublicKey) -> QLC {
        let transaction = Transaction(
            chainID: chainID, sender: sender, sequence: sequence, fee: .zero, validUntil: 0, payload: payload)
        return Fees.least(for: payload, bytes: transaction.canonicalBytes.count + Signature.size, parameters)
    }
}

/// Something to be done by one transaction.
struct Work {
    var payload: Payload
    var feeLimit: QLC
    var isUrgent = false
    var isOrdinarySettlement = false
    /// The owner's, if it is one.
    var order: OwnerOrder?
    private var channels: Set<ChannelID> = []

    init(_ payload: Payload, feeLimit: QLC) { (self.payload, self.feeLimit) = (payload, feeLimit) }

    /// nil unless all its vouchers are held.
    init?(_ settlement: Settlement, _ held: [HeldVoucher]) {
        let wanted = Set(settlement.channels)
        let vouchers = held.filter { wanted.contains($0.channel) }.map(\.presented)
        guard vouchers.count == wanted.count, let first = vouchers.first else { return nil }
        let isAnswer = vouchers.count == 1 && settlement.reason == .closed
        payload = isAnswer ? .raiseVoucher(RaiseVoucher(first)) : .settleChannels(SettleChannels(vouchers))
        (feeLimit, isUrgent, channels) = (settlement.feeLimit, settlement.isUrgent, wanted)
        isOrdinarySettlement = settlement.reason == .amount || settlement.reason == .age
    }

    /// Whether `other` does all of this.
    func isIn(_ other: Payload) -> Bool { channels.isSubset(of: other.vouchers.map(\.claim.channel)) }
}
