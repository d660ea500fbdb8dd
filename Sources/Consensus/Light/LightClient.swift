public import Primitives

/// Somebody who can be asked for blocks.
public struct LightPeer: Hashable, Sendable {
    public var key: PublicKey
    /// Whatever its neighbours share and others do not, so that one hand does not hold them all: say, the first 16 bits of an IPv4 address.
    public var network: UInt64

    public init(key: PublicKey, network: UInt64) { (self.key, self.network) = (key, network) }
}

/// The newest header of the chain, for a board that has not followed it: verified through one peer, confirmed by others.
///
/// ```
///  checkpoint ─▶ trusted ── primary: target, bisect ──▶ trace ── witnesses ──▶ verified
///                   ▲          │ lies, is silent           │  says otherwise
///                   └──────────┘ the next peer             └▶ examine ──▶ fork, or the witness lied
/// ```
///
/// One question is open at a time, so an answer always finds what it is for. Trust comes from the checkpoint and the delegates' signatures
/// alone; the witnesses are there for the day on which a third of the power is not honest.
public struct LightClient: Sendable {
    public enum Target: Hashable, Sendable {
        case newest
        case height(UInt64)
    }

    public enum Answer: Hashable, Sendable {
        case block(LightBlock)
        /// The peer has no such height.
        case none
        /// It did not answer in time, or what it sent was no block.
        case silence
    }

    public enum Event: Hashable, Sendable {
        case joined(LightPeer)
        case left(PublicKey)
        /// Passed over while another one is under way.
        case update(Target)
        /// What a peer said when it was asked for this height, nil for its newest; passed over if it was not.
        case answered(PublicKey, height: UInt64?, Answer)
    }

    public enum Action: Hashable, Sendable {
        /// nil: the newest that it has. Always answered, by `silence` if need be.
        case ask(PublicKey, height: UInt64?)
        /// To be kept: what an update may start from after a restart.
        case keep(LightBlock)
        case forget(height: UInt64)
        /// The update's result.
        case verified(LightBlock)
        /// The update came to nothing: try again when other peers are there, or a little later.
        case failed(ConsensusError)
        /// The peer lied: it is asked no more.
        case drop(PublicKey, ConsensusError)
        /// Two certified chains. Send the evidence to everybody; this client says no more.
        case fork(ConsensusError, [LightAttackEvidence])
    }

    /// Peers that are known at a time; who comes later is passed over.
    public static let peerLimit = 16
    /// Trusted blocks that are kept; the lowest go first. Half a megabyte with the largest sets.
    public static let trustedLimit = 64
    /// Questions of one update, whatever the answers: the longest trace there can be, once more for a witness, and some to spare for who
    /// lies or is silent on the way.
    public static let questionLimit = 2_048
    /// Witnesses of other networks than the primary's and each other's that have to have the same header.
    public static let witnessesNeeded = 2

    public let verifier: LightVerifier
    public let checkpoint: Checkpoint?
    /// By height.
    public private(set) var trusted: [LightBlock]
    /// In the order in which they are asked: the first is the primary.
    public private(set) var peers: [LightPeer] = []
    /// Why this client stopped for good. To be kept by the caller: a client that starts over knows nothing of it.
    public private(set) var fork: ConsensusError?
    var job: Job?

    /// - Parameter trusted: what was kept, in any order; believed as it is.
    public init(verifier: LightVerifier, trusted: [LightBlock] = [], checkpoint: Checkpoint?) {
        (self.verifier, self.checkpoint) = (verifier, checkpoint)
        self.trusted = Array(trusted.sorted { $0.height < $1.height }.suffix(Self.trustedLimit))
    }

    /// - Parameter now: the board's wall clock; nothing is verified by one that is not set.
    public mutating func handle(_ event: Event, now: BlockTime) -> [Action] {
        var actions: [Action] = []
        guard fork == nil else { return [] }
        switch event {
        case .joined(let peer):
            guard peers.count < Self.peerLimit, !peers.contains(where: { $0.key == peer.key }) else { break }
            peers.append(peer)
        case .left(let key):
            peers.removeAll { $0.key == key }
            guard let question = job?.question, question.peer.key == key else { break }
            take(.silence, to: question, now, &actions)
        case .update(let target):
            guard job == nil else { break }
            job = Job(target: target)
            begin(now, &actions)
        case .answered(let key, let height, let answer):
            guard let question = job?.question, question.peer.key == key, question.height == height else { break }
            take(answer, to: question, now, &actions)
        }
        return actions
    }

    // MARK: One update

    struct Job: Sendable {
        struct Question: Hashable, Sendable {
            let peer: LightPeer
            let height: UInt64?
        }

        enum Stage: Sendable {
            case checkpoint(Checkpoint)
            /// The base is where verification will start.
            case target(base: LightBlock)
            case forward(LightBisection)
            /// Below a block that is trusted, down to a height.
            case backward(LightBlock, to: UInt64)
            case confirming(Confirmation)
            /// nil: the primary itself contradicts what was trusted.
            case examining(LightExamination, during: Confirmation?)
            /// The same from the other side: only to find out what the witness's chain proves against its signers.
            case returning(LightExamination, against: LightAttackEvidence, Parting)
        }

        typealias Parting = LightExamination.Parting

        let target: Target
        var stage: Stage?
        var question: Question?
        var questions = 0
        /// Who was of no use this time.
        var useless: Set<PublicKey> = []
    }

    mutating func ask(_ peer: LightPeer, _ height: UInt64?, for stage: Job.Stage, _ actions: inout [Action]) {
        guard let questions = job?.questions, questions < Self.questionLimit else {
            return fail(.unconfirmed("it takes more than \(Self.questionLimit) questions"), &actions)
        }
        job?.questions += 1
        job?.stage = stage
        job?.question = Job.Question(peer: peer, height: height)
        actions.append(.ask(peer.key, height: height))
    }

    mutating func fail(_ error: ConsensusError, _ actions: inout [Action]) {
        job = nil
        actions.append(.failed(error))
    }

    mutating func succeed(with block: LightBlock, _ actions: inout [Action]) {
        job = nil
        actions.append(.verified(block))
    }

    mutating func stop(_ error: ConsensusError, _ evidence: [LightAttackEvidence], _ actions: inout [Action]) {
        (job, fork) = (nil, error)
        actions.append(.fork(error, evidence))
    }

    /// Takes in what is verified and confirmed.
    mutating func trust(_ blocks: [LightBlock], _ actions: inout [Action]) {
        for block in blocks where !trusted.contains(where: { $0.height == block.height }) {
            trusted.insert(block, at: trusted.firstIndex { $0.height > block.height } ?? trusted.endIndex)
            actions.append(.keep(block))
        }
        while trusted.count > Self.trustedLimit { actions.append(.forget(height: trusted.removeFirst().height)) }
    }

    /// Puts a peer behind the others: the next update asks somebody else first.
    mutating func putLast(_ peer: LightPeer) {
        guard let index = peers.firstIndex(of: peer) else { return }
        peers.append(peers.remove(at: index))
    }

    /// Takes a peer that is of no use out of this update, and one that lied out for good.
    mutating func pass(over peer: LightPeer, for error: ConsensusError, _ actions: inout [Action]) {
        job?.useless.insert(peer.key)
        guard error.isLie else { return putLast(peer) }
        guard let index = peers.firstIndex(of: peer) else { return }
        peers.remove(at: index)
        actions.append(.drop(peer.key, error))
    }
}

extension ConsensusError {
    /// Whether only a liar gives cause for it: a silent peer, a limit and this board's own clock do too for the others.
    fileprivate var isLie: Bool {
        switch self {
        case .unconfirmed, .fromTheFuture, .trustExpired: false
        default: true
        }
    }
}
