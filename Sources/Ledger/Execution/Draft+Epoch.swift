import Consensus
import Primitives

/// What a block's commit and an epoch's end bring about.
extension Draft {
    /// Notes who is missing from the parent's commit.
    mutating func note(_ commit: Commit?) {
        let epoch = epoch
        // The epoch before is settled already.
        guard let commit, commit.height >= epoch.startHeight, case .attendance(var attendance)? = self[.attendance] else {
            return
        }
        let absent = epoch.current.delegates.indices.filter { commit.signers >> UInt64($0) & 1 == 0 }
        guard !absent.isEmpty else { return }
        for index in absent { attendance.missed[index] += 1 }
        self[.attendance] = .attendance(attendance)
    }

    mutating func run(_ vote: ParameterVote, by sender: PublicKey) throws(Refusal) {
        guard epoch.current.index(of: sender) != nil else { throw .notElected }
        guard vote.parameter.range.contains(vote.value) else { throw .parameterOutOfRange }
        let key = StateKey.proposal(vote.parameter, vote.value)
        var proposal = ParameterProposal(vote, expiresAt: time.saturatingAdd(parameters[.unbondingTime]))
        if case .proposal(let known)? = self[key], known.expiresAt > time { proposal = known }
        // Who was elected once and is no more makes room.
        proposal.supporters = Set(proposal.supporters + [sender]).filter { epoch.current.index(of: $0) != nil }.sorted()
        self[key] = .proposal(proposal)
    }

    /// The last block of an epoch: fees to the delegates and their stakers, what is due, who is absent, votes, and the election.
    mutating func endEpoch() {
        let epoch = epoch
        shareFees(among: epoch.current)
        payOutWhatIsDue()
        jailAbsentees(of: epoch)
        carryProposals(by: epoch.current)
        var following = epoch
        (following.number, following.startHeight, following.startTime) = (epoch.number + 1, height + 1, time)
        (following.previous, following.current) = (epoch.current, epoch.next)
        following.next = elected() ?? epoch.next
        self[.epoch] = .epoch(following)
        var attendance = Attendance()
        attendance.missed = Array(repeating: 0, count: following.current.count)
        self[.attendance] = .attendance(attendance)
    }

    /// By power; a delegate's commission first, then all its stakers by their shares. What does not divide waits for the next epoch.
    private mutating func shareFees(among set: DelegateSet) {
        let pot = funds.fees
        for member in set.delegates {
            guard var record = delegate(member.key), record.status == .standing else { continue }
            let part = QLC(units: UInt64(UInt128(pot.units) * UInt128(member.power) / UInt128(set.totalPower)))
            let commission = part.part(UInt64(record.commission))
            let shared = part - commission
            let earned = shared - record.earn(shared)
            credit(record.key, commission)
            self[.delegate(record.key)] = .delegate(record)
            funds.fees = funds.fees - commission - earned
            funds.rewards += earned
        }
    }

    private mutating func payOutWhatIsDue() {
        for key in keys(of: .unbonding) {
            guard case .unbonding(let unbonding)? = self[key], unbonding.releasedAt <= time else { continue }
            self[key] = nil
            credit(unbonding.staker, unbonding.amount)
        }
        for key in keys(of: .vesting) {
            guard case .vesting(var vesting)? = self[key] else { continue }
            let due = vesting.vested(at: time) - vesting.paid
            vesting.paid += due
            self[key] = vesting.left == .zero ? nil : .vesting(vesting)
            credit(vesting.beneficiary, due)
        }
    }

    private mutating func jailAbsentees(of epoch: Epoch) {
        guard case .attendance(let attendance)? = self[.attendance] else { return }
        let blocks = height + 1 - epoch.startHeight
        for (member, missed) in zip(epoch.current.delegates, attendance.missed)
        where UInt64(missed) * 100 > blocks * parameters[.missedPercent] {
            guard var record = delegate(member.key), record.status == .standing else { continue }
            record.status = .jailed
            self[.delegate(member.key)] = .delegate(record)
        }
    }

    private mutating func carryProposals(by set: DelegateSet) {
        var changed = parameters
        for key in keys(of: .proposal) {
            guard case .proposal(let proposal)? = self[key] else { continue }
            let power = proposal.supporters.compactMap { set.index(of: $0) }.reduce(0) { $0 + set.delegates[$1].power }
            let isCarried = set.isQuorum(power) && proposal.expiresAt > time
            // What no longer fits beside the others is dropped.
            if isCarried { try? changed.set(proposal.vote.parameter, to: proposal.vote.value) }
            if isCarried || proposal.expiresAt <= time { self[key] = nil }
        }
        if changed != parameters { self[.parameters] = .parameters(changed) }
    }

    /// nil when nobody can be elected: those who are stay.
    private func elected() -> DelegateSet? {
        let candidates = keys(of: .delegate).compactMap { key -> Candidate? in
            guard case .delegate(let record)? = self[key], record.status == .standing,
                record.stake.units >= parameters[.minimumStake]
            else { return nil }
            return Candidate(key: record.key, stake: record.stake)
        }
        return try? Election.elect(candidates, seats: Int(parameters[.seats]))
    }
}
