import Consensus
import Ledger
import Primitives

extension NaiveLedger {
    /// Where the real state says something else, in words; empty when the two agree.
    func differences(from state: LedgerState) -> [String] {
        var found: [String] = []
        func expect<T: Equatable>(_ what: @autoclosure () -> String, _ real: T, _ naive: T) {
            if real != naive { found.append("\(what()): \(real), not \(naive)") }
        }
        var counts: [StateKey.Kind: Int] = [:]
        for key in state.all.keys { counts[key.kind, default: 0] += 1 }
        func expectCount(_ kind: StateKey.Kind, _ naive: Int) { expect("count of \(kind)", counts[kind] ?? 0, naive) }

        let accounts = Set(balances.keys).union(sequences.keys).filter { (balances[$0] ?? 0) > 0 || (sequences[$0] ?? 0) > 0 }
        for key in accounts {
            expect("balance of \(key)", Amount(state.account(key).balance.units), balances[key] ?? 0)
            expect("sequence of \(key)", state.account(key).sequence, sequences[key] ?? 0)
        }
        expectCount(.account, accounts.count)

        for (key, mine) in standing {
            expect("status of \(key)", state.delegate(key)?.status, mine.status)
            expect("commission of \(key)", state.delegate(key).map { Amount($0.commission) }, mine.commission)
            expect("stake of \(key)", state.delegate(key).map { Amount($0.stake.units) }, mine.stake)
            for (staker, part) in mine.stakers {
                guard case .delegation(let real)? = state[.delegation(of: staker, with: key)], let record = state.delegate(key)
                else {
                    found.append("no delegation of \(staker) with \(key)")
                    continue
                }
                expect("worth of \(staker) with \(key)", Amount(record.worth(of: real.shares).units), mine.worth(part.shares))
            }
        }
        expectCount(.delegate, standing.count)
        expectCount(.delegation, standing.values.reduce(0) { $0 + $1.stakers.count })
        compareContracts(with: state, expect: { expect($0, $1, $2) }, count: expectCount)

        let unbondings = state.all.values.compactMap { entry -> Returning? in
            guard case .unbonding(let one) = entry else { return nil }
            return Returning(
                staker: one.staker, delegate: one.delegate, amount: Amount(one.amount.units), at: one.releasedAt)
        }
        expect("unbondings", Set(unbondings), Set(returning))
        expectCount(.unbonding, returning.count)
        expectCount(.vesting, grants.filter { $0.paid < $0.total }.count)
        expectCount(.proposal, motions.count)
        for name in Parameters.Name.allCases { expect("\(name)", state.parameters[name], self[name]) }
        if case .funds(let funds)? = state[.funds] {
            expect("funds", [funds.fees, funds.rewards, funds.locked].map { Amount($0.units) }, [fees, rewards, locked])
        }
        expect("epoch", [state.epoch.number, state.epoch.startHeight], [epoch, epochStart.height])
        for (what, real, naive) in [
            ("current set", state.epoch.current, set), ("next set", state.epoch.next, sets[Int(epoch) + 1]),
            ("set before", state.epoch.previous, sets[max(0, Int(epoch) - 1)]),
        ] { expect(what, Dictionary(uniqueKeysWithValues: real.delegates.map { ($0.key, Amount($0.power)) }), naive) }
        return found
    }

    private func compareContracts(
        with state: LedgerState, expect: (String, [Amount?], [Amount?]) -> Void, count: (StateKey.Kind, Int) -> Void
    ) {
        for (id, mine) in channels {
            guard let real = state.channel(id) else {
                expect("channel \(id)", [0], [1])
                continue
            }
            let money: [Amount?] = [Amount(real.deposit.units), Amount(real.settled.units)]
            expect("money of \(id)", money, [mine.deposit, mine.paid])
            expect("times of \(id)", [real.expiry, real.closingSince].map(wide), [mine.expiry, mine.closing].map(wide))
            expect("use of \(id)", [real.sequence, real.settledBytes].map(wide), [mine.sequence, mine.bytes].map(wide))
        }
        count(.channel, channels.count)
        func same(_ what: String, _ isSame: Bool) { expect(what, [isSame ? 1 : 0], [1]) }
        for (id, mine) in assets {
            let real = state.asset(id)
            same("facts of \(id)", real?.facts(at: height) == mine.facts(at: height))
            same("facts of \(id) later", real?.facts(at: height + 2_000) == mine.facts(at: height + 2_000))
            same("owner of \(id)", real?.owner == mine.owner && real?.isRetired == mine.isRetired)
            if case .usage(let usage)? = state[.usage(of: id)] {
                expect("usage of \(id)", [Amount(usage.count)], [Amount(mine.usages.count)])
                same("last usage of \(id)", usage.latest.last?.usageRoot == mine.usages.last?.usageRoot)
            }
        }
        count(.asset, assets.count)
        count(.usage, assets.values.filter { !$0.usages.isEmpty }.count)
        for (hash, owner) in contents {
            if case .content(let real)? = state[.content(hash)] {
                same("content", real.owner == owner)
            } else {
                same("content", false)
            }
        }
        count(.content, contents.count)
        count(.tariff, tariffs.count)
    }
}

private func wide(_ number: UInt64?) -> UInt128? { number.map { UInt128($0) } }
