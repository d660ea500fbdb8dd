import Consensus
import Primitives
import SimulatedHAL

/// What a node does, honest or not: the driver of `Agreement`, as the daemon's will be.
extension NetworkSimulation {
    mutating func start(_ node: Int, isWhole: Bool) {
        nodes[node].life += 1
        let past = Agreement.Past(signing: nodes[node].disk.signing, isWhole: isWhole || settings.mutations.contains(.signsOnCopies))
        var agreement = Agreement(
            chainID: SimulatedLedger.chainID, identity: nodes[node].isDelegate ? nodes[node].publicKey : nil, timing: timing, past: past)
        if settings.mutations.contains(.withoutLock) { agreement.flaws = [.withoutLock] }
        var ledger = checker.genesis
        for certified in nodes[node].disk.log { ledger.apply(certified.block) }
        nodes[node].memory = SimulatedDelegate.Memory(agreement: agreement, ledger: ledger, bodies: nodes[node].disk.bodies)
        begin(node)
    }

    private mutating func begin(_ node: Int) {
        guard let memory = nodes[node].memory else { return }
        let turn = Agreement.Turn(height: memory.ledger.height + 1, parentTime: memory.ledger.time, rotation: memory.ledger.rotation)
        handle(.begin(turn), at: node)
        if !memory.waiting.isEmpty { handle(.work, at: node) }
    }

    /// Hands events over one after the other, and performs all that comes of each before the next.
    mutating func handle(_ event: Agreement.Event, at node: Int) {
        var events = [event]
        let life = nodes[node].life
        while !events.isEmpty, nodes[node].life == life, nodes[node].memory != nil {
            let height = nodes[node].memory!.agreement.height
            let actions = nodes[node].memory!.agreement.handle(events.removeFirst(), clock: clock(of: node))
            if nodes[node].memory!.agreement.height == height, nodes[node].memory!.agreement.rounds?.round ?? 0 > 0 { meet("later rounds") }
            for action in actions {
                guard nodes[node].life == life, nodes[node].memory != nil else { return }
                if !hasHealed, nodes[node].isDelegate, random.chance(1, in: 4_000) {
                    meet("crash between actions")
                    crash(node)
                    return
                }
                perform(action, at: node, &events)
            }
        }
    }

    private mutating func perform(_ action: Agreement.Action, at node: Int, _ events: inout [Agreement.Event]) {
        switch action {
        case .wait(let height, let isIdle, let delay):
            schedule(.waited(node: node, life: nodes[node].life, height: height, isIdle: isIdle), after: delay)
        case .rounds(.persist(let state)): persist(state, at: node)
        case .rounds(.signVote(let vote)):
            let signed = Verified(signing: vote, by: nodes[node].key)
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
            nodes[node].disk.bodies[block.header.id] = block
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

    /// The block log is synced with it: who votes at a height can never lose the block before.
    private mutating func persist(_ state: SigningState, at node: Int) {
        if !settings.mutations.contains(.forgetsSignatures) { nodes[node].disk.signing = state }
        for bound in [state.locked, state.valid].compactMap({ $0?.block }) {
            nodes[node].disk.bodies[bound] = nodes[node].memory?.bodies[bound]
        }
        if !settings.mutations.contains(.votesUnsynced) { nodes[node].disk.sync() }
    }

    func build(at node: Int) -> Block {
        guard let memory = nodes[node].memory else { return Block() }
        var block = Block()
        block.header = memory.ledger.header(proposer: nodes[node].publicKey, at: clock(of: node) ?? 0)
        block.lastCommit = nodes[node].disk.log.last?.commit
        block.transactions = memory.waiting.filter { !memory.ledger.applied.contains($0) }.map(SimulatedLedger.bytes)
        block.evidence = memory.evidence.filter { proof in
            memory.ledger.keys.firstIndex(of: proof.voter).map { !memory.ledger.isOut[$0] } ?? false
        }
        block.seal()
        return block
    }

    mutating func commitBlock(_ certified: CertifiedBlock, at node: Int) {
        if nodes[node].isHonest { check(certified, at: node) }
        nodes[node].memory?.ledger.apply(certified.block)
        nodes[node].disk.append(certified)
        if random.chance(1, in: 2) { nodes[node].disk.sync() }
        nodes[node].disk.bodies = [:]
        nodes[node].memory?.bodies = [:]
        if let applied = nodes[node].memory?.ledger.applied { nodes[node].memory?.waiting.removeAll { applied.contains($0) } }
        note { _ in "node \(node) has block \(certified.block.header.height) of round \(certified.commit.round)" }
        begin(node)
    }

    // MARK: Messages

    mutating func receive(_ message: NetworkMessage, at node: Int, from sender: Int) {
        guard nodes[node].memory != nil else { return }
        if !nodes[node].isHonest { scheme(on: message, at: node, from: sender) }
        switch message {
        case .proposal(let proposal, let block): receive(proposal, block, at: node)
        case .vote(let vote): handle(.rounds(.vote(vote)), at: node)
        case .raw(let bytes):
            guard let ballot = try? Ballot(canonicalBytes: bytes), let vote = ballot.verified() else {
                meet("damaged ballots")
                return
            }
            handle(.rounds(.vote(vote)), at: node)
        case .summary(let summary, let height, let isAnswer): answer(summary, height: height, isAnswer: isAnswer, at: node, to: sender)
        case .blocks(let blocks): for block in blocks { catchUp(with: block, at: node) }
        case .transaction(let number): take(number, at: node)
        }
    }

    private mutating func receive(_ proposal: Verified<Proposal>, _ block: Block, at node: Int) {
        guard let memory = nodes[node].memory, block.header.id == proposal.value.block, proposal.value.height == memory.agreement.height
        else { return }
        let isFresh = proposal.value.validRound == nil
        let isValid =
            memory.ledger.accepts(block, believingEvidence: settings.mutations.contains(.believesEvidence))
            && hasParentsCommit(block, at: node) && (!isFresh || block.header.proposer == proposal.signer)
        let isTimely = clock(of: node).map { timing.isTimely(block.header.time, on: $0) } ?? false
        if !isValid { meet("invalid blocks") }
        if isValid, !isTimely, isFresh { meet("untimely blocks") }
        if isValid { nodes[node].memory?.bodies[block.header.id] = block }
        handle(.rounds(.proposal(proposal, isValid: isValid, isTimely: isTimely)), at: node)
    }

    private mutating func hasParentsCommit(_ block: Block, at node: Int) -> Bool {
        guard let parent = nodes[node].disk.log.last else { return block.lastCommit == nil }
        guard let commit = block.lastCommit, commit.block == parent.block.header.id, commit.height == parent.block.header.height else {
            return false
        }
        return isFinal(commit, by: checker.setBefore(block.header.height))
    }

    /// By the set that the checker knows; honest nodes have the same.
    mutating func isFinal(_ commit: Commit, by set: DelegateSet?) -> Bool {
        if knownCommits.contains(commit) { return true }
        guard let set, (try? commit.verify(chainID: SimulatedLedger.chainID, by: set)) != nil else { return false }
        knownCommits.insert(commit)
        return true
    }

    private mutating func catchUp(with certified: CertifiedBlock, at node: Int) {
        guard let memory = nodes[node].memory, certified.block.header.height == memory.ledger.height + 1,
            certified.commit.block == certified.block.header.id, isFinal(certified.commit, by: memory.ledger.set),
            memory.ledger.accepts(certified.block, believingEvidence: settings.mutations.contains(.believesEvidence))
        else { return }
        meet("caught up")
        commitBlock(certified, at: node)
    }

    private mutating func take(_ number: UInt64, at node: Int) {
        guard let memory = nodes[node].memory, memory.waiting.count < SimulatedDelegate.waitingLimit,
            !memory.waiting.contains(number), !memory.ledger.applied.contains(number)
        else { return }
        nodes[node].memory?.waiting.append(number)
        handle(.work, at: node)
    }

    mutating func gossip(from node: Int) {
        guard let memory = nodes[node].memory else { return }
        let peer = random.number(0...nodes.count - 1)
        send(.summary(memory.agreement.rounds?.summary ?? RoundSummary(), height: memory.ledger.height, isAnswer: false), to: peer, from: node)
        if let number = memory.waiting.first { send(.transaction(number), to: peer, from: node) }
    }

    private mutating func answer(_ summary: RoundSummary, height: UInt64, isAnswer: Bool, at node: Int, to peer: Int) {
        guard let memory = nodes[node].memory else { return }
        if memory.ledger.height > height {
            send(.blocks(Array(nodes[node].disk.log.dropFirst(Int(height)).prefix(5))), to: peer, from: node)
            return
        }
        for message in memory.agreement.rounds?.messages(missingFrom: summary) ?? [] {
            switch message {
            case .proposal(let proposal):
                if let block = memory.bodies[proposal.value.block] { send(.proposal(proposal, block), to: peer, from: node) }
            case .vote(let vote): send(.vote(vote), to: peer, from: node)
            }
        }
        guard !isAnswer else { return }
        send(.summary(memory.agreement.rounds?.summary ?? RoundSummary(), height: memory.ledger.height, isAnswer: true), to: peer, from: node)
    }

    // MARK: The wire

    func isReachable(_ one: Int, _ other: Int) -> Bool {
        side[one] == side[other] || !nodes[one].isHonest || !nodes[other].isHonest
    }

    mutating func send(_ message: NetworkMessage, to node: Int, from sender: Int) {
        guard node != sender, isReachable(sender, node) else { return }
        if lossPerMille > 0, random.chance(lossPerMille, in: 1_000) {
            meet("lost messages")
            return
        }
        var message = message
        if case .vote(let vote) = message, random.chance(1, in: 60) { message = .raw(wire(vote.ballot)) }
        schedule(.deliver(message, to: node, from: sender), after: .milliseconds(5) + Nanoseconds(Int64(random.number(0...Int(slowest.count)))))
    }

    private mutating func wire(_ ballot: Ballot) -> [UInt8] {
        var bytes = ballot.canonicalBytes
        if random.chance(1, in: 4) { bytes[random.number(0...bytes.count - 1)] ^= UInt8(1 << random.number(0...7)) }
        return bytes
    }

    mutating func broadcast(_ message: NetworkMessage, from sender: Int) {
        for node in nodes.indices { send(message, to: node, from: sender) }
    }

    private mutating func send(_ vote: Verified<Vote>, from node: Int) {
        guard nodes[node].isHonest else { return cheat(with: vote, at: node) }
        check(vote, of: node)
        broadcast(.vote(vote), from: node)
    }

    private mutating func send(_ proposal: Verified<Proposal>, _ block: Block, from node: Int) {
        guard nodes[node].isHonest else { return cheat(with: proposal, block, at: node) }
        check(proposal, of: node)
        broadcast(.proposal(proposal, block), from: node)
    }
}
