import Charging
import Primitives
import Settlement
import Station
import StationAPI

/// The owner's stake, from the control socket to the settler.
extension StationChain {
    nonisolated var stake: StakeSeam {
        let settler = settler
        return StakeSeam(
            view: { await self.stakeView() },
            order: { id, request in
                switch request.kind {
                case .stake:
                    let amount = request.amountQlc ?? .zero  // refused
                    return try await self.order { try await settler.stake(amount, as: id, keep: request.keepQlc) }
                case .unstake:
                    let from = try request.from.map { try self.address($0, of: "from") }
                    return try await self.order { try await settler.unstake(request.amountQlc, from: from, as: id) }
                }
            },
            choose: { text in
                let key = try text.map { try self.address($0, of: "delegate") }
                do { try await settler.choose(key) } catch let refusal as OrderRefusal {
                    throw Problem(refusal.kind, "\(refusal)")
                }
            },
            rewards: { try await settler.rewards(since: $0) })
    }

    private func stakeView() async -> StakeView {
        let (stake, money) = (await settler.stake(), await settler.money())
        let policy = settler.restaking
        let name = { [addresses] (key: PublicKey) in Address(key, on: addresses).description }
        return StakeView(
            delegate: stake.target.map(name),
            stakes: stake.holdings.map {
                .init(
                    delegate: name($0.delegate), delegateStatus: "\($0.status)", elected: $0.isElected,
                    commissionPermyriad: $0.commission, stakedQlc: $0.staked, rewardsQlc: $0.rewards)
            },
            returning: stake.returning.map {
                .init(delegate: name($0.delegate), amountQlc: $0.amount, releasedAt: WallTime(ledger: $0.releasedAt))
            },
            restaking: policy.isOn
                ? .init(
                    percent: policy.percent, keepQlc: max(policy.keep ?? .zero, money.reserve), leastQlc: policy.least,
                    owedQlc: stake.owed) : nil,
            balanceQlc: money.balance, promisedQlc: money.promised, reserveQlc: money.reserve, feeQlc: money.stakeFee,
            syncing: await !settler.isUpToDate)
    }
}
