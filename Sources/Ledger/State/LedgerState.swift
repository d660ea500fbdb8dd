public import Consensus
public import Primitives

/// The ledger after a block: all that the chain agrees upon, under one root. The same blocks give the same root on every station.
///
/// ```
///  block ─▶ execute (reads this, changes nothing) ─▶ outcome ─▶ apply ─▶ the next state, and its root
/// ```
public struct LedgerState: Sendable {
    /// The block that was applied last.
    public struct Head: Hashable, Sendable, Canonical {
        public var height: UInt64 = 0
        public var block = BlockID.zero
        public var time: BlockTime = 0
        /// Of that block's transactions.
        public var receiptsRoot = MerkleTree.root([])

        public init() {}
        public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
            try coder.integer(&height)
            try coder.nested(&block)
            try coder.integer(&time)
            try coder.nested(&receiptsRoot)
        }
    }

    public let chainID: Bytes32
    public private(set) var head: Head
    private var contents: StateContents
    /// At the next height.
    public private(set) var rotation: ProposerRotation

    /// The state that `entries` are, each key once, in any order.
    /// - Throws: `stateDamaged` if they cannot be a state, `supplyBroken` if they do not hold the supply.
    public init(chainID: Bytes32, head: Head, entries: some Sequence<(key: StateKey, entry: StateEntry)>) throws(LedgerError) {
        var loading = StateLoading(expecting: entries.underestimatedCount)
        for (key, entry) in entries { try loading.add(key, entry) }
        self = try loading.state(chainID: chainID, head: head)
    }

    /// The same of what `loading` has gathered.
    init(chainID: Bytes32, head: Head, _ contents: StateContents) throws(LedgerError) {
        guard case .epoch(let epoch)? = contents[.epoch], case .parameters(let parameters)? = contents[.parameters],
            case .funds? = contents[.funds],
            case .attendance(let attendance)? = contents[.attendance], attendance.missed.count == epoch.current.count,
            epoch.current.count > 0
        else { throw .stateDamaged("what every state has is missing") }
        guard head.height < .max, head.height + 1 >= epoch.startHeight,
            head.height + 1 - epoch.startHeight < parameters[.epochBlocks]
        else { throw .stateDamaged("height \(head.height) is not in its epoch") }
        (self.chainID, self.head, self.contents) = (chainID, head, contents)
        rotation = ProposerRotation(epoch.current).advanced(by: UInt32(clamping: head.height + 1 - epoch.startHeight))
    }

    /// Of header height + 1: what the delegates agree on one block later.
    public var root: Bytes32 { tree.root }

    public var tree: StateTree { contents.tree }

    public subscript(key: StateKey) -> StateEntry? { contents[key] }

    /// Hands over every entry, or those of a kind, one at a time, in no order.
    public func walk(_ kind: StateKey.Kind? = nil, _ body: (StateKey, StateEntry) throws -> Void) rethrows {
        try contents.entries.walk(kind, body)
    }

    /// Every entry, gathered: much memory where they are many.
    public var all: [StateKey: StateEntry] {
        var all: [StateKey: StateEntry] = [:]
        all.reserveCapacity(contents.entries.count)
        walk { all[$0] = $1 }
        return all
    }

    /// All keys of a kind, in no order: delegates, unbondings, vestings, assets or proposals; others are too many to be listed.
    public func keys(of kind: StateKey.Kind) -> Set<StateKey> { contents.listed[kind] ?? [] }

    /// Goes on to what a block came to. Only an outcome of this very state fits.
    public mutating func apply(_ outcome: BlockOutcome) {
        precondition(outcome.parent == head.block && outcome.head.height == head.height + 1, "an outcome of another state")
        for (key, entry) in outcome.changes { contents.set(key, to: entry) }
        contents.settle()
        head = outcome.head
        if epoch.startHeight == head.height + 1 { rotation = ProposerRotation(epoch.current) } else { rotation.advance() }
    }
}

extension LedgerState {
    public func account(_ key: PublicKey) -> Account {
        if case .account(let account)? = self[.account(key)] { account } else { Account() }
    }

    public func channel(_ id: Bytes32) -> ChannelRecord? {
        if case .channel(let channel)? = self[.channel(id)] { channel } else { nil }
    }

    public func asset(_ id: AssetID) -> Asset? {
        if case .asset(let asset)? = self[.asset(id)] { asset } else { nil }
    }

    public func delegate(_ key: PublicKey) -> DelegateRecord? {
        if case .delegate(let delegate)? = self[.delegate(key)] { delegate } else { nil }
    }

    public var epoch: Epoch {
        guard case .epoch(let epoch)? = self[.epoch] else { preconditionFailure("a state without an epoch was made") }
        return epoch
    }

    public var parameters: Parameters {
        guard case .parameters(let parameters)? = self[.parameters] else {
            preconditionFailure("a state without parameters was made")
        }
        return parameters
    }

    /// The whole supply, counted.
    public var supply: QLC {
        var found = QLC.zero
        walk { found += $1.amount }
        return found
    }
}
