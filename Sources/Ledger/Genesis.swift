public import Consensus
public import Primitives

/// What a chain starts from. Its hash names the chain, so that one more digit makes another chain.
public struct Genesis: Hashable, Sendable, Canonical, Codable {
    public static let accountLimit = 100_000
    public static let delegateLimit = 1_000

    public struct Allocation: Hashable, Sendable, Canonical, Codable {
        public var key: PublicKey
        public var amount: QLC

        public init(_ key: PublicKey, _ amount: QLC) { (self.key, self.amount) = (key, amount) }
        public init() { self.init(PublicKey(), .zero) }
        public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
            try coder.nested(&key)
            try coder.nested(&amount)
        }
    }

    /// Paid out evenly between two times.
    public struct VestedAllocation: Hashable, Sendable, Canonical, Codable {
        public var key: PublicKey
        public var amount: QLC
        public var start: BlockTime
        public var end: BlockTime

        public init(_ key: PublicKey, _ amount: QLC, start: BlockTime, end: BlockTime) {
            (self.key, self.amount, self.start, self.end) = (key, amount, start, end)
        }

        public init() { self.init(PublicKey(), .zero, start: 0, end: 0) }
        public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
            try coder.nested(&key)
            try coder.nested(&amount)
            try coder.integer(&start)
            try coder.integer(&end)
        }
    }

    /// A delegate of the first epochs, staked by itself.
    public struct FirstDelegate: Hashable, Sendable, Canonical, Codable {
        public var key: PublicKey
        public var stake: QLC
        public var commission: UInt16

        public init(_ key: PublicKey, stake: QLC, commission: UInt16 = 1_000) {
            (self.key, self.stake, self.commission) = (key, stake, commission)
        }

        public init() { self.init(PublicKey(), stake: .zero) }
        public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
            try coder.nested(&key)
            try coder.nested(&stake)
            try coder.integer(&commission)
        }
    }

    /// What people call the chain: `mainnet`, `devnet`.
    public var name: String
    public var time: BlockTime
    public var parameters: Parameters
    public var allocations: [Allocation]
    public var vesting: [VestedAllocation]
    public var delegates: [FirstDelegate]

    public init(
        name: String, time: BlockTime, parameters: Parameters = Parameters(), allocations: [Allocation],
        vesting: [VestedAllocation] = [], delegates: [FirstDelegate]
    ) {
        (self.name, self.time, self.parameters) = (name, time, parameters)
        (self.allocations, self.vesting, self.delegates) = (allocations, vesting, delegates)
    }

    public init() { self.init(name: "", time: 0, allocations: [], delegates: []) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.text(&name, limit: 32)
        try coder.integer(&time)
        try coder.nested(&parameters)
        try coder.array(&allocations, limit: Self.accountLimit)
        try coder.array(&vesting, limit: Self.delegateLimit)
        try coder.array(&delegates, limit: Self.delegateLimit)
    }

    public var chainID: Bytes32 { TaggedHash.digest(tag: "qlink/genesis", canonicalBytes) }

    /// The state before the first block.
    /// - Throws: `genesisInvalid` if it is larger than it may be, keys stand twice or nobody can be elected, `supplyBroken` if it does
    ///   not hand out the whole supply.
    public func state() throws(LedgerError) -> LedgerState {
        // It comes from a file: what is outside its own limits is refused here, before it is hashed.
        do { _ = try encoded() } catch { throw .genesisInvalid("\(error)") }
        var entries: [StateKey: StateEntry] = [:]
        for allocation in allocations {
            let known = entries.updateValue(.account(Account(balance: allocation.amount)), forKey: .account(allocation.key))
            guard known == nil else { throw .genesisInvalid("\(allocation.key) stands twice among the allocations") }
        }
        for (index, part) in vesting.enumerated() {
            guard part.end > part.start else { throw .genesisInvalid("the vesting of \(part.key) ends before it starts") }
            let id = TaggedHash.digest(tag: "qlink/vesting", Mention(part.key, UInt64(index)).canonicalBytes)
            entries[StateKey(.vesting, id)] = .vesting(
                Vesting(to: part.key, total: part.amount, start: part.start, end: part.end))
        }
        for first in delegates {
            guard first.commission <= 10_000 else { throw .genesisInvalid("the commission of \(first.key) is above 10,000") }
            guard first.stake.units >= parameters[.minimumStake], entries[.delegate(first.key)] == nil else {
                throw .genesisInvalid("the delegate \(first.key) stands twice, or has less than the least stake")
            }
            var (record, delegation) = (
                DelegateRecord(first.key, commission: first.commission), Delegation(of: first.key, with: first.key)
            )
            (record.stake, record.shares, delegation.shares) = (first.stake, first.stake.units, first.stake.units)
            entries[.delegate(first.key)] = .delegate(record)
            entries[.delegation(of: first.key, with: first.key)] = .delegation(delegation)
        }
        try addSingles(to: &entries)
        var head = LedgerState.Head()
        head.time = time
        return try LedgerState(chainID: chainID, head: head, entries: entries.map { (key: $0.key, entry: $0.value) })
    }

    private func addSingles(to entries: inout [StateKey: StateEntry]) throws(LedgerError) {
        var epoch = Epoch()
        epoch.startTime = time
        do throws(ConsensusError) {
            epoch.current = try Election.elect(
                delegates.map { Candidate(key: $0.key, stake: $0.stake) }, seats: Int(parameters[.seats]))
        } catch { throw .genesisInvalid("\(error)") }
        (epoch.previous, epoch.next) = (epoch.current, epoch.current)
        var attendance = Attendance()
        attendance.missed = Array(repeating: 0, count: epoch.current.count)
        entries[.epoch] = .epoch(epoch)
        entries[.attendance] = .attendance(attendance)
        entries[.funds] = .funds(Funds())
        entries[.parameters] = .parameters(parameters)
    }
}

extension Parameters: Codable {
    /// By name, `fee_base`; what is not named keeps the value of chain.md.
    public init(from decoder: any Decoder) throws {
        self.init()
        for (name, value) in try decoder.singleValueContainer().decode([String: UInt64].self) {
            guard let known = Name.allCases.first(where: { $0.inWords == name }) else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: decoder.codingPath, debugDescription: "there is no parameter \"\(name)\""))
            }
            try set(known, to: value)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Dictionary(uniqueKeysWithValues: Name.allCases.map { ($0.inWords, self[$0]) }))
    }
}

extension Parameters.Name {
    /// As in a genesis file. Written here, as coders leave a dictionary's keys alone.
    fileprivate var inWords: String { "\(self)".inSnakeCase }
}
