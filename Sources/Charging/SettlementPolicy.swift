public import Primitives

/// Which vouchers go to the ledger, and when. Times are the ledger's, in milliseconds.
///
/// ```
///  the payer closes with less ─┐                                 expiry            + dispute window
///  the channel expires ────────┴▶ at once, if it pays its fee   ───┬──────────────────────┬──▶ time
///  the owner asks ──────────────▶ at once, if it pays its fee      └ all is sent here     └ nothing is taken from here on
///  much is at risk, or it is old ▶ once a minute in one batch, if the fee is a small part of it
/// ```
///
/// A settlement never costs what it brings, and what brings more than its fee is sent with a whole dispute window left: a voucher is
/// cumulative, so waiting loses nothing as long as the ledger still takes it.
public struct SettlementPolicy: Hashable, Sendable {
    /// Held and not settled, in all channels together: what a broken card would lose. About a day of a small station.
    public var amountAtRisk = QLC(units: 10 * QLC.unitsPerQLC)
    /// The owner sees each day's money within a day.
    public var age: UInt64 = 24 * 3_600_000
    /// The fee's part of what an ordinary settlement brings, in 1/10,000. One percent is less than what anybody else takes.
    public var feePermyriad: UInt64 = 100
    /// So long before the expiry the station begins to settle more often, in case it sleeps when the channel ends.
    public var leadTime: UInt64 = 3_600_000
    /// Ordinary settlements that are not full keep this distance, so that channels share a transaction.
    public var pace: UInt64 = 60_000

    /// Of vouchers in one transaction: the ledger's own limit.
    public static let batchLimit = 64

    /// Half the dispute window long what is pressing may cost so many times its least fee, then all that it brings: whoever crowds the
    /// chain to hold it back has to go on for that long, and a chain that is merely cut off is not bid against.
    static let patience: UInt64 = 64

    public init() {}

    /// - Parameters:
    ///   - lastSettledAt: when the last ordinary settlement was sent; nil if that is not known.
    ///   - limit: vouchers in one transaction.
    /// - Returns: what to send now; nil: nothing.
    public func next(
        _ receivables: [Receivable], fees: SettlementFees, lastSettledAt: UInt64?, at time: UInt64, limit: Int = batchLimit
    ) -> Settlement? {
        let open = receivables.filter { $0.gain > .zero && $0.amount <= $0.deposit && time < $0.releasedAt }
        for reason in [Settlement.Reason.closed, .expired, .demanded] {
            let pressing = open.filter { isDue($0, for: reason, at: time) }
            if let settlement = whatPays(pressing, for: reason, fees, time, limit) { return settlement }
        }
        return ordinary(open, fees, lastSettledAt, time, limit)
    }

    private func isDue(_ receivable: Receivable, for reason: Settlement.Reason, at time: UInt64) -> Bool {
        switch reason {
        case .closed: receivable.closingSince != nil
        case .expired: time >= receivable.expiry
        case .demanded: receivable.isDemanded
        case .amount: true
        case .age: isOld(receivable, at: time)
        }
    }

    /// Before the expiry it is old sooner: what was held when the lead begins is, and later what is a part of the lead or of the window old.
    private func isOld(_ receivable: Receivable, at time: UInt64) -> Bool {
        let held = time.saturatingSubtract(receivable.unsettledSince)
        let lead = receivable.expiry.saturatingSubtract(leadTime)
        guard time >= lead else { return held >= age }
        return receivable.unsettledSince < lead || held >= min(leadTime / 4, receivable.disputeWindow / 2, age)
    }

    /// Those that end first; each pays for its own place, and all for the transaction.
    private func whatPays(
        _ pressing: [Receivable], for reason: Settlement.Reason, _ fees: SettlementFees, _ time: UInt64, _ limit: Int
    ) -> Settlement? {
        var candidates = pressing.filter { $0.gain > fees.more }.sorted {
            ($0.releasedAt, $1.gain, $0.channel) < ($1.releasedAt, $0.gain, $1.channel)
        }
        if let carrier = candidates.firstIndex(where: { $0.gain > fees.one }) {
            candidates.insert(candidates.remove(at: carrier), at: 0)
        } else {
            candidates.sort { ($1.gain, $0.channel) < ($0.gain, $1.channel) }
        }
        let batch = candidates.prefix(max(1, limit))
        let gain = batch.reduce(QLC.zero) { $0 + $1.gain }
        guard !batch.isEmpty, gain > fees.fee(for: batch.count) else { return nil }
        let fee = fees.fee(for: batch.count)
        let isLast = batch.contains { time.saturatingSubtract($0.endsAt) >= $0.disputeWindow / 2 }
        let patient = max(QLC(units: fee.units.multipliedSaturating(by: Self.patience)), share(of: gain))
        let most = gain - QLC(units: 1)
        return Settlement(
            channels: batch.map(\.channel), reason: reason, gain: gain, feeLimit: isLast ? most : min(patient, most))
    }

    private func ordinary(
        _ open: [Receivable], _ fees: SettlementFees, _ lastSettledAt: UInt64?, _ time: UInt64, _ limit: Int
    ) -> Settlement? {
        let worthy = open.filter { share(of: $0.gain) >= fees.more }
        let isMuch = open.reduce(QLC.zero) { $0 + $1.gain } >= amountAtRisk
        let reason: Settlement.Reason = isMuch ? .amount : .age
        let due = worthy.filter { isDue($0, for: reason, at: time) }
        guard !due.isEmpty else { return nil }
        // Whoever comes along spares a transaction of its own later.
        let names = Set(due.map(\.channel))
        let others = worthy.filter { !names.contains($0.channel) }
        let batch = (largestFirst(due) + largestFirst(others)).prefix(max(1, limit))
        let gain = batch.reduce(QLC.zero) { $0 + $1.gain }
        let isFull = batch.count == Self.batchLimit
        let isEarly = lastSettledAt.map { time.saturatingSubtract($0) < pace } ?? false
        guard share(of: gain) >= fees.fee(for: batch.count), isFull || !isEarly else { return nil }
        return Settlement(channels: batch.map(\.channel), reason: reason, gain: gain, feeLimit: share(of: gain))
    }

    private func largestFirst(_ receivables: [Receivable]) -> [Receivable] {
        receivables.sorted { ($1.gain, $0.channel) < ($0.gain, $1.channel) }
    }

    /// What a settlement of `amount` may cost.
    private func share(of amount: QLC) -> QLC {
        QLC(units: UInt64(clamping: UInt128(amount.units) * UInt128(feePermyriad) / 10_000))
    }
}
