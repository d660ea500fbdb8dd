public import Consensus
import Ledger
import Primitives

/// When a node looks for a snapshot, and what it starts from.
public struct SyncSettings: Hashable, Sendable {
    /// Blocks that a node has to be behind: fewer are fetched and applied faster than a state is. Two epochs, as the newest snapshot may
    /// be nearly one old.
    public var gap: UInt64 = 2_400
    /// Of the firmware, or from somebody the owner trusts; nil: the genesis file, while it is not older than the trusting period.
    public var checkpoint: Checkpoint?

    public init() {}
}

/// The way of a node that is far behind to a snapshot: headers first, then the state, then blocks again.
///
/// ```
///  idle ─▶ offering ─▶ certifying: light client to h, then h+1 ─▶ fetching: chunk by chunk ─▶ installing ─▶ idle
///   ▲         │ none        │ cannot, or another root    │ false, or nobody answers
///   └─────────┴─────────────┴──────── the next offer ────┘ none is left: blocks, and again in a minute
/// ```
///
/// Every question has a time in which it is answered, every stage a number of questions: it ends. Only certified data is believed; who
/// sends anything else is punished, and so is all that it offered. Bounded: four manifests, sixteen peers, one chunk.
struct SnapshotSync: Sendable {
    enum Event {
        /// Time has passed.
        case tick
        case left(PublicKey)
        case offer(SnapshotManifest?, from: PublicKey)
        case light(LightReply, from: PublicKey)
        case chunk(ChunkReply, from: PublicKey)
    }

    enum Effect {
        case ask(PublicKey, ChainMessage)
        case punish(PublicKey, ChainNode.Misdeed)
        /// To be kept until the last one is there; index 0 begins anew.
        case keep([UInt8], index: Int)
        case install(CertifiedSnapshot)
    }

    /// A snapshot that somebody has.
    struct Offer {
        var manifest: SnapshotManifest
        var holders: [PublicKey]
    }

    enum Stage {
        case idle
        /// Who has not answered yet, and until when it is waited for.
        case offering(Set<PublicKey>, until: Instant)
        /// First its block, then the header behind it.
        case certifying(Offer, head: LightBlock?)
        case fetching(SnapshotFetch)
        case installing
    }

    static let peerLimit = LightClient.peerLimit
    static let offerLimit = 4
    static let answersWithin = Nanoseconds.seconds(10)
    /// 256 KiB over a slow cellular link.
    static let chunkWithin = Nanoseconds.seconds(30)
    /// After an attempt came to nothing.
    static let rests = Nanoseconds.seconds(60)

    private(set) var stage = Stage.idle
    /// Why the last attempt came to nothing; nil while there was none.
    private(set) var failure: ConsensusError?
    private var notBefore: Instant?
    /// Only snapshots above this are of use.
    private var floor: UInt64 = 0
    private var offers: [Offer] = []
    private var light: LightClient?
    /// The light client's question.
    private var open: (peer: PublicKey, height: UInt64?, until: Instant)?

    var isIdle: Bool { if case .idle = stage { true } else { false } }
    /// Blocks are not asked for then: they would be thrown away.
    var replacesBlocks: Bool {
        switch stage {
        case .fetching, .installing: true
        default: false
        }
    }

    func mayBegin(at now: Instant) -> Bool { isIdle && notBefore.map { now >= $0 } ?? true && light?.fork == nil }

    /// - Parameters:
    ///   - base: what is trusted: the own head, or genesis.
    ///   - floor: a snapshot of this height or below is of no use.
    mutating func begin(
        from base: LightBlock, above floor: UInt64, chainID: Bytes32, peers: [LightPeer], checkpoint: Checkpoint?,
        at now: Instant,
        clock: BlockTime
    ) -> [Effect] {
        var client = LightClient(verifier: LightVerifier(chainID: chainID), trusted: [base], checkpoint: checkpoint)
        let peers = peers.prefix(Self.peerLimit)
        for peer in peers { _ = client.handle(.joined(peer), now: clock) }
        (light, offers, open, self.floor) = (client, [], nil, floor)
        stage = .offering(Set(peers.map(\.key)), until: now + Self.answersWithin)
        return peers.map { .ask($0.key, .wantsSnapshot) }
    }

    mutating func handle(_ event: Event, at now: Instant, clock: BlockTime) -> [Effect] {
        var effects: [Effect] = []
        switch event {
        case .tick: break
        case .left(let peer): leave(peer, now, clock, &effects)
        case .offer(let manifest, let peer): take(manifest, from: peer)
        case .light(let reply, let peer): take(reply, from: peer, now, clock, &effects)
        case .chunk(let reply, let peer): take(reply, from: peer, now, clock, &effects)
        }
        wait(now, clock, &effects)
        return effects
    }

    mutating func installed() { stage = .idle }

    /// Blocks have brought this node near enough.
    mutating func leaveOff() { if !replacesBlocks { (stage, offers, open) = (.idle, [], nil) } }

    // MARK: What has been waited for long enough

    private mutating func wait(_ now: Instant, _ clock: BlockTime, _ effects: inout [Effect]) {
        switch stage {
        case .offering(let missing, let until):
            if missing.isEmpty || now > until { tryNext(now, clock, &effects) }
        case .certifying:
            guard let question = open, now > question.until else { return }
            open = nil
            tell(.answered(question.peer, height: question.height, .silence), now, clock, &effects)
        case .fetching(var fetch):
            fetch.giveUp(at: now)
            go(on: fetch, now, clock, &effects)
        case .idle, .installing: break
        }
    }

    private mutating func leave(_ peer: PublicKey, _ now: Instant, _ clock: BlockTime, _ effects: inout [Effect]) {
        forget(peer)
        if open?.peer == peer { open = nil }
        tell(.left(peer), now, clock, &effects)
        switch stage {
        case .offering(var missing, let until):
            missing.remove(peer)
            stage = .offering(missing, until: until)
        case .fetching(var fetch):
            fetch.drop(peer)
            stage = .fetching(fetch)
        default: break
        }
    }

    // MARK: Offers

    private mutating func take(_ manifest: SnapshotManifest?, from peer: PublicKey) {
        guard case .offering(var missing, let until) = stage, missing.remove(peer) != nil else { return }
        stage = .offering(missing, until: until)
        guard let manifest, manifest.height > floor else { return }
        if let known = offers.firstIndex(where: { $0.manifest == manifest }) {
            offers[known].holders.append(peer)
        } else if offers.count < Self.offerLimit {
            offers.append(Offer(manifest: manifest, holders: [peer]))
        }
    }

    private mutating func forget(_ peer: PublicKey) {
        for index in offers.indices { offers[index].holders.removeAll { $0 == peer } }
        offers.removeAll { $0.holders.isEmpty }
    }

    /// The offer that most peers make; of two alike the newest.
    private mutating func tryNext(_ now: Instant, _ clock: BlockTime, _ effects: inout [Effect]) {
        let best = offers.indices.max {
            (offers[$0].holders.count, offers[$0].manifest.height, offers[$0].manifest.hash)
                < (offers[$1].holders.count, offers[$1].manifest.height, offers[$1].manifest.hash)
        }
        guard let best else { return end(now) }
        let offer = offers.remove(at: best)
        stage = .certifying(offer, head: nil)
        tell(.update(.height(offer.manifest.height)), now, clock, &effects)
    }

    private mutating func end(_ now: Instant) {
        (stage, offers, open) = (.idle, [], nil)
        notBefore = now + Self.rests
    }

    /// Whoever offers it has made it up.
    private mutating func refuse(_ holders: [PublicKey], _ now: Instant, _ clock: BlockTime, _ effects: inout [Effect]) {
        for holder in holders {
            forget(holder)
            effects.append(.punish(holder, .falseSnapshot))
        }
        tryNext(now, clock, &effects)
    }

    // MARK: Headers

    private mutating func take(
        _ reply: LightReply, from peer: PublicKey, _ now: Instant, _ clock: BlockTime, _ effects: inout [Effect]
    ) {
        guard let question = open, question.peer == peer, question.height == reply.question.height else { return }
        open = nil
        let isOther = reply.block.map { block in question.height.map { $0 < block.height } ?? false } ?? false
        // It keeps none at that height itself.
        let isOfUse = !isOther || light?.takesLater == true
        let answer = reply.block.flatMap { isOfUse ? LightClient.Answer.block($0) : nil } ?? .none
        tell(.answered(peer, height: question.height, answer), now, clock, &effects)
    }

    private mutating func tell(_ event: LightClient.Event, _ now: Instant, _ clock: BlockTime, _ effects: inout [Effect]) {
        for action in light?.handle(event, now: clock) ?? [] {
            switch action {
            case .ask(let peer, let height):
                open = (peer, height, now + Self.answersWithin)
                effects.append(.ask(peer, .wantsLightBlock(LightQuestion(height))))
            case .drop(let peer, _):
                forget(peer)
                effects.append(.punish(peer, .falseHeader))
            case .verified(let block): goOn(with: block, now, clock, &effects)
            case .failed(let error):
                failure = error
                if case .certifying = stage { tryNext(now, clock, &effects) }
            case .fork(let error, _):
                failure = error
                end(now)
            case .keep, .forget: break
            }
        }
    }

    private mutating func goOn(with block: LightBlock, _ now: Instant, _ clock: BlockTime, _ effects: inout [Effect]) {
        guard case .certifying(let offer, let head) = stage else { return }
        guard let head else {
            stage = .certifying(offer, head: block)
            return tell(.update(.height(block.height + 1)), now, clock, &effects)
        }
        let proofs = (light?.trusted ?? []).filter { $0.height > 0 }
        guard let snapshot = CertifiedSnapshot(offer.manifest, head: head, next: block.header, proofs: proofs) else {
            return refuse(offer.holders, now, clock, &effects)
        }
        go(on: SnapshotFetch(snapshot, holders: offer.holders), now, clock, &effects)
    }

    // MARK: Chunks

    private mutating func take(
        _ reply: ChunkReply, from peer: PublicKey, _ now: Instant, _ clock: BlockTime, _ effects: inout [Effect]
    ) {
        guard case .fetching(var fetch) = stage else { return }
        switch fetch.take(reply, from: peer) {
        case .passedOver: stage = .fetching(fetch)
        case .taken(let index):
            effects.append(.keep(reply.bytes, index: index))
            go(on: fetch, now, clock, &effects)
        case .falseChunk:
            effects.append(.punish(peer, .falseSnapshot))
            forget(peer)
            go(on: fetch, now, clock, &effects)
        case .falseSnapshot: refuse(fetch.vouchers, now, clock, &effects)
        }
    }

    private mutating func go(on fetch: SnapshotFetch, _ now: Instant, _ clock: BlockTime, _ effects: inout [Effect]) {
        var fetch = fetch
        switch fetch.proceed(at: now) {
        case .wait: stage = .fetching(fetch)
        case .ask(let peer, let name):
            stage = .fetching(fetch)
            effects.append(.ask(peer, .wantsChunk(name)))
        case .complete:
            stage = .installing
            effects.append(.install(fetch.snapshot))
        case .deserted:
            failure = .unconfirmed(
                "nobody sends chunk \(fetch.reader.next) of the snapshot at height \(fetch.snapshot.head.height)")
            tryNext(now, clock, &effects)
        }
    }
}
