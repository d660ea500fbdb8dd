public import Primitives

/// The rounds in which delegates agree on one block for one height: Algorithm 1 of "The latest gossip on BFT consensus"
/// (arXiv:1807.04938), by its lines. Pure: events in, actions out; the caller performs the actions in their order.
///
/// ```
///            proposal                 2/3 prevoted v: lock v            2/3 precommitted v
///  propose ───────────▶ prevote ──────────────────────────▶ precommit ─────────────────────▶ decided
///     └── timeout: nil ─────┘ └── 2/3 nil, or timeout: nil ──────┘ └── timeout: next round
/// ```
public struct Rounds: Sendable {
    public enum Step: UInt8, Comparable, Sendable {
        case propose, prevote, precommit
        public static func < (left: Step, right: Step) -> Bool { left.rawValue < right.rawValue }
    }

    public struct Timeout: Hashable, Sendable {
        public var height: UInt64
        public var round: UInt32
        public var step: Step

        public init(height: UInt64, round: UInt32, step: Step) { (self.height, self.round, self.step) = (height, round, step) }
    }

    public enum Event: Sendable {
        /// A proposal and what became of its block when it was checked. Valid is said of the block alone, whoever proposes it. Timely is
        /// a block that came neither too early nor too late, from the one who made it.
        case proposal(Verified<Proposal>, isValid: Bool, isTimely: Bool)
        case vote(Verified<Vote>)
        case timeout(Timeout)
        /// The block that `build` asked for.
        case built(BlockID, round: UInt32)

        /// The height that it is about; nil: the one at hand.
        var height: UInt64? {
            switch self {
            case .proposal(let proposal, _, _): proposal.value.height
            case .vote(let vote): vote.value.height
            case .timeout(let timeout): timeout.height
            case .built: nil
            }
        }
    }

    public enum Action: Hashable, Sendable {
        /// On disk, fsynced, before any later action.
        case persist(SigningState)
        /// Sign it, send it to everybody, and hand it back as an event.
        case signVote(Vote)
        case signProposal(Proposal)
        /// Make a block of what is waiting, and answer `built`.
        case build(round: UInt32)
        case schedule(Timeout, after: Nanoseconds)
        case decide(Commit)
        case accuse(DoubleVote)
    }

    /// A rule taken out, for simulations that must notice.
    package enum Flaw: Hashable, Sendable { case withoutLock }

    /// Of rounds ahead, so many of one delegate's are kept: enough to find a third in one of them.
    static let roundsAhead = 8

    public let chainID: Bytes32
    public let height: UInt64
    public let set: DelegateSet
    /// Who signs here; nil only follows.
    public private(set) var identity: PublicKey?
    let timing: ConsensusTiming
    package var flaws: Set<Flaw> = []

    public private(set) var round: UInt32 = 0
    public private(set) var step = Step.propose
    public internal(set) var decision: Commit?
    /// Bound by this; `locked` and `valid` are the algorithm's.
    public internal(set) var signing: SigningState
    var log = RoundLog()
    private var rotation: ProposerRotation
    private var proposers: [PublicKey] = []

    /// Starts at round 0, or where `restored` left off when it is of this height.
    public init(
        chainID: Bytes32, height: UInt64, rotation: ProposerRotation, identity: PublicKey?, timing: ConsensusTiming,
        restored: SigningState? = nil
    ) {
        (self.chainID, self.height, self.identity, self.timing) = (chainID, height, identity, timing)
        (set, self.rotation) = (rotation.set, rotation)
        signing = SigningState(chainID: chainID, height: height)
        if let restored, restored.chainID == chainID, restored.height == height {
            signing = restored
            log.restore(restored, in: set)
        }
        round = signing.round
    }

    /// The first actions. After a restart what was signed is signed once more: it may never have left.
    public mutating func start() -> [Action] {
        var actions: [Action] = []
        guard signing.prevote != nil || signing.precommit != nil else {
            if let proposal = signing.proposal { actions.append(.signProposal(proposal)) }
            enter(signing.round, &actions, buildsAgain: signing.proposal == nil)
            return actions
        }
        step = signing.precommit == nil ? .prevote : .precommit
        if let proposal = signing.proposal { actions.append(.signProposal(proposal)) }
        if let prevote = signing.prevote { actions.append(.signVote(prevote)) }
        if let precommit = signing.precommit { actions.append(.signVote(precommit)) }
        return actions
    }

    /// Signs from here on. A step that it went through in silence is answered with nothing, or nobody might ever get out of it.
    mutating func join(as identity: PublicKey) -> [Action] {
        self.identity = identity
        var actions: [Action] = []
        guard decision == nil else { return actions }
        switch step {
        case .propose: proposeIfItIsMyTurn(&actions)
        case .prevote: vote(.prevote, for: nil, &actions)
        case .precommit:
            vote(.prevote, for: nil, &actions)
            vote(.precommit, for: nil, &actions)
        }
        while applyRules(&actions) {}
        return actions
    }

    public mutating func handle(_ event: Event) -> [Action] {
        var actions: [Action] = []
        switch event {
        case .proposal(let proposal, let isValid, let isTimely): take(proposal, isValid: isValid, isTimely: isTimely)
        case .vote(let vote): take(vote, &actions)
        case .timeout(let timeout): expire(timeout, &actions)
        case .built(let block, let round):
            guard round == self.round, step == .propose, proposer(of: round) == identity else { break }
            propose(block, validRound: nil, &actions)
        }
        while decision == nil, applyRules(&actions) {}
        return actions
    }

    public mutating func proposer(of round: UInt32) -> PublicKey {
        while proposers.count <= Int(round) {
            if !proposers.isEmpty { rotation.advance() }
            proposers.append(rotation.proposer)
        }
        return proposers[Int(round)]
    }

    // MARK: What comes in

    /// Whether this is news that is kept. What is not need not be checked or passed on: so much of one delegate's goes through the
    /// network, and no more, however much it signs.
    public func wants(_ proposal: Proposal) -> Bool {
        proposal.chainID == chainID && proposal.height == height && proposal.round <= round.saturatingAdd(Self.roundsAhead)
            && log.wants(proposal)
    }

    /// The same of a vote. Far ahead it has to be later than what would be forgotten for it, or two votes could drive each other out.
    public func wants(_ vote: Vote, of voter: PublicKey) -> Bool {
        guard vote.chainID == chainID, vote.height == height, let index = set.index(of: voter), log.wants(vote, from: index)
        else { return false }
        guard vote.round > round.saturatingAdd(1) else { return true }
        let lowest = log.lowest(of: index, besides: vote.round, ahead: round, limit: Self.roundsAhead)
        return lowest.map { vote.round > $0 } ?? true
    }

    private mutating func take(_ proposal: Verified<Proposal>, isValid: Bool, isTimely: Bool) {
        let value = proposal.value
        guard value.chainID == chainID, value.height == height, value.round <= round.saturatingAdd(Self.roundsAhead),
            proposer(of: value.round) == proposal.signer
        else { return }
        log.add(proposal, isValid: isValid, isTimely: isTimely)
    }

    private mutating func take(_ vote: Verified<Vote>, _ actions: inout [Action]) {
        guard vote.value.chainID == chainID, vote.value.height == height, let index = set.index(of: vote.signer) else { return }
        let weight = set.delegates[index].power
        if vote.value.round > round.saturatingAdd(1) {
            log.makeRoom(for: index, weighing: weight, ahead: vote.value.round, of: round, limit: Self.roundsAhead)
        }
        if case .added(let other?) = log.add(vote, from: index, weighing: weight), let proof = try? DoubleVote(other, vote) {
            actions.append(.accuse(proof))  // two votes for one step differ, so they always make a proof
        }
    }

    /// Lines 57 to 67; guarded by height, round and step.
    private mutating func expire(_ timeout: Timeout, _ actions: inout [Action]) {
        guard timeout.height == height, timeout.round == round, decision == nil else { return }
        switch timeout.step {
        case .propose where step == .propose: vote(.prevote, for: nil, &actions)
        case .prevote where step == .prevote: vote(.precommit, for: nil, &actions)
        case .precommit: enter(round + 1, &actions)
        default: break
        }
    }

    // MARK: What goes out

    /// Lines 11 to 21.
    mutating func enter(_ next: UInt32, _ actions: inout [Action], buildsAgain: Bool = true) {
        (round, step) = (next, .propose)
        actions.append(.schedule(Timeout(height: height, round: round, step: .propose), after: timing.propose(round)))
        if buildsAgain { proposeIfItIsMyTurn(&actions) }
    }

    private mutating func proposeIfItIsMyTurn(_ actions: inout [Action]) {
        guard identity == proposer(of: round) else { return }
        if let valid = signing.valid {
            propose(valid.block, validRound: valid.round, &actions)
        } else {
            actions.append(.build(round: round))
        }
    }

    private mutating func propose(_ block: BlockID, validRound: UInt32?, _ actions: inout [Action]) {
        let proposal = Proposal(chainID: chainID, height: height, round: round, validRound: validRound, block: block)
        // Refused means: another one is signed for this round already.
        guard (try? signing.record(proposal)) != nil else { return }
        persist(&actions)
        actions.append(.signProposal(proposal))
    }

    /// Votes and goes on to the next step; who only follows goes on in silence.
    mutating func vote(_ kind: Vote.Step, for block: BlockID?, _ actions: inout [Action]) {
        step = kind == .prevote ? .prevote : .precommit
        guard let identity, set.index(of: identity) != nil else { return }
        let vote = Vote(chainID: chainID, height: height, round: round, step: kind, block: block)
        // Refused means: something else is signed for this step already.
        guard (try? signing.record(vote)) != nil else { return }
        persist(&actions)
        actions.append(.signVote(vote))
    }

    private mutating func persist(_ actions: inout [Action]) {
        signing.proof = log.grounds(of: signing.round, valid: signing.valid, in: set).map(\.ballot)
        actions.append(.persist(signing))
    }
}

extension UInt32 {
    func saturatingAdd(_ other: Int) -> UInt32 { UInt32(clamping: Int(self) + other) }
}
