import Consensus
import Ledger
import Primitives

/// Snapshots: found when this node is far behind, and given to others.
extension ChainNode {
    /// Snapshots are made of a state no older than this: who is catching up makes none on the way.
    private static let freshMilliseconds: UInt64 = 3_600_000
    /// Questions that wait until they may be asked.
    private static let outboxLimit = 2 * SnapshotSync.peerLimit

    // MARK: The newcomer

    /// Why this node could not take a snapshot when it last looked for one; nil if it never failed.
    public var syncFailure: String? { sync.failure?.description }
    /// Whether it is on its way to a snapshot.
    public var isSyncing: Bool { !sync.isIdle }

    /// Looks for a snapshot if this node is far behind, and goes on with it.
    mutating func advanceSync(at now: Instant, clock: BlockTime?) -> [Action] {
        guard let clock else { return [] }  // headers are verified by a clock that is set
        let told = peers.values.map(\.told).max() ?? 0
        let isFarBehind = told > state.head.height.saturatingAdd(settings.gap / (sync.isIdle ? 1 : 2))
        if !isFarBehind { sync.leaveOff() }
        if isFarBehind, sync.mayBegin(at: now), let base = trustedBlock {
            let known = peers.sorted { ($0.value.failures, $0.key) < ($1.value.failures, $1.key) }
            let effects = sync.begin(
                from: base, above: state.head.height + settings.gap / 2, chainID: state.chainID,
                peers: known.map { LightPeer(key: $0.key, network: $0.value.network) }, checkpoint: settings.checkpoint, at: now,
                clock: clock)
            return perform(effects, at: now)
        }
        return advanceSync(by: .tick, at: now, clock: clock)
    }

    mutating func advanceSync(by event: SnapshotSync.Event, at now: Instant, clock: BlockTime?) -> [Action] {
        guard let clock, !sync.isIdle else { return sendQuestions(at: now) }
        return perform(sync.handle(event, at: now, clock: clock), at: now)
    }

    /// What this node believes without asking: its own head, or what the chain starts from.
    private var trustedBlock: LightBlock? {
        guard state.head.height > 0 else {
            return .genesis(chainID: state.chainID, time: state.head.time, delegates: state.epoch.current)
        }
        guard let lastHeader, let lastCommit else { return nil }
        return LightBlock(header: lastHeader, commit: lastCommit, delegates: state.epoch.set(at: state.head.height))
    }

    private mutating func perform(_ effects: [SnapshotSync.Effect], at now: Instant) -> [Action] {
        var actions: [Action] = []
        for effect in effects {
            switch effect {
            case .ask(let peer, let message):
                if outbox.count < Self.outboxLimit { outbox.append(Question(peer: peer, message: message)) }
            case .punish(let peer, let misdeed): actions.append(.punish(peer, misdeed))
            case .keep(let bytes, let index): actions.append(.keepChunk(bytes, index: index))
            case .install(let snapshot):
                guard snapshot.head.height > state.head.height else {
                    sync.installed()
                    continue
                }
                installing = snapshot
                actions.append(.install(snapshot))
            }
        }
        return actions + sendQuestions(at: now)
    }

    /// Sends what waits, to each peer no more often than it answers.
    mutating func sendQuestions(at now: Instant) -> [Action] {
        var actions: [Action] = []
        var later: [Question] = []
        for question in outbox {
            guard let peer = peers[question.peer], let kind = question.message.answerKind else { continue }
            if peer.lastAskedAt.map({ now < $0 + Self.asksEvery }) ?? false {
                later.append(question)
            } else {
                peers[question.peer]?.lastAskedAt = now
                peers[question.peer]?.owed[kind, default: 0] += 1
                actions.append(.send(question.message, to: question.peer))
            }
        }
        outbox = later
        guard !later.isEmpty, !waitsToAsk else { return actions }
        waitsToAsk = true
        return actions + [.schedule(.ask, after: Self.asksEvery)]
    }

    mutating func take(
        _ answer: SnapshotSync.Event, of kind: ChainMessage.Kind, from peer: PublicKey, at now: Instant, clock: BlockTime?
    ) -> [Action] {
        guard let owed = peers[peer]?.owed[kind], owed > 0 else { return [.punish(peer, .unasked)] }
        peers[peer]?.owed[kind] = owed - 1
        return advanceSync(by: answer, at: now, clock: clock)
    }

    /// The state of the snapshot is on disk: this node is there now.
    mutating func goOn(from installed: LedgerState, at now: Instant, clock: BlockTime?) -> [Action] {
        guard let snapshot = installing, installed.head == snapshot.ledgerHead else { return [] }
        sync.installed()
        installing = nil
        state = installed
        (lastHeader, lastCommit) = (snapshot.head.header, snapshot.head.commit)
        candidates = [:]
        pool.advance(to: state)
        evidence = evidence.filter { state.delegate($0.key).map { $0.status != .expelled } ?? false }
        return begin(clock: clock) + askForBlocks(at: now)
    }

    // MARK: For others

    /// Whether a question of this peer is answered now: as often as blocks are.
    mutating func mayServe(_ peer: PublicKey, at now: Instant) -> Bool {
        guard let known = peers[peer] else { return false }
        if let last = known.servedAt, now - last < Self.blocksEvery { return false }
        peers[peer]?.servedAt = now
        return true
    }

    mutating func serve(_ question: Action, to peer: PublicKey, at now: Instant) -> [Action] {
        mayServe(peer, at: now) ? [question] : []
    }

    /// At an epoch's end its state is kept for others.
    func snapshotIfDue(clock: BlockTime?) -> [Action] {
        guard state.epoch.startHeight == state.head.height + 1, let clock,
            clock < state.head.time.saturatingAdd(Self.freshMilliseconds)
        else { return [] }
        return [.beginSnapshot(state.tree)]
    }
}

extension ChainMessage {
    /// What a question of the newcomer is answered by.
    fileprivate var answerKind: Kind? {
        switch self {
        case .wantsLightBlock: .lightBlock
        case .wantsSnapshot: .snapshot
        case .wantsChunk: .chunk
        default: nil
        }
    }
}
