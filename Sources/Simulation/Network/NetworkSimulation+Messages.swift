import Consensus
import Primitives
import SimulatedHAL

/// What a node makes of a message.
extension NetworkSimulation {
    mutating func receive(_ message: NetworkMessage, at node: Int, from sender: Int) {
        guard nodes[node].memory != nil else { return }
        if !nodes[node].isHonest { scheme(on: message, at: node, from: sender) }
        switch message {
        case .proposal(let proposal, let block): receive(proposal, block, at: node)
        case .vote(let vote): handle(.rounds(.vote(vote)), at: node)
        case .raw(let bytes):
            guard let ballot = try? Ballot(canonicalBytes: bytes), let vote = ballot.verified() else {
                return meet("damaged ballots")
            }
            handle(.rounds(.vote(vote)), at: node)
        case .summary(let summary, let height, let isAnswer):
            answer(summary, height: height, isAnswer: isAnswer, at: node, to: sender)
        case .blocks(let blocks): for block in blocks { catchUp(with: block, at: node) }
        case .transaction(let number): take(number, at: node)
        }
    }

    private mutating func receive(_ proposal: Verified<Proposal>, _ block: Block, at node: Int) {
        let value = proposal.value
        guard block.header.id == value.block, value.height == nodes[node].memory?.agreement.height else { return }
        let isValid = nodes[node].memory?.bodies[value.block] != nil || accepts(block, at: node)
        if isValid { nodes[node].memory?.bodies[value.block] = block } else { meet("invalid blocks") }
        let isOnTime = clock(of: node).map { timing.isTimely(block.header.time, on: $0) } ?? false
        if isValid, !isOnTime, value.validRound == nil { meet("untimely blocks") }
        let isTimely = isOnTime && block.header.proposer == proposal.signer
        handle(.rounds(.proposal(proposal, isValid: isValid, isTimely: isTimely)), at: node)
    }

    /// Whether the block follows from what the node has, and shows that what it follows is final.
    private mutating func accepts(_ block: Block, at node: Int) -> Bool {
        guard let ledger = nodes[node].memory?.ledger,
            ledger.accepts(block, believingEvidence: settings.mutations.contains(.believesEvidence))
        else { return false }
        guard let parent = nodes[node].disk.log.last else { return block.lastCommit == nil }
        guard let commit = block.lastCommit, commit.block == parent.block.header.id, commit.height == parent.block.header.height
        else { return false }
        return isFinal(commit, by: checker.setBefore(block.header.height))
    }

    private mutating func catchUp(with certified: CertifiedBlock, at node: Int) {
        guard let ledger = nodes[node].memory?.ledger, certified.block.header.height == ledger.height + 1,
            certified.commit.height == ledger.height + 1, certified.commit.block == certified.block.header.id,
            isFinal(certified.commit, by: ledger.set), accepts(certified.block, at: node)
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

    // MARK: Gossip

    /// Tells somebody now and then what it has, and gets what it misses.
    mutating func gossip(from node: Int) {
        guard let waiting = nodes[node].memory?.waiting else { return }
        let peer = random.number(0...nodes.count - 1)
        tell(peer, whatIsAt: node, isAnswer: false)
        if let number = waiting.first { send(.transaction(number), to: peer, from: node) }
    }

    private mutating func tell(_ peer: Int, whatIsAt node: Int, isAnswer: Bool) {
        guard let memory = nodes[node].memory else { return }
        let summary = memory.agreement.rounds?.summary ?? RoundSummary()
        send(.summary(summary, height: memory.ledger.height, isAnswer: isAnswer), to: peer, from: node)
    }

    private mutating func answer(_ summary: RoundSummary, height: UInt64, isAnswer: Bool, at node: Int, to peer: Int) {
        guard let memory = nodes[node].memory, !nodes[node].tricks.contains(.isMute) else { return }
        if memory.ledger.height > height {
            let missed = nodes[node].disk.log.dropFirst(Int(height)).prefix(Self.blocksAtOnce)
            return send(.blocks(Array(missed)), to: peer, from: node)
        }
        for message in memory.agreement.rounds?.messages(missingFrom: summary) ?? [] {
            switch message {
            case .proposal(let proposal):
                if let block = memory.bodies[proposal.value.block] { send(.proposal(proposal, block), to: peer, from: node) }
            case .vote(let vote) where vote.signer == nodes[node].publicKey && isHidden(vote.value, by: node, from: peer): break
            case .vote(let vote): send(.vote(vote), to: peer, from: node)
            }
        }
        if !isAnswer { tell(peer, whatIsAt: node, isAnswer: true) }
    }

    private static let blocksAtOnce = 5
}
