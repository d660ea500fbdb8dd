import Charging
import Primitives
import StationAPI

/// How much to pay ahead, and when: pure, so that it can be tested to the unit.
///
/// At most two credit windows are ever paid ahead of the charge, and never more than the limit or the deposit.
struct PaymentPlan {
    let limit: QLC
    /// What this channel had been charged by earlier sessions when this one began.
    private var paid: QLC

    init(limit: QLC, alreadyPaid: QLC) {
        self.limit = limit
        paid = alreadyPaid
    }

    /// The new cumulative amount, if it is time to pay.
    mutating func next(for session: BuyerSessionView) -> QLC? {
        let used = session.chargedEarlierQlc + session.chargeQlc
        paid = max(paid, session.paidQlc)
        let ahead = paid - used
        guard ahead < session.creditWindowQlc else { return nil }
        let window = session.creditWindowQlc
        let ceiling = min(session.depositQlc, session.chargedEarlierQlc + limit)
        let target = min(used + window + window, ceiling)
        guard target > paid else { return nil }
        paid = target
        return target
    }
}
