import Chain
public import Charging
import Consensus
import Ledger
public import Primitives

/// The owner's stake: orders like any other, and whom they go to.
extension Settler {
    public func stake() async -> StationStake {
        let key = key.publicKey
        var stake = await chain.read { now in
            var stake = StationStake(of: key, on: now.state)
            stake.fee = LedgerView(now, key, [], nil).fee(for: .stake(Stake(with: key, amount: .zero)), by: key)
            return stake
        }
        (stake.choice, stake.owed) = (choice, rewards?.owed ?? .zero)
        return stake
    }

    /// Chooses with whom the next stakes go. What is staked already stays where it is.
    public func choose(_ delegate: PublicKey?) async throws {
        try await recall(await chain.chainID)
        if let delegate { try await checkCandidate(delegate) }
        let choice = delegate.map(StakeChoice.delegate) ?? .nobody
        try await store.remember([.choice(choice)])
        self.choice = choice
    }

    /// Stakes with the chosen delegate. The same id again gives what became of it.
    /// - Parameter keep: what is to be left in the account; else ``StationMoney/reserve``.
    public func stake(_ amount: QLC, as id: OwnerOrder.ID, keep: QLC? = nil) async throws -> OwnerOrder {
        // Somebody else may be chosen since it was asked for.
        if let known = try await order(id), case .stake(_, amount) = known.deed { return known }
        guard let delegate = await stake().target else { throw OrderRefusal.nobodyChosen }
        return try await take(.stake(with: delegate, amount: amount), as: id, keep: keep)
    }

    /// Takes stake back.
    /// - Parameters:
    ///   - amount: nil: all of it.
    ///   - from: nil: from the only one that has some, or the chosen one.
    public func unstake(_ amount: QLC?, from delegate: PublicKey? = nil, as id: OwnerOrder.ID) async throws -> OwnerOrder {
        if let known = try await order(id), case .unstake(let from, amount) = known.deed, delegate ?? from == from {
            return known
        }
        let stake = await stake()
        let chosen = stake.holdings.first { $0.delegate == stake.target }?.delegate
        let only = stake.holdings.count == 1 ? stake.holdings[0].delegate : nil
        guard let delegate = delegate ?? only ?? chosen else {
            throw stake.holdings.isEmpty ? OrderRefusal.nothingStaked : .severalDelegates(stake.holdings.count)
        }
        return try await take(.unstake(from: delegate, amount: amount), as: id)
    }

    // MARK: Checks

    private func checkCandidate(_ delegate: PublicKey) async throws(OrderRefusal) {
        let record = await chain.read { $0.state.delegate(delegate) }
        let name = "\(Address(delegate, on: network))"
        guard let record else { throw .notACandidate(name) }
        guard record.status != .expelled else { throw .expelled(name) }
    }

    func checkStake(_ amount: QLC, with delegate: PublicKey, _ money: StationMoney, keep: QLC) async throws(OrderRefusal) {
        guard amount > .zero else { throw .amountIsZero }
        try await checkCandidate(delegate)
        let fee = money.stakeFee
        guard amount <= .supply, keep <= .supply, money.promised + amount + fee + keep <= money.balance else {
            throw .tooLittle(amount: amount, fee: fee, keep: keep, balance: money.balance, promised: money.promised)
        }
        let least = await chain.read { now in
            now.state.delegate(delegate)?.shares == 0 ? QLC(units: now.state.parameters[.minimumStake]) : QLC(units: 1)
        }
        guard amount >= least else { throw .belowMinimum(least) }
    }

    func checkUnstake(_ amount: QLC?, from delegate: PublicKey, _ money: StationMoney) async throws(OrderRefusal) {
        let stake = await stake()
        guard let holding = stake.holdings.first(where: { $0.delegate == delegate }) else {
            guard !stake.holdings.isEmpty else { throw .nothingStaked }
            throw .notStakedWith("\(Address(delegate, on: network))")
        }
        guard amount != .zero else { throw .amountIsZero }
        var (left, all) = (holding.staked, false)
        for case .unstake(delegate, let other) in desk.all.map(\.deed) {
            (left, all) = (left - (other ?? left), all || other == nil)
        }
        guard !all, amount ?? QLC(units: 1) <= left else { throw .notSoMuchStaked(holding.staked) }
        let waiting = desk.all.filter { if case .unstake = $0.deed { true } else { false } }.count
        guard stake.returning.count + waiting < Int(Unbonding.perStaker) else { throw .tooManyReturning }
        guard money.promised + money.stakeFee <= money.balance else {
            throw .tooLittle(
                amount: .zero, fee: money.stakeFee, keep: .zero, balance: money.balance, promised: money.promised)
        }
    }

    // MARK: Carrying out

    func shares(with delegate: PublicKey) async -> UInt64 {
        let key = key.publicKey
        return await chain.read { now in
            guard case .delegation(let delegation)? = now.state[.delegation(of: key, with: delegate)] else { return 0 }
            return delegation.shares
        }
    }

    /// A block has it. The shares tell whether it was done: nothing but the account's own transactions changes them, one at a time.
    func whatCame(ofStake order: OwnerOrder, with delegate: PublicKey, at height: UInt64) async -> OwnerOrder {
        let (before, now) = (order.sharesBefore ?? 0, await shares(with: delegate))
        let isUnstake = if case .unstake = order.deed { true } else { false }
        if isUnstake ? now < before : now > before { return order.ended(.done, nil, at: height) }
        let isExpelled = await chain.read { $0.state.delegate(delegate)?.status == .expelled }
        let why =
            isExpelled && !isUnstake
            ? "the delegate was expelled before it"
            : isUnstake ? "so much was not staked any more" : "the delegate did not take it"
        return order.ended(.refused, "\(why); only the fee is paid", at: height)
    }
}
