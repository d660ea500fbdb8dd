import Charging
public import Consensus
public import Primitives

/// A registered asset, and the change that waits for its confirmations.
public struct Asset: Hashable, Sendable, Canonical {
    public var owner: PublicKey
    public var registeredAt: UInt64
    private var facts: AssetFacts
    private var boxed: Pending?
    /// The height at which the pending facts hold: fixed when they come, so that a vote on confirmations turns nothing back.
    private var pendingUntil: UInt64 = 0
    public private(set) var isRetired = false

    /// As large as what holds, and seldom there: apart, so that it takes room only then.
    private indirect enum Pending: Hashable, Sendable {
        case facts(AssetFacts)
    }

    private var pending: AssetFacts? {
        get { if case .facts(let facts)? = boxed { facts } else { nil } }
        set { boxed = newValue.map(Pending.facts) }
    }

    init(_ facts: AssetFacts, of owner: PublicKey, at height: UInt64) {
        (self.facts, self.owner, registeredAt) = (facts, owner, height)
    }

    public init() { self.init(AssetFacts(), of: PublicKey(), at: 0) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&owner)
        try coder.integer(&registeredAt)
        try coder.nested(&facts)
        try coder.optional(&pending)
        try coder.integer(&pendingUntil)
        try coder.bool(&isRetired)
    }

    /// What holds at `height`.
    public func facts(at height: UInt64) -> AssetFacts {
        guard let pending, height >= pendingUntil else { return facts }
        return pending
    }

    mutating func update(to next: AssetFacts, at height: UInt64, confirmations: UInt64) {
        facts = facts(at: height)
        (pending, pendingUntil) = (next, height.saturatingAdd(confirmations))
    }

    /// What held last stays to be read; what was still pending is void.
    mutating func retire(at height: UInt64) { (facts, pending, pendingUntil, isRetired) = (facts(at: height), nil, 0, true) }
}

/// A tariff that somebody published, in its canonical form.
public struct PublishedTariff: Hashable, Sendable, Canonical {
    public var publisher: PublicKey
    public var bytes: [UInt8]

    public init(_ bytes: [UInt8], by publisher: PublicKey) { (self.bytes, self.publisher) = (bytes, publisher) }
    public init() { self.init([], by: PublicKey()) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&publisher)
        try coder.bytes(&bytes, limit: PublishTariff.limit)
    }
}

/// A deposit, and what was paid of it.
public struct ChannelRecord: Hashable, Sendable, Canonical {
    public var payer: PublicKey
    public var terms: OpenChannel
    public var deposit: QLC
    public var expiry: BlockTime
    /// Of the last voucher.
    public var settled = QLC.zero
    public var settledBytes: UInt64 = 0
    public var sequence: UInt64 = 0
    /// When the payer closed it.
    public var closingSince: BlockTime?

    init(_ terms: OpenChannel, by payer: PublicKey) {
        (self.terms, self.payer, deposit, expiry) = (terms, payer, terms.deposit, terms.expiry)
    }

    public init() { self.init(OpenChannel(), by: PublicKey()) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&payer)
        try coder.nested(&terms)
        try coder.nested(&deposit)
        try coder.integer(&expiry)
        try coder.nested(&settled)
        try coder.integer(&settledBytes)
        try coder.integer(&sequence)
        var isClosing = closingSince != nil
        try coder.bool(&isClosing)
        if isClosing {
            var since = closingSince ?? 0
            try coder.integer(&since)
            closingSince = since
        } else {
            closingSince = nil
        }
    }

    public var left: QLC { deposit - settled }

    /// When the payer may take the rest: a window after its close, or after the expiry.
    public var releasedAt: BlockTime {
        min(closingSince ?? .max, expiry).saturatingAdd(terms.disputeWindow)
    }
}

/// Whose content a hash is.
public struct Content: Hashable, Sendable, Canonical {
    public var owner: PublicKey
    public var size: UInt64
    public var registeredAt: UInt64

    public init(of owner: PublicKey, size: UInt64, at height: UInt64) {
        (self.owner, self.size, registeredAt) = (owner, size, height)
    }

    public init() { self.init(of: PublicKey(), size: 0, at: 0) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&owner)
        try coder.integer(&size)
        try coder.integer(&registeredAt)
    }
}

/// The usage commitments of an asset: the last ones by themselves, all of them in one chained hash.
public struct UsageCommitments: Hashable, Sendable, Canonical {
    public struct Commitment: Hashable, Sendable, Canonical {
        public var height: UInt64 = 0
        public var usageRoot = Bytes32.zero
        /// RFC 6962, over the sealed visits.
        public var visitRoot = Bytes32.zero
        public var records: UInt32 = 0

        public init() {}
        public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
            try coder.integer(&height)
            try coder.nested(&usageRoot)
            try coder.nested(&visitRoot)
            try coder.integer(&records)
        }
    }

    public private(set) var count: UInt64 = 0
    public private(set) var history = Bytes32.zero
    public private(set) var latest: [Commitment] = []

    public init() {}
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&count)
        try coder.nested(&history)
        try coder.array(&latest, limit: Int(Parameters.Name.usageKept.range.upperBound))
    }

    mutating func add(_ commitment: Commitment, keeping limit: Int) {
        count += 1
        history = TaggedHash.digest(tag: "qlink/usage-history", history.bytes + commitment.canonicalBytes)
        latest = latest.suffix(max(0, limit - 1)) + [commitment]
    }
}
