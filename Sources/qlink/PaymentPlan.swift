import Charging
import Primitives
import StationAPI

/// How much to pay ahead, and when: pure, so that it can be tested to the unit.
///
/// At most two credit windows are ever paid ahead of the charge, and never more than the limit or the deposit. What the station
/// says is used and was charged earlier can lower what is paid, and never raise it past the limit.
struct PaymentPlan {
    let limit: QLC
    /// By vouchers that this wallet signed before.
    private let paidBefore: QLC
    private var paid: QLC

    init(limit: QLC, paidBefore: QLC) {
        self.limit = limit
        self.paidBefore = paidBefore
        paid = paidBefore
    }

    /// The new cumulative amount, if it is time to pay.
    mutating func next(for session: BuyerSessionView) -> QLC? {
        let used = session.chargedEarlierQlc + session.chargeQlc
        paid = max(paid, session.paidQlc)
        let ahead = paid - used
        guard ahead < session.creditWindowQlc else { return nil }
        let window = session.creditWindowQlc
        let ceiling = min(session.depositQlc, min(session.chargedEarlierQlc, paidBefore) + limit)
        let target = min(used + window + window, ceiling)
        guard target > paid else { return nil }
        paid = target
        return target
    }
}

extension ChannelView {
    /// What was paid, as far as `key` has signed it. A station that claims more gets no further voucher: it would hold that much.
    func paid(provenBy key: PrivateKey) throws(WalletError) -> QLC {
        guard paidQlc > .zero else { return .zero }
        guard let voucher = voucher?.verified(by: key.publicKey)?.value, voucher.channel == channelId,
            voucher.cumulativeAmount == paidQlc, voucher.sequence == voucherSequence
        else {
            throw WalletError(
                "the station says that \(paidQlc) QLC were paid, and shows no voucher of this wallet for it; do not use it")
        }
        return paidQlc
    }
}
