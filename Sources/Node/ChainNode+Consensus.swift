import Consensus
import Ledger
import Primitives

/// Blocks: proposed, voted for, final.
extension ChainNode {
    mutating func begin(clock: BlockTime?) -> [Action] {
        let turn = Agreement.Turn(height: state.head.height + 1, parentTime: state.head.time, rotation: state.rotation)
        let actions = agree(.begin(turn), clock: clock)
        return hasWork ? actions + agree(.work, clock: clock) : actions
    }

    var hasWork: Bool { !pool.isEmpty || !evidence.isEmpty }

    /// Hands an event to the rounds, and does all that comes of it: own signatures come back as events at once.
    mutating func agree(_ event: Agreement.Event, clock: BlockTime?) -> [Action] {
        var events = [event]
        var actions: [Action] = []
        while !events.isEmpty {
            for action in agreement.handle(events.removeFirst(), clock: clock) {
                switch action {
                case .wait(let height, let isIdle, let delay):
                    actions.append(.schedule(.wait(height: height, isIdle: isIdle), after: delay))
                case .rounds(let action):
                    if case .decide(let commit) = action { return actions + decide(commit, clock: clock) }
                    perform(action, clock: clock, &events, &actions)
                }
            }
        }
        return actions
    }

    private mutating func perform(
        _ action: Rounds.Action, clock: BlockTime?, _ events: inout [Agreement.Event], _ actions: inout [Action]
    ) {
        switch action {
        case .persist(let signing):
            let bound = Set([signing.locked?.block, signing.valid?.block, signing.proposal?.block].compactMap(\.self))
            actions.append(.persist(signing, bound: bound.sorted().compactMap { candidates[$0]?.block }))
        case .signVote(let vote):
            guard let identity else { return }
            let signed = Verified(signing: vote, by: identity)
            actions.append(.send(.vote(signed.ballot), to: nil))
            events.append(.rounds(.vote(signed)))
        case .signProposal(let proposal):
            guard let identity, let candidate = candidates[proposal.block] else { return }
            let signed = Verified(signing: proposal, by: identity)
            actions.append(.send(.proposal(ProposedBlock(signed.signed, candidate.block)), to: nil))
            events.append(.rounds(.proposal(signed, isValid: candidate.outcome != nil, isTimely: true)))
        case .build(let round):
            guard let block = build(clock: clock) else { return }
            events.append(.rounds(.built(block, round: round)))
        case .schedule(let timeout, let delay): actions.append(.schedule(.timeout(timeout), after: delay))
        case .accuse(let proof): actions += accuse(proof)
        case .decide: break
        }
    }

    private mutating func build(clock: BlockTime?) -> BlockID? {
        guard let identity, let clock else { return nil }
        let accusations = evidence.values.sorted { $0.voter < $1.voter }
        // A state that cannot make any block has lost QLC: it proposes nothing, and others decide.
        guard
            let (block, outcome) = try? state.build(
                from: pool.ordered, evidence: accusations, lastCommit: lastCommit, proposer: identity.publicKey, at: clock)
        else { return nil }
        candidates[block.header.id] = Candidate(block: block, outcome: outcome)
        return block.header.id
    }

    mutating func take(_ proposed: ProposedBlock, from peer: PublicKey, clock: BlockTime?) -> [Action] {
        let proposal = proposed.proposal.claim
        guard agreement.rounds?.wants(proposal) ?? false, proposed.block.header.id == proposal.block,
            let proposer = agreement.proposer(of: proposal.round)
        else { return [] }
        guard let verified = proposed.proposal.verified(by: proposer) else { return [.punish(peer, .falseSignature)] }
        // Whoever passed it on can have put another body behind the header: that says nothing of the block.
        guard proposed.block.isSealed else { return [.punish(peer, .falseBlock)] }
        let candidate = candidates[proposal.block] ?? examine(proposed.block)
        keep(candidate, as: proposal.block)
        let isOwn = proposed.block.header.proposer == proposer
        let isTimely = isOwn && clock.map { timing.isTimely(proposed.block.header.time, on: $0) } ?? false
        return [.send(.proposal(proposed), to: nil)]
            + agree(.rounds(.proposal(verified, isValid: candidate.outcome != nil, isTimely: isTimely)), clock: clock)
    }

    /// What a block comes to here. Signatures that the pool has checked are not checked again.
    func examine(_ block: Block) -> Candidate {
        var checked: [CheckedTransaction] = []
        checked.reserveCapacity(block.transactions.count)
        for bytes in block.transactions {
            guard let transaction = pool.checked(bytes) ?? (try? CheckedTransaction(bytes, on: state.chainID)) else {
                return Candidate(block: block, outcome: nil)
            }
            checked.append(transaction)
        }
        return Candidate(block: block, outcome: try? state.execute(block, checked, knownCommit: lastCommit))
    }

    private mutating func keep(_ candidate: Candidate, as id: BlockID) {
        if candidates.count >= Self.candidateLimit, let idle = candidates.keys.filter({ !agreement.isBound(to: $0) }).min() {
            candidates[idle] = nil
        }
        candidates[id] = candidate
    }

    mutating func take(_ ballot: Ballot, from peer: PublicKey, clock: BlockTime?) -> [Action] {
        guard agreement.rounds?.wants(ballot.vote.claim, of: ballot.voter) ?? false else { return [] }
        guard let verified = ballot.verified() else { return [.punish(peer, .falseSignature)] }
        return [.send(.vote(ballot), to: nil)] + agree(.rounds(.vote(verified)), clock: clock)
    }

    private mutating func decide(_ commit: Commit, clock: BlockTime?) -> [Action] {
        guard let candidate = candidates[commit.block], let outcome = candidate.outcome else { return [] }
        return finish(CertifiedBlock(candidate.block, commit), outcome, clock: clock) + begin(clock: clock)
    }

    /// Applies a final block.
    mutating func finish(_ certified: CertifiedBlock, _ outcome: BlockOutcome, clock: BlockTime?) -> [Action] {
        state.apply(outcome)
        (lastHeader, lastCommit) = (certified.block.header, certified.commit)
        candidates = [:]
        pool.advance(to: state)
        evidence = evidence.filter { state.delegate($0.key).map { $0.status != .expelled } ?? false }
        return [.append(certified, outcome, root: state.root)] + snapshotIfDue(clock: clock)
    }

    // MARK: Evidence

    mutating func take(_ proof: DoubleVote, from peer: PublicKey) -> [Action] {
        guard evidence[proof.voter] == nil, let record = state.delegate(proof.voter), record.status != .expelled else {
            return []
        }
        guard (try? proof.verify(chainID: state.chainID)) != nil else { return [.punish(peer, .falseAccusation)] }
        return accuse(proof)
    }

    private mutating func accuse(_ proof: DoubleVote) -> [Action] {
        guard evidence.count < Self.evidenceLimit, let record = state.delegate(proof.voter), record.status != .expelled,
            evidence.updateValue(proof, forKey: proof.voter) == nil
        else { return [] }
        return [.send(.accusation(proof), to: nil)]
    }
}
