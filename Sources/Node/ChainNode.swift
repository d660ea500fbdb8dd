public import Consensus
public import Ledger
public import Primitives

/// A node of the Qlink Chain without its network, disk and clock: delegates, stations and wallets run this same code.
///
/// ```
///  peers ─▶ message ─┐                       ┌─▶ persist (fsync) ─▶ send      in this order, one after the other
///  timers ───────────┼─▶ handle ─▶ actions ──┼─▶ append to the block log
///  wallet ─▶ submit ─┘                       └─▶ schedule, punish
/// ```
public struct ChainNode: Sendable {
    public enum Event: Sendable {
        /// The network is whatever the peer's neighbours share; nil: its own.
        case connected(PublicKey, network: UInt64? = nil)
        case disconnected(PublicKey)
        case message(ChainMessage, from: PublicKey)
        /// From a wallet at this node.
        case submitted(CheckedTransaction)
        case timer(Timer)
        /// The snapshot that was to be installed is on disk, and this is its state.
        case installed(LedgerState)
    }

    public enum Timer: Hashable, Sendable {
        case wait(height: UInt64, isIdle: Bool)
        case timeout(Rounds.Timeout)
        case gossip
        /// It may ask for blocks again.
        case ask
    }

    public enum Action: Sendable {
        /// Durable before the next action, with the block log so far and the blocks that it is bound to.
        case persist(SigningState, bound: [Block])
        /// Final: to the log, with what it changed and the state's root after it. Durable with the next `persist`, or when the caller likes.
        case append(CertifiedBlock, BlockOutcome, root: Bytes32)
        /// nil: to all peers.
        case send(ChainMessage, to: PublicKey?)
        /// Blocks from the log, as many as fit one message.
        case sendBlocks(BlockRange, to: PublicKey)
        /// From the log or from what is kept longer: at that height or the first above it; nil: the newest.
        case sendLightBlock(LightQuestion, to: PublicKey)
        /// The newest that others can verify.
        case sendSnapshot(to: PublicKey)
        case sendChunk(ChunkName, to: PublicKey)
        /// The state of the tree is that after the block appended last: to be kept for others, by whoever keeps snapshots.
        case beginSnapshot(StateTree)
        /// Of the snapshot on its way here. 0 begins anew.
        case keepChunk([UInt8], index: Int)
        /// Its chunks are kept: they take the place of the state and of all blocks, whole or not at all. Answered by `installed`.
        case install(CertifiedSnapshot)
        case schedule(Timer, after: Nanoseconds)
        case punish(PublicKey, Misdeed)
        /// A submitted transaction was not taken.
        case refused(Bytes32, Mempool.Refusal)
    }

    /// What a peer did that no honest one does.
    public enum Misdeed: String, Hashable, Sendable {
        case falseSignature = "a signature in its message is false"
        case falseBlock = "it sent a block that is not final"
        case unasked = "it sent what it was not asked for"
        case falseAccusation = "its evidence proves nothing"
        case falseHeader = "it sent a header that the delegates did not make final"
        case falseSnapshot = "its snapshot is not the state that a header names"
    }

    struct Peer: Sendable {
        var height: UInt64 = 0
        /// The same, whatever it could not show of it: its blocks may be gone, and its snapshot not.
        var told: UInt64 = 0
        /// When blocks were asked for and did not come yet.
        var askedAt: Instant?
        var lastAskedAt: Instant?
        /// Answers to requests, late or not: what comes beyond is unasked. One more than was asked over this link, since the one before may
        /// have ended between a question and its answer.
        var owedAnswers = 1
        /// The same for what a newcomer asks.
        var owed: [ChainMessage.Kind: Int] = [.lightBlock: 1, .snapshot: 1, .chunk: 1]
        var network: UInt64 = 0
        /// Requests that it did not answer in time: who answers is asked first, whatever others say they have.
        var failures = 0
        /// When it was last sent what it misses, and blocks that it asked for.
        var answeredAt: Instant?
        var servedAt: Instant?
    }

    struct Question: Sendable {
        var peer: PublicKey
        var message: ChainMessage
    }

    /// A proposed block that was checked: what it comes to, nil if it may not be voted for.
    struct Candidate: Sendable {
        var block: Block
        var outcome: BlockOutcome?
    }

    static let gossipInterval = Nanoseconds.seconds(1)
    static let peerLimit = 256
    /// Bodies of one height that are kept.
    static let candidateLimit = 32
    static let evidenceLimit = 64

    let identity: PrivateKey?
    public let timing: ConsensusTiming
    public let settings: SyncSettings
    public internal(set) var state: LedgerState
    /// Of the head; nil at height 0.
    public internal(set) var lastCommit: Commit?
    /// The head's; nil at height 0, and where it is not kept.
    var lastHeader: Header?
    public internal(set) var pool = Mempool()
    var agreement: Agreement
    var candidates: [BlockID: Candidate] = [:]
    var evidence: [PublicKey: DoubleVote] = [:]
    var peers: [PublicKey: Peer] = [:]
    /// A timer for that is under way.
    var waitsToAsk = false
    var sync = SnapshotSync()
    var installing: CertifiedSnapshot?
    /// What the newcomer asks, until it may.
    var outbox: [Question] = []
    private var gossipTurn = 0

    /// - Parameters:
    ///   - state: as the log gives it.
    ///   - lastCommit: of its head.
    ///   - lastHeader: its head's, if it is kept.
    ///   - bound: the blocks that were persisted with the signing state.
    public init(
        identity: PrivateKey?, timing: ConsensusTiming, state: LedgerState, lastCommit: Commit?, lastHeader: Header? = nil,
        past: Agreement.Past, bound: [Block], settings: SyncSettings = SyncSettings()
    ) {
        (self.identity, self.timing, self.state, self.settings) = (identity, timing, state, settings)
        (self.lastCommit, self.lastHeader) = (lastCommit, lastHeader)
        agreement = Agreement(chainID: state.chainID, identity: identity?.publicKey, timing: timing, past: past)
        for block in bound { candidates[block.header.id] = examine(block) }
    }

    /// Rules taken out, for simulations that must notice.
    package var flaws: Set<Rounds.Flaw> {
        get { agreement.flaws }
        set { agreement.flaws = newValue }
    }

    /// Why this node does not sign; nil while it does.
    public var silence: String? { agreement.silence }
    public var peerCount: Int { peers.count }
    /// The height that each peer told last: a claim.
    public var peerHeights: [PublicKey: UInt64] { peers.mapValues(\.height) }
    /// The largest height that a peer has told: a claim.
    public var claimedHeight: UInt64 { max(state.head.height, peers.values.map(\.height).max() ?? 0) }

    public mutating func start(clock: BlockTime?) -> [Action] {
        [.schedule(.gossip, after: Self.gossipInterval)] + begin(clock: clock)
    }

    /// - Parameters:
    ///   - now: the boot-time clock.
    ///   - clock: the wall clock, nil while it is not to be believed.
    public mutating func handle(_ event: Event, at now: Instant, clock: BlockTime?) -> [Action] {
        switch event {
        case .connected(let peer, let network):
            guard peers.count < Self.peerLimit else { return [] }
            peers[peer] = Peer(network: network ?? peer.raw.words.0)
            return [.send(.status(status(isAnswer: false)), to: peer)]
        case .disconnected(let peer):
            peers[peer] = nil
            return advanceSync(by: .left(peer), at: now, clock: clock)
        case .submitted(let transaction):
            do throws(Mempool.Refusal) { return try take(transaction, from: nil, clock: clock) } catch {
                return [.refused(transaction.id, error)]
            }
        case .timer(.wait(let height, let isIdle)): return agree(.waited(height: height, isIdle: isIdle), clock: clock)
        case .timer(.timeout(let timeout)): return agree(.rounds(.timeout(timeout)), clock: clock)
        case .timer(.ask):
            waitsToAsk = false
            return sendQuestions(at: now) + askForBlocks(at: now)
        case .timer(.gossip):
            return [.schedule(.gossip, after: Self.gossipInterval)] + gossip(at: now) + advanceSync(at: now, clock: clock)
        case .installed(let state): return goOn(from: state, at: now, clock: clock)
        case .message(let message, let peer):
            guard peers[peer] != nil else { return [] }
            return take(message, from: peer, at: now, clock: clock)
        }
    }

    private mutating func take(_ message: ChainMessage, from peer: PublicKey, at now: Instant, clock: BlockTime?) -> [Action] {
        switch message {
        case .status(let status): answer(status, from: peer, at: now)
        case .proposal(let proposed): take(proposed, from: peer, clock: clock)
        case .vote(let ballot): take(ballot, from: peer, clock: clock)
        case .accusation(let proof): take(proof, from: peer)
        case .inventory(let names): want(names, from: peer)
        case .wants(let names): give(names, to: peer)
        case .transaction(let transaction): take(transaction, from: peer, clock: clock)
        case .wantsBlocks(let range): serve(range, to: peer, at: now)
        case .blocks(let blocks): catchUp(with: blocks, from: peer, at: now, clock: clock)
        case .wantsLightBlock(let question): serve(.sendLightBlock(question, to: peer), to: peer, at: now)
        case .wantsSnapshot: serve(.sendSnapshot(to: peer), to: peer, at: now)
        case .wantsChunk(let name): serve(.sendChunk(name, to: peer), to: peer, at: now)
        case .lightBlock(let reply): take(.light(reply, from: peer), of: .lightBlock, from: peer, at: now, clock: clock)
        case .snapshot(let offer): take(.offer(offer.manifest, from: peer), of: .snapshot, from: peer, at: now, clock: clock)
        case .chunk(let reply): take(.chunk(reply, from: peer), of: .chunk, from: peer, at: now, clock: clock)
        }
    }

    /// One peer after the other is told where this node is, and what waits here.
    private mutating func gossip(at now: Instant) -> [Action] {
        let names = peers.keys.sorted()
        guard !names.isEmpty else { return [] }
        gossipTurn = (gossipTurn + 1) % names.count
        let peer = names[gossipTurn]
        var actions: [Action] = [.send(.status(status(isAnswer: false)), to: peer)]
        let waiting = pool.ordered.prefix(Names.limit).map(\.id)
        if !waiting.isEmpty { actions.append(.send(.inventory(Names(waiting)), to: peer)) }
        return actions + askForBlocks(at: now)
    }

    func status(isAnswer: Bool) -> NodeStatus {
        NodeStatus(height: state.head.height, rounds: agreement.rounds?.summary ?? RoundSummary(), isAnswer: isAnswer)
    }
}
