public import Primitives

/// A delegate over many heights: ``Rounds`` for one after the other, when to begin, and whether it may sign at all.
///
/// Who only follows (a light station) runs the same code without an identity.
public struct Agreement: Sendable {
    /// What a height starts from; the caller makes it when the block before is durably applied.
    public struct Turn: Sendable {
        public var height: UInt64
        /// Of the block before.
        public var parentTime: BlockTime
        public var rotation: ProposerRotation

        public init(height: UInt64, parentTime: BlockTime, rotation: ProposerRotation) {
            (self.height, self.parentTime, self.rotation) = (height, parentTime, rotation)
        }
    }

    /// What this board knows of itself when it starts.
    public struct Past: Sendable {
        /// The last state that was persisted.
        public var signing: SigningState?
        /// Whether that surely is the last one. A board restored from a copy has signed more than its disk says: it signs nothing
        /// until a block is final that was made after it started, and then from the next height on. Nobody could have asked its
        /// earlier self for a vote there.
        public var isWhole: Bool

        public init(signing: SigningState?, isWhole: Bool) { (self.signing, self.isWhole) = (signing, isWhole) }
    }

    public enum Event: Sendable {
        case begin(Turn)
        /// There is something to put into a block.
        case work
        case waited(height: UInt64, isIdle: Bool)
        /// The wall clock is to be believed from now on.
        case clockSet
        case rounds(Rounds.Event)
    }

    public enum Action: Hashable, Sendable {
        /// Answer `waited` then.
        case wait(height: UInt64, isIdle: Bool, Nanoseconds)
        case rounds(Rounds.Action)
    }

    /// Clocks of two boards differ by less, also that of the one that was copied.
    static let clockMargin: UInt64 = 10_000

    public let chainID: Bytes32
    public let identity: PublicKey?
    public let timing: ConsensusTiming
    public private(set) var rounds: Rounds?
    package var flaws: Set<Rounds.Flaw> = []
    private var memory: SigningState
    private var past: Past
    /// What the height at hand started from.
    private var turn: Turn?
    /// Signs nothing before a block of a later time is final.
    private var silentUntil: BlockTime?
    /// It signs once its clock is set, or has reached the chain's beginning.
    private var waitsForClock = false
    private var isRunning = false
    private var hasWork = false
    private var intervalIsOver = false

    public init(chainID: Bytes32, identity: PublicKey?, timing: ConsensusTiming, past: Past) {
        (self.chainID, self.identity, self.timing, self.past) = (chainID, identity, timing, past)
        memory = past.signing ?? SigningState(chainID: chainID, height: 0)
    }

    public var height: UInt64 { rounds?.height ?? 0 }

    /// False while the disk may be a copy, and what was signed is not all known. To be kept on disk: another restart does not end it.
    public var isWhole: Bool { past.isWhole && silentUntil == nil }

    /// Who proposes in that round of this height; nil while there is none, or the round is too far ahead to be heard.
    public mutating func proposer(of round: UInt32) -> PublicKey? {
        guard let current = rounds?.round, round <= current.saturatingAdd(Rounds.roundsAhead) else { return nil }
        return rounds?.proposer(of: round)
    }

    /// Whether a lock, a valid block or an own proposal names this block.
    public func isBound(to block: BlockID) -> Bool {
        memory.locked?.block == block || memory.valid?.block == block || memory.proposal?.block == block
    }

    /// Why this board does not sign, in words; nil while it does.
    public private(set) var silence: String? = "no height has begun"

    /// - Parameter clock: the board's wall clock, nil while it is not to be believed.
    public mutating func handle(_ event: Event, clock: BlockTime?) -> [Action] {
        if case .begin(let turn) = event { return begin(turn, clock: clock) }
        return joinWhenClockIsSet(clock) + take(event)
    }

    private mutating func take(_ event: Event) -> [Action] {
        switch event {
        case .begin, .clockSet: return []
        case .work:
            hasWork = true
            return intervalIsOver ? start() : []
        case .waited(let height, let isIdle):
            guard height == self.height else { return [] }
            intervalIsOver = true
            return isIdle || hasWork ? start() : []
        case .rounds(let event):
            // A timer of a height that is done begins nothing.
            guard rounds != nil, event.height.map({ $0 == height }) ?? true else { return [] }
            // Somebody has begun: a proposal is there, or votes.
            return start() + perform { $0.handle(event) }
        }
    }

    /// Boards that boot without a clock all get one within the height: none would ever be final if they waited for the next.
    private mutating func joinWhenClockIsSet(_ clock: BlockTime?) -> [Action] {
        guard waitsForClock, let turn, clock != nil else { return [] }
        silence = silence(at: turn, clock: clock)
        guard silence == nil, let identity else { return [] }
        guard isRunning else {
            open(turn)
            return []
        }
        return perform { $0.join(as: identity) }
    }

    private mutating func begin(_ turn: Turn, clock: BlockTime?) -> [Action] {
        self.turn = turn
        silence = silence(at: turn, clock: clock)
        open(turn)
        (isRunning, hasWork, intervalIsOver) = (false, false, false)
        if memory.height == turn.height { return start() }  // it had begun before the restart
        return [
            .wait(height: turn.height, isIdle: false, timing.blockInterval),
            .wait(height: turn.height, isIdle: true, timing.idleInterval),
        ]
    }

    private mutating func open(_ turn: Turn) {
        var next = Rounds(
            chainID: chainID, height: turn.height, rotation: turn.rotation, identity: silence == nil ? identity : nil,
            timing: timing, restored: memory)
        next.flaws = flaws
        rounds = next
    }

    private mutating func silence(at turn: Turn, clock: BlockTime?) -> String? {
        guard let identity else { return "it has no delegate's key" }
        waitsForClock = clock == nil
        guard let clock else { return "its clock is not set; connect it to a time server" }
        if turn.height == 1, clock < turn.parentTime {
            waitsForClock = true
            return "the chain begins in \((turn.parentTime - clock + 999) / 1_000) s, or its clock is behind"
        }
        if !past.isWhole {
            past.isWhole = true
            silentUntil = clock + Self.clockMargin
        }
        if let until = silentUntil {
            guard turn.parentTime > until else {
                return "its disk may be a copy: it signs again after a block made later than its start is final"
            }
            silentUntil = nil
        }
        guard turn.height >= memory.height else {
            return "it has signed at height \(memory.height) and has to get there again"
        }
        return turn.rotation.set.index(of: identity) == nil ? "it is not elected" : nil
    }

    private mutating func start() -> [Action] {
        guard !isRunning else { return [] }
        isRunning = true
        return perform { $0.start() }
    }

    private mutating func perform(_ body: (inout Rounds) -> [Rounds.Action]) -> [Action] {
        guard rounds != nil else { return [] }
        let actions = body(&rounds!)
        for case .persist(let state) in actions { memory = state }
        return actions.map(Action.rounds)
    }
}
