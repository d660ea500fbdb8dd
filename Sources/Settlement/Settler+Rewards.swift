import Chain
import Charging
import Consensus
import Ledger
public import Primitives

/// What stake earns: noted when it comes, and staked again as the policy says.
extension Settler {
    /// Where the stake was looked at last. Rewards grow with epochs, and are paid out by the account's own transactions.
    struct StakeMark: Hashable {
        var epoch: UInt64
        var sequence: UInt64
    }

    /// Earned by the stake since a time, paid out or not; since it was first seen if that was later.
    public func rewards(since time: WallTime) async throws -> QLC {
        try await store.rewards(on: await chain.chainID, since: UInt64(clamping: time.secondsSince1970) / 86_400)
    }

    /// What cannot be read or written now is looked at again at the next look.
    func tendStake(_ now: LedgerView) async {
        do {
            try await noteRewards(now)
            try await restake(now)
        } catch { complain("\(error)") }
    }

    /// What came, and what became of the order before; in one commit, so that each reward is put back once.
    private func noteRewards(_ now: LedgerView) async throws {
        let mark = StakeMark(epoch: now.epoch, sequence: now.sequence)
        let known = rewards ?? RewardBook(on: now.chainID)
        var (next, came) = (known, QLC.zero)
        if stakeMark != mark {
            let (key, before) = (key.publicKey, known.holdings)
            let (holdings, records) = await chain.read { now in
                (StationStake(of: key, on: now.state).noted, before.map { now.state.delegate($0.delegate) })
            }
            came = next.note(holdings, policy: restaking) { holding in
                let record = zip(before, records).first { $0.0 == holding }?.1
                return holding.payment(until: holdings.first { $0.delegate == holding.delegate }, record)
            }
        }
        if let id = next.underway, let order = try await order(id) { next.close(order, at: now.time) }
        if next != known {
            try await store.remember([.rewards(next, came: came, day: now.time / 86_400_000)])
        }
        (rewards, stakeMark) = (next, mark)
    }

    /// Gives an order if the policy wants one and nobody else does: the owner's orders and settlements come first.
    private func restake(_ now: LedgerView) async throws {
        guard var book = rewards, restaking.isOn, book.underway == nil, now.time >= book.notBefore else { return }
        guard restaking.share(of: book.unclaimed) + book.owed >= restaking.least else { return }
        guard hasFreePlace, desk.open.isEmpty, !isTakingIn else { return }
        isTakingIn = true
        defer { isTakingIn = false }
        let (stake, money) = (await stake(), await money())
        guard let delegate = stake.target else { return }
        let record = await chain.read { $0.state.delegate(delegate) }
        // Who is jailed earns nothing for the stake; the first stake has a minimum of its own, which is its owner's to give.
        guard let record, record.status == .standing, record.shares > 0 else { return }
        // It may have to pay more for its place: that does not come out of what is kept.
        let raises = QLC(units: money.stakeFee.units * (RestakePolicy.feePatience - 1))
        let means = RestakePolicy.Means(
            balance: money.balance, promised: money.promised + raises, reserve: money.reserve, fee: money.stakeFee,
            unclaimed: book.holdings.first { $0.delegate == delegate }?.unclaimed ?? .zero, owed: book.owed)
        guard let amount = restaking.amount(means) else { return }
        let id = book.nextID(for: key.publicKey)
        let order = OwnerOrder(id, on: now.chainID, .restake(with: delegate, amount: amount), at: now.time)
        (book.underway, book.number) = (id, book.number + 1)
        try await store.remember([.order(order), .rewards(book, came: .zero, day: 0)])
        rewards = book
        desk.take(order)
    }
}

extension RewardBook {
    fileprivate func nextID(for station: PublicKey) -> OwnerOrder.ID {
        let digits = (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        return TaggedHash.digest(tag: "qlink/restake", chainID.bytes + station.raw.bytes + digits)
    }
}
