import Consensus
import Primitives
import SimulatedHAL

/// What a node does, honest or not: the driver of `Agreement`, as the daemon's will be.
extension NetworkSimulation {
    mutating func start(_ node: Int, isWhole: Bool) {
        nodes[node].life += 1
        if !isWhole { nodes[node].disk.isWhole = false }
        let past = Agreement.Past(
            signing: nodes[node].disk.signing, isWhole: nodes[node].disk.isWhole || settings.mutations.contains(.signsOnCopies))
        var agreement = Agreement(
            chainID: SimulatedLedger.chainID, identity: nodes[node].isDelegate ? nodes[node].publicKey : nil, timing: timing,
            past: past)
        if settings.mutations.contains(.withoutLock) { agreement.flaws = [.withoutLock] }
        var ledger = checker.genesis
        for certified in nodes[node].disk.log { ledger.apply(certified.block) }
        nodes[node].memory = SimulatedDelegate.Memory(agreement: agreement, ledger: ledger, bodies: nodes[node].disk.bodies)
        begin(node)
    }

    private mutating func begin(_ node: Int) {
        guard let ledger = nodes[node].memory?.ledger else { return }
        let turn = Agreement.Turn(height: ledger.height + 1, parentTime: ledger.time, rotation: ledger.rotation)
        handle(.begin(turn), at: node)
        if let memory = nodes[node].memory, !memory.waiting.isEmpty { handle(.work, at: node) }
    }

    /// Hands events over one after the other, and performs all that comes of each before the next.
    mutating func handle(_ event: Agreement.Event, at node: Int) {
        var events = [event]
        let life = nodes[node].life
        while !events.isEmpty, nodes[node].life == life, nodes[node].memory != nil {
            let clock = clockForAgreement(of: node, on: events[0])
            let round = nodes[node].memory?.agreement.rounds?.round ?? 0
            let actions = nodes[node].memory?.agreement.handle(events.removeFirst(), clock: clock) ?? []
            if let now = nodes[node].memory?.agreement.rounds?.round, now > round { meet("later rounds") }
            for action in actions {
                guard nodes[node].life == life, nodes[node].memory != nil else { return }
                if !hasHealed, let pace = settings.crashPace, random.chance(1, in: pace) {
                    meet("crashes between actions")
                    return crash(node)
                }
                perform(action, at: node, &events)
            }
        }
    }

    private mutating func clockForAgreement(of node: Int, on event: Agreement.Event) -> BlockTime? {
        let clock = clock(of: node)
        if case .begin = event { nodes[node].memory?.beganWithoutClock = clock == nil }
        let isBlind = settings.mutations.contains(.readsClockOnce) && nodes[node].memory?.beganWithoutClock == true
        return isBlind ? nil : clock
    }

    private mutating func perform(_ action: Agreement.Action, at node: Int, _ events: inout [Agreement.Event]) {
        switch action {
        case .wait(let height, let isIdle, let delay):
            schedule(.waited(node: node, life: nodes[node].life, height: height, isIdle: isIdle), after: delay)
        case .rounds(.persist(let state)): persist(state, at: node)
        case .rounds(.signVote(let vote)):
            let signed = sign(vote, by: node)
            send(signed, from: node)
            events.append(.rounds(.vote(signed)))
        case .rounds(.signProposal(let proposal)):
            guard let block = nodes[node].memory?.bodies[proposal.block] else { return }
            let signed = Verified(signing: proposal, by: nodes[node].key)
            send(signed, block, from: node)
            events.append(.rounds(.proposal(signed, isValid: true, isTimely: true)))
        case .rounds(.build(let round)):
            let block = build(at: node)
            nodes[node].memory?.bodies[block.header.id] = block
            events.append(.rounds(.built(block.header.id, round: round)))
        case .rounds(.schedule(let timeout, let delay)):
            schedule(.timeout(node: node, life: nodes[node].life, timeout), after: delay)
        case .rounds(.decide(let commit)):
            guard let block = nodes[node].memory?.bodies[commit.block] else { return }
            commitBlock(CertifiedBlock(block: block, commit: commit), at: node)
        case .rounds(.accuse(let proof)):
            meet("double votes seen")
            guard let memory = nodes[node].memory, !memory.evidence.contains(where: { $0.voter == proof.voter }) else { return }
            nodes[node].memory?.evidence.append(proof)
        }
    }

    /// With what it is bound to: its blocks, and the block before, which who votes at a height can never lose.
    private mutating func persist(_ state: SigningState, at node: Int) {
        if !settings.mutations.contains(.forgetsSignatures) { nodes[node].disk.signing = state }
        if settings.mutations.contains(.forgetsProof) { nodes[node].disk.signing?.proof = [] }
        for bound in [state.proposal?.block, state.locked?.block, state.valid?.block].compactMap({ $0 }) {
            nodes[node].disk.bodies[bound] = nodes[node].memory?.bodies[bound]
        }
        if !settings.mutations.contains(.votesUnsynced) { nodes[node].disk.sync() }
    }

    private func build(at node: Int) -> Block {
        guard let memory = nodes[node].memory else { return Block() }
        var block = Block()
        block.header = memory.ledger.header(proposer: nodes[node].publicKey, at: clock(of: node) ?? 0)
        block.lastCommit = nodes[node].disk.log.last?.commit
        block.transactions = memory.waiting.filter { !memory.ledger.applied.contains($0) }.map(SimulatedLedger.bytes)
        block.evidence = memory.evidence.filter { memory.ledger.canPunish($0.voter) }
        block.seal()
        return block
    }

    mutating func commitBlock(_ certified: CertifiedBlock, at node: Int) {
        if nodes[node].isHonest { check(certified, at: node) }
        nodes[node].memory?.ledger.apply(certified.block)
        nodes[node].disk.append(certified)
        if !hasHealed, random.chance(1, in: settings.decisionCrashPace) {
            meet("crashes on a decision")
            return crash(node)
        }
        if random.chance(1, in: settings.syncPace) { nodes[node].disk.sync() }
        nodes[node].disk.bodies = [:]
        nodes[node].memory?.bodies = [:]
        nodes[node].memory?.forgetApplied()
        note { _ in "node \(node) has block \(certified.block.header.height) of round \(certified.commit.round)" }
        begin(node)
        if let agreement = nodes[node].memory?.agreement { nodes[node].disk.isWhole = agreement.isWhole }
    }

    // MARK: What goes out

    private mutating func send(_ vote: Verified<Vote>, from node: Int) {
        guard nodes[node].isHonest else { return cheat(with: vote, at: node) }
        check(vote, of: node)
        note { _ in "node \(node) votes: \(vote.value.told)" }
        broadcast(.vote(vote), from: node)
    }

    private mutating func send(_ proposal: Verified<Proposal>, _ block: Block, from node: Int) {
        guard nodes[node].isHonest else { return cheat(with: proposal, block, at: node) }
        check(proposal, of: node)
        note { _ in "node \(node) proposes: \(proposal.value.told)" }
        broadcast(.proposal(proposal, block), from: node)
    }
}

extension Vote {
    /// For the log.
    fileprivate var told: String {
        "\(step) \(block.map { String($0.description.prefix(6)) } ?? "nothing") at height \(height), round \(round)"
    }
}

extension Proposal {
    fileprivate var told: String {
        "\(block.description.prefix(6)) at height \(height), round \(round)\(validRound.map { ", valid in \($0)" } ?? "")"
    }
}
