import Chain
import Charging
import Consensus
import Ledger
import Logging
import Node
import Primitives
import Settlement
import SimulatedHAL
import Testing

/// A chain in memory with the real ledger and the real pool. Four delegates make its blocks when the test says so.
actor LedgerChain: SettlementChain {
    static let start: BlockTime = 1_800_000_000_000
    /// Who holds what, behind the four delegates.
    static let station = 4, payer = 5, other = 6

    nonisolated let genesis: Genesis
    nonisolated let keys: [PrivateKey]
    private(set) var state: LedgerState
    private var pool = Mempool()
    private var lastCommit: Commit?
    private var followers: [AsyncStream<ChainService.FinalBlock>.Continuation] = []
    private(set) var submitted: [CheckedTransaction] = []
    private(set) var receipts: [Receipt] = []
    private var blocks: [UInt64: CertifiedBlock] = [:]
    /// What is submitted gets lost.
    var isDeaf = false
    /// What is submitted is refused.
    var refusal: Mempool.Refusal?

    init(stationBalance: QLC? = nil) throws {
        var random = SplitMix64(seed: 6)
        keys = (0..<8).map { _ in PrivateKey(seed: random.bytes(32))! }
        let stake = QLC(units: 1_000_000 * QLC.unitsPerQLC)
        let rest = QLC.supply.units - 4 * stake.units
        var amounts = keys.map { _ in rest / 8 }
        if let stationBalance {
            amounts[0] += amounts[Self.station] - stationBalance.units
            amounts[Self.station] = stationBalance.units
        }
        genesis = Genesis(
            name: "devnet", time: Self.start,
            allocations: zip(keys, amounts).filter { $0.1 > 0 }.map { Genesis.Allocation($0.publicKey, QLC(units: $1)) },
            delegates: keys.prefix(4).map { Genesis.FirstDelegate($0.publicKey, stake: stake) })
        state = try genesis.state()
    }

    nonisolated var chainID: Bytes32 { genesis.chainID }
    nonisolated var station: PublicKey { keys[Self.station].publicKey }

    func read<Answer: Sendable>(_ body: @Sendable (ChainMoment) throws -> Answer) rethrows -> Answer {
        try body(
            ChainMoment(state: state, lastCommit: lastCommit, pool: pool, claimedHeight: state.head.height, silence: nil))
    }

    func submit(_ transaction: CheckedTransaction) throws {
        submitted.append(transaction)
        if let refusal { throw refusal }
        if !isDeaf { try pool.add(transaction, on: state) }
    }

    func finalBlocks(lagging limit: Int) -> AsyncStream<ChainService.FinalBlock> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ChainService.FinalBlock.self, bufferingPolicy: .bufferingNewest(limit))
        followers.append(continuation)
        return stream
    }

    func block(at height: UInt64) -> CertifiedBlock? { blocks[height] }

    // MARK: What a test does

    /// As a node does that came by a snapshot.
    func forgetBlocks() { blocks = [:] }

    func end() { for follower in followers { follower.finish() } }
    func turn(deaf: Bool) { isDeaf = deaf }
    func refuse(with refusal: Mempool.Refusal?) { self.refusal = refusal }
    /// As a restart of the node does.
    func forgetPool() { pool = Mempool() }
    func balance(_ person: Int) -> QLC { state.account(keys[person].publicKey).balance }
    func channel(_ id: ChannelID) -> ChannelRecord? { state.channel(id) }
    var time: BlockTime { state.head.time }

    func sign(_ payload: Payload, by person: Int, fee: UInt64 = 1_000_000) -> CheckedTransaction {
        let sender = keys[person].publicKey
        return CheckedTransaction(
            signing: Transaction(
                chainID: chainID, sender: sender, sequence: pool.nextSequence(of: sender, on: state), fee: QLC(units: fee),
                validUntil: .max, payload: payload), by: keys[person])
    }

    /// Offers, without a block yet.
    @discardableResult func offer(_ payload: Payload, by person: Int, fee: UInt64 = 1_000_000) throws -> CheckedTransaction {
        let checked = sign(payload, by: person, fee: fee)
        try pool.add(checked, on: state)
        return checked
    }

    /// A block of what waits.
    func makeBlock(after milliseconds: UInt64 = 2_000) throws {
        let (block, outcome) = try state.build(
            from: pool.ordered, lastCommit: lastCommit, proposer: state.rotation.proposer, at: state.head.time + milliseconds)
        let set = state.epoch.current
        state.apply(outcome)
        pool.advance(to: state)
        #expect(state.supply == .supply)
        let vote = Vote(chainID: chainID, height: block.header.height, round: 0, step: .precommit, block: block.header.id)
        let owners = Dictionary(uniqueKeysWithValues: keys.map { ($0.publicKey, $0) })
        let commit = Commit(of: vote, from: set.delegates.map { Verified(signing: vote, by: owners[$0.key]!) }, in: set)
        lastCommit = commit
        receipts += outcome.receipts
        blocks[block.header.height] = CertifiedBlock(block, commit)
        let final = ChainService.FinalBlock(certified: CertifiedBlock(block, commit), receipts: outcome.receipts)
        for follower in followers { follower.yield(final) }
    }

    /// One payload in a block.
    /// - Returns: why it was refused.
    @discardableResult func run(_ payload: Payload, by person: Int, after milliseconds: UInt64 = 2_000) throws -> Refusal? {
        let id = try offer(payload, by: person).id
        try makeBlock(after: milliseconds)
        return try #require(receipts.last { $0.transaction == id }, "it is in no block").refusal
    }

    func open(
        deposit: QLC, by person: Int = payer, to payee: Int = station, hours: UInt64 = 48, window: UInt64 = 3_600_000
    ) throws -> Channel {
        let sequence = state.account(keys[person].publicKey).sequence
        let terms = OpenChannel(
            payee: keys[payee].publicKey, sessionKey: keys[person].publicKey, deposit: deposit,
            expiry: state.head.time + hours * 3_600_000, disputeWindow: window)
        let refusal = try run(.openChannel(terms), by: person)
        #expect(refusal == nil)
        return Channel(
            id: OpenChannel.id(of: keys[person].publicKey, sequence), payer: keys[person].publicKey, payee: keys[payee].publicKey,
            sessionKey: keys[person].publicKey, deposit: deposit,
            openedAt: WallTime(secondsSince1970: Int64(state.head.time / 1_000)), chainID: chainID)
    }

    nonisolated func voucher(_ channel: Channel, _ amount: QLC, _ sequence: UInt64, by person: Int = payer) -> HeldVoucher {
        let voucher = Voucher(
            chainID: chainID, channel: channel.id, cumulativeAmount: amount, cumulativeBytes: sequence, sequence: sequence)
        return HeldVoucher(Signed(voucher, by: keys[person]), by: keys[person].publicKey)
    }
}

extension QLC {
    static func qlc(_ whole: UInt64) -> QLC { QLC(units: whole * unitsPerQLC) }
}

let quiet: Logger = {
    var logger = Logger(label: "settlement")
    logger.logLevel = .critical
    return logger
}()

/// The station's disk.
actor MemoryStore: SettlementStore {
    private(set) var memory = SettlementMemory()
    private(set) var writes = 0
    private var orders: [OwnerOrder.ID: OwnerOrder] = [:]
    private(set) var rewards: [UInt64: QLC] = [:]
    private var isFull = false

    func fill(_ isFull: Bool) { self.isFull = isFull }

    func recall() -> SettlementMemory { memory }

    func remember(_ changes: [SettlementChange]) throws(StorageError) {
        guard !isFull else { throw StorageError(.full, "the disk is full") }
        writes += 1
        for change in changes {
            switch change {
            case .sent(let transactions): memory.sent = transactions
            case .unsettled(let channel, let since): memory.unsettledSince[channel] = since
            case .order(let order):
                orders[order.id] = order
                memory.orders.removeAll { $0.id == order.id }
                if order.isOpen { memory.orders.append(order) }
            case .choice(let choice): memory.choice = choice
            case .rewards(let book, let came, let day):
                memory.rewards = book
                rewards[day, default: .zero] += came
            }
        }
    }

    func order(_ id: OwnerOrder.ID) -> OwnerOrder? { orders[id] }

    func rewards(on chainID: Bytes32, since day: UInt64) -> QLC {
        rewards.filter { $0.key >= day }.values.reduce(.zero) { $0 + $1 }
    }
}

/// The last vouchers that a station holds.
actor Purse {
    private var vouchers: [ChannelID: HeldVoucher] = [:]
    private(set) var listing: StationListing?

    func put(_ voucher: HeldVoucher) { vouchers[voucher.voucher.claim.channel] = voucher }
    func say(_ listing: StationListing?) { self.listing = listing }
    var all: [HeldVoucher] { vouchers.sorted { $0.key < $1.key }.map(\.value) }
}
