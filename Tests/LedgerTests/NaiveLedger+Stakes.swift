import Consensus
import Ledger
import Primitives

/// Stake, epochs and elections.
extension NaiveLedger {
    mutating func register(_ registration: RegisterDelegate, _ sender: PublicKey) throws(Refusal) {
        var record = standing[sender] ?? Standing(commission: 0)
        guard record.status != .expelled else { throw .delegateExpelled }
        (record.status, record.commission) = (.standing, Amount(registration.commission))
        standing[sender] = record
    }

    mutating func stake(_ stake: Stake, _ sender: PublicKey) throws(Refusal) {
        let amount = Amount(stake.amount.units)
        guard let record = standing[stake.delegate] else { throw .noSuchDelegate }
        guard record.status != .expelled else { throw .delegateExpelled }
        let shares = record.shares == 0 ? amount : amount * record.shares / record.stake
        guard amount > 0, shares > 0 else { throw .amountIsZero }
        guard record.shares > 0 || amount >= Amount(self[.minimumStake]) else { throw .stakeTooLow }
        try take(amount, from: sender)
        fetchRewards(of: sender, with: stake.delegate)
        standing[stake.delegate]!.stake += amount
        standing[stake.delegate]!.stakers[sender, default: Staker()].shares += shares
    }

    mutating func unstake(_ unstake: Unstake, _ sender: PublicKey) throws(Refusal) {
        guard let record = standing[unstake.delegate] else { throw .noSuchDelegate }
        guard unstake.amount > .zero else { throw .amountIsZero }
        guard let mine = record.stakers[sender] else { throw .stakeTooLow }
        let whole = record.worth(mine.shares)
        let wanted = Amount(unstake.amount.units)
        let isAll = unstake.amount.units == .max || wanted == whole
        guard isAll || wanted < whole else { throw .stakeTooLow }
        // As many shares as are worth at least that.
        let shares = isAll ? mine.shares : (wanted * record.shares + record.stake - 1) / record.stake
        let amount = record.worth(shares)
        fetchRewards(of: sender, with: unstake.delegate)
        standing[unstake.delegate]!.stake -= amount
        let left = mine.shares - shares
        standing[unstake.delegate]!.stakers[sender] = left == 0 ? nil : Staker(shares: left)
        guard returning.count(where: { $0.staker == sender }) < 64 else { throw .tooManyUnbondings }
        returning.append(
            Returning(staker: sender, delegate: unstake.delegate, amount: amount, at: time + self[.unbondingTime]))
    }

    private mutating func fetchRewards(of staker: PublicKey, with delegate: PublicKey) {
        guard let mine = standing[delegate]?.stakers[staker] else { return }
        let earned = mine.unfetched >> 40
        standing[delegate]!.stakers[staker]!.unfetched = 0
        rewards -= earned
        pay(earned, to: staker)
    }

    mutating func punish(_ cheat: PublicKey, for reporter: PublicKey) throws(Refusal) {
        guard let record = standing[cheat] else { throw .noSuchDelegate }
        guard record.status != .expelled else { throw .evidenceKnown }
        let rate = Amount(self[.doubleVotePermyriad])
        var taken = record.stake * rate / 10_000
        standing[cheat]!.status = .expelled
        standing[cheat]!.stake -= taken
        for index in returning.indices where returning[index].delegate == cheat {
            let part = returning[index].amount * rate / 10_000
            returning[index].amount -= part
            taken += part
        }
        let reward = taken * Amount(self[.reporterPermyriad]) / 10_000
        pay(reward, to: reporter)
        locked += taken - reward
    }

    mutating func vote(_ vote: ParameterVote, _ sender: PublicKey) throws(Refusal) {
        guard set[sender] != nil else { throw .notElected }
        var allowed = Parameters()
        // Each alone: whether they fit is found when they are carried.
        try? allowed.set(.disputeWindowMost, to: 365 * 24 * 3_600_000)
        guard (try? allowed.set(vote.parameter, to: vote.value)) != nil else { throw .parameterOutOfRange }
        var motion = motions[vote] ?? Motion(supporters: [], until: time + self[.unbondingTime])
        if motion.until <= time { motion = Motion(supporters: [], until: time + self[.unbondingTime]) }
        motion.supporters.insert(sender)
        motions[vote] = motion
    }

    mutating func endEpoch() {
        shareFees()
        for due in returning where due.at <= time { pay(due.amount, to: due.staker) }
        returning.removeAll { $0.at <= time }
        for index in grants.indices {
            let grant = grants[index]
            let passed = Amount(min(max(time, grant.start), grant.end) - grant.start)
            let vested = grant.total * passed / Amount(grant.end - grant.start)
            pay(vested - grant.paid, to: grant.to)
            grants[index].paid = vested
        }
        let blocks = height - epochStart.height + 1
        for (key, count) in missed where count * 100 > blocks * self[.missedPercent] && standing[key]!.status == .standing {
            standing[key]!.status = .jailed
        }
        let parametersOfBlock = parameters
        carryMotions()
        let candidates = standing.filter {
            $0.value.status == .standing && $0.value.stake >= Amount(parametersOfBlock[.minimumStake]!)
        }
        let elected = Self.elect(candidates.map { ($0.key, $0.value.stake) }, seats: parametersOfBlock[.seats]!)
        sets.append(elected ?? sets[Int(epoch) + 1])
        epoch += 1
        epochStart = (height + 1, time)
        missed = [:]
    }

    private mutating func shareFees() {
        let pot = fees
        let power = set.values.reduce(0, +)
        for (key, weight) in set where standing[key]!.status == .standing {
            let part = pot * weight / power
            let commission = part * standing[key]!.commission / 10_000
            pay(commission, to: key)
            fees -= commission
            let shares = standing[key]!.shares
            guard shares > 0 else { continue }
            let perShare = ((part - commission) << 40) / shares
            for staker in standing[key]!.stakers.keys {
                let mine = standing[key]!.stakers[staker]!.shares
                standing[key]!.stakers[staker]!.unfetched += mine * perShare
            }
            // Whole units, so that all can be paid.
            let owed = (shares * perShare + (1 << 40) - 1) >> 40
            fees -= owed
            rewards += owed
        }
    }

    private mutating func carryMotions() {
        let power = set.values.reduce(0, +)
        // Of two changes of one parameter the one whose name is higher is the last word.
        let inOrder = motions.sorted {
            StateKey.proposal($0.key.parameter, $0.key.value) < StateKey.proposal($1.key.parameter, $1.key.value)
        }
        for (vote, motion) in inOrder {
            let yes = motion.supporters.reduce(Amount(0)) { $0 + (set[$1] ?? 0) }
            let isCarried = 3 * yes > 2 * power && motion.until > time
            var next = parameters
            next[vote.parameter] = vote.value
            if isCarried, next[.disputeWindowLeast]! <= next[.disputeWindowMost]! { parameters = next }
            if isCarried || motion.until <= time { motions[vote] = nil }
        }
    }

    /// The `seats` with most stake, none heavier than a quarter of all, all together at most 2⁵³; nil if there is nobody.
    static func elect(_ candidates: [(key: PublicKey, stake: Amount)], seats: UInt64) -> [PublicKey: Amount]? {
        let ranked = candidates.filter { $0.stake > 0 }.sorted { $0.stake != $1.stake ? $0.stake > $1.stake : $0.key < $1.key }
        let chosen = Array(ranked.prefix(Int(seats)))
        guard let least = chosen.last?.stake else { return nil }
        var cap = least
        if chosen.count > 4 {
            // The highest weight that is no more than a quarter of what all weigh under it, by trial.
            var (low, high) = (least, Amount(1) << 60)
            while high - low > 1 {
                let middle = (low + high) / 2
                if middle * 4 <= chosen.reduce(0, { $0 + min($1.stake, middle) }) { low = middle } else { high = middle }
            }
            cap = low
        }
        let total = chosen.reduce(Amount(0)) { $0 + min($1.stake, cap) }
        let scale = (total + (1 << 53) - 1) >> 53
        return Dictionary(uniqueKeysWithValues: chosen.map { ($0.key, max(1, min($0.stake, cap) / scale)) })
    }
}
