import Consensus
import Ledger
import Primitives

/// What peers miss, and what this node misses.
extension ChainNode {
    /// Blocks that were asked for have to come within.
    static let blocksWithin = Nanoseconds.seconds(10)
    static let blocksAtOnce: UInt16 = 128
    /// A peer gets an answer so often: one question can make much traffic, and much reading.
    static let answersEvery = Nanoseconds.milliseconds(200)
    static let blocksEvery = Nanoseconds.milliseconds(50)
    /// Less often than is answered, also when a request is overtaken on its way: one that comes too early is not answered at all.
    static let asksEvery = Nanoseconds.milliseconds(100)

    /// A peer says where it is: it gets what it misses of this height's rounds, and is asked for what it has more.
    mutating func answer(_ status: NodeStatus, from peer: PublicKey, at now: Instant) -> [Action] {
        peers[peer]?.height = status.height
        peers[peer]?.told = status.height
        var actions: [Action] = []
        let isEarly = peers[peer]?.answeredAt.map { now - $0 < Self.answersEvery } ?? false
        if isEarly { return askForBlocks(at: now) }
        if status.height == state.head.height {
            peers[peer]?.answeredAt = now
            actions = (agreement.rounds?.messages(missingFrom: status.rounds) ?? []).compactMap { message in
                switch message {
                case .vote(let vote): .send(.vote(vote.ballot), to: peer)
                case .proposal(let proposal):
                    candidates[proposal.value.block].map { .send(.proposal(ProposedBlock(proposal.signed, $0.block)), to: peer) }
                }
            }
        }
        if !status.isAnswer { actions.append(.send(.status(self.status(isAnswer: true)), to: peer)) }
        return actions + askForBlocks(at: now)
    }

    /// One request at a time, to the peer that says it is highest of those that answered before; another is asked when it does not.
    mutating func askForBlocks(at now: Instant) -> [Action] {
        for (name, peer) in peers where peer.askedAt.map({ now - $0 > Self.blocksWithin }) ?? false {
            // Believed no more, until it says something again. Its answer may still be on a slow way.
            peers[name]?.askedAt = nil
            peers[name]?.height = 0
            peers[name]?.failures += 1
        }
        guard !peers.values.contains(where: { $0.askedAt != nil }), !sync.replacesBlocks else { return [] }
        // The newcomer's questions go first, or the best peer would never get one.
        let busy = Set(outbox.map(\.peer))
        let ahead = peers.filter { $0.value.height > state.head.height && !busy.contains($0.key) }
        guard
            let (best, peer) = ahead.min(by: {
                ($0.value.failures, $1.value.height, $1.key) < ($1.value.failures, $0.value.height, $0.key)
            })
        else { return [] }
        if let next = peer.lastAskedAt.map({ $0 + Self.asksEvery }), now < next {
            guard !waitsToAsk else { return [] }
            waitsToAsk = true
            return [.schedule(.ask, after: next - now)]
        }
        peers[best]?.askedAt = now
        peers[best]?.lastAskedAt = now
        peers[best]?.owedAnswers += 1
        return [.send(.wantsBlocks(BlockRange(from: state.head.height + 1, count: Self.blocksAtOnce)), to: best)]
    }

    mutating func serve(_ range: BlockRange, to peer: PublicKey, at now: Instant) -> [Action] {
        guard range.from > 0, range.from <= state.head.height else { return [] }
        return serve(.sendBlocks(range, to: peer), to: peer, at: now)
    }

    mutating func catchUp(with blocks: Blocks, from peer: PublicKey, at now: Instant, clock: BlockTime?) -> [Action] {
        guard let owed = peers[peer]?.owedAnswers, owed > 0 else { return [.punish(peer, .unasked)] }
        peers[peer]?.owedAnswers = owed - 1
        peers[peer]?.askedAt = nil
        var actions: [Action] = []
        let before = state.head.height
        // While a snapshot comes, blocks of the state that it replaces are of no use.
        for certified in blocks.blocks where certified.height > state.head.height && !sync.replacesBlocks {
            guard let outcome = outcome(of: certified) else {
                actions.append(.punish(peer, .falseBlock))
                break
            }
            actions += finish(certified, outcome, clock: clock)
        }
        // It does not have what it said it has.
        if state.head.height == before { peers[peer]?.height = 0 }
        if agreement.height != state.head.height + 1 { actions += begin(clock: clock) }
        return actions + askForBlocks(at: now)
    }

    /// nil unless the delegates made it final, and it follows from this state.
    private func outcome(of certified: CertifiedBlock) -> BlockOutcome? {
        let id = certified.block.header.id
        guard certified.height == state.head.height + 1, certified.commit.block == id,
            certified.commit.height == certified.height,
            (try? certified.commit.verify(chainID: state.chainID, by: state.epoch.current)) != nil
        else { return nil }
        // Another body behind a header that is known here is not the block.
        if let known = candidates[id], known.block == certified.block { return known.outcome }
        return examine(certified.block).outcome
    }

    // MARK: Transactions

    /// The names that are not known here are asked for.
    func want(_ names: Names, from peer: PublicKey) -> [Action] {
        let missing = names.ids.filter { !pool.contains($0) }
        return missing.isEmpty ? [] : [.send(.wants(Names(missing)), to: peer)]
    }

    func give(_ names: Names, to peer: PublicKey) -> [Action] {
        names.ids.compactMap { pool[$0] }.map { .send(.transaction(TransactionBytes($0.bytes)), to: peer) }
    }

    mutating func take(_ transaction: TransactionBytes, from peer: PublicKey, clock: BlockTime?) -> [Action] {
        guard pool.checked(transaction.bytes) == nil else { return [] }
        do throws(Inadmissible) {
            let checked = try CheckedTransaction(transaction.bytes, on: state.chainID)
            // Honest peers send what does not fit here: they are ahead or behind.
            return (try? take(checked, from: peer, clock: clock)) ?? []
        } catch { return [.punish(peer, .falseSignature)] }
    }

    /// A transaction for the pool; who has not heard of it is told its name.
    mutating func take(_ checked: CheckedTransaction, from peer: PublicKey?, clock: BlockTime?) throws(Mempool.Refusal)
        -> [Action]
    {
        try pool.add(checked, on: state)
        let others = peers.keys.filter { $0 != peer }.sorted()
        return others.map { .send(.inventory(Names([checked.id])), to: $0) } + agree(.work, clock: clock)
    }
}
