import Charging
public import Consensus
public import Ledger
public import Node
public import Primitives

/// A ledger with many accounts and assets that has come about as a real one does, block by block; and the keys of those who use it, which
/// are the same in every process.
public struct LargeLedger {
    /// A block that is final, as a node hands it to its storage.
    public typealias FinalBlock = (certified: CertifiedBlock, outcome: BlockOutcome, root: Bytes32)

    public static let delegateCount = 21
    public static let senderCount = 1_000
    /// From one block to the next.
    private let interval: BlockTime

    public let genesis: Genesis
    public let delegates = (0..<delegateCount).map { key("delegate", $0) }
    public private(set) var state: LedgerState
    public private(set) var lastCommit: Commit?
    private let senders = (0..<senderCount).map { key("sender", $0) }
    private let sessionKeys = (0..<senderCount).map { key("session", $0) }
    private var sequences = Array(repeating: UInt64(0), count: senderCount)
    private var channels: [ChannelID] = []
    /// Accounts that are only paid, by number.
    private var payees = 0
    private var time: BlockTime

    /// - Parameters:
    ///   - begin: the time of the first block's parent, in milliseconds since 1970.
    ///   - interval: from one block to the next, in milliseconds.
    public init(begin: BlockTime = 1_800_000_000_000, interval: BlockTime = 2_000) throws {
        self.interval = interval
        let stake = QLC(units: 1_000_000 * QLC.unitsPerQLC)
        let left = QLC.supply.units - UInt64(Self.delegateCount) * stake.units
        let each = left / UInt64(Self.senderCount)
        let rest = left - each * UInt64(Self.senderCount)
        genesis = Genesis(
            name: "bench", time: begin,
            allocations: senders.enumerated().map { .init($1.publicKey, QLC(units: each + ($0 == 0 ? rest : 0))) },
            delegates: delegates.map { .init($0.publicKey, stake: stake) })
        time = genesis.time
        state = try genesis.state()
    }

    /// Until there are so many, in blocks of a thousand; `each` gets every block.
    public mutating func grow(accounts: Int, assets: Int, _ each: (FinalBlock) async throws -> Void = { _ in }) async throws {
        while payees + Self.senderCount < accounts {
            let first = payees
            try await each(try add(signed { .transfer(Transfer(to: Self.payee(first + $0), amount: QLC(units: 1_000))) }))
            payees += Self.senderCount
        }
        var facts = AssetFacts()
        (facts.geohash, facts.ssid, facts.endpoint) = ("u4pruydqqvj8", Array("qlink-station".utf8), "192.0.2.1:2050")
        for _ in 0..<assets / Self.senderCount {
            try await each(try add(signed { _ in .registerAsset(RegisterAsset(facts)) }))
        }
    }

    /// So many blocks of one transfer each, each from another sender to another account.
    public mutating func trade(blocks: Int, _ each: (FinalBlock) async throws -> Void) async throws {
        for number in 0..<blocks {
            let transfer = Transfer(to: Self.payee(number % 10_007), amount: QLC(units: 1_000))
            try await each(try add([signed(by: number % Self.senderCount, .transfer(transfer))]))
        }
    }

    /// One channel of each sender with one of a hundred payees.
    public mutating func openChannels() throws {
        channels = zip(senders, sequences).map { OpenChannel.id(of: $0.publicKey, $1) }
        let (sessionKeys, expiry) = (sessionKeys, time + 86_400_000)
        let openings = signed { index in
            .openChannel(
                OpenChannel(
                    payee: Self.payee(index % 100), sessionKey: sessionKeys[index].publicKey,
                    deposit: QLC(units: 1_000_000_000), expiry: expiry, disputeWindow: 3_600_000))
        }
        try add(openings)
    }

    // MARK: Transactions

    /// One transfer of each sender, to accounts all over the state.
    public mutating func transfers() -> [CheckedTransaction] {
        let (payees, turn) = (payees, Int(sequences[0]))
        return signed { index in
            .transfer(Transfer(to: Self.payee((index * 97 + turn * 31) % payees), amount: QLC(units: 1_000)))
        }
    }

    /// The `number`th voucher of every channel, `count` in a transaction.
    public mutating func settlements(_ number: UInt64, atOnce count: Int) -> [CheckedTransaction] {
        stride(from: 0, to: channels.count, by: count).enumerated().map { sender, start in
            let vouchers = (start..<min(start + count, channels.count)).map { index in
                let voucher = Voucher(
                    chainID: state.chainID, channel: channels[index], cumulativeAmount: QLC(units: number * 1_000),
                    cumulativeBytes: number, sequence: number)
                return PresentedVoucher(Signed(voucher, by: sessionKeys[index]), by: sessionKeys[index].publicKey)
            }
            return signed(by: sender, .settleChannels(SettleChannels(vouchers)))
        }
    }

    private mutating func signed(_ payload: (Int) -> Payload) -> [CheckedTransaction] {
        senders.indices.map { signed(by: $0, payload($0)) }
    }

    private mutating func signed(by sender: Int, _ payload: Payload) -> CheckedTransaction {
        defer { sequences[sender] += 1 }
        return CheckedTransaction(
            signing: Transaction(
                chainID: state.chainID, sender: senders[sender].publicKey, sequence: sequences[sender],
                fee: QLC(units: 5_000_000), validUntil: time + 86_400_000, payload: payload), by: senders[sender])
    }

    // MARK: Blocks

    public mutating func block(of transactions: [CheckedTransaction]) -> Block {
        time += interval
        var block = Block()
        block.header = state.header(proposer: state.rotation.proposer, at: time)
        (block.lastCommit, block.transactions) = (lastCommit, transactions.map(\.bytes))
        block.seal()
        return block
    }

    /// All that a node does with a block that it hears of; then `certify` it.
    public mutating func apply(_ block: Block) throws -> BlockOutcome {
        let checked = try CheckedTransaction.check(block.transactions[...], on: state.chainID).get()
        return try apply(block, checked)
    }

    /// The delegates' signatures, without which there is no next block.
    @discardableResult public mutating func certify(_ block: Block) -> Commit {
        let vote = Vote(chainID: state.chainID, height: block.header.height, round: 0, step: .precommit, block: block.header.id)
        let commit = Commit(of: vote, from: delegates.map { Verified(signing: vote, by: $0) }, in: state.epoch.current)
        lastCommit = commit
        return commit
    }

    /// A block of one's own transactions, which need no checking.
    @discardableResult private mutating func add(_ transactions: [CheckedTransaction]) throws -> FinalBlock {
        let block = block(of: transactions)
        let outcome = try apply(block, transactions)
        return (CertifiedBlock(block, certify(block)), outcome, state.root)
    }

    private mutating func apply(_ block: Block, _ checked: [CheckedTransaction]) throws -> BlockOutcome {
        let outcome = try state.execute(block, checked, knownCommit: lastCommit)
        precondition(outcome.receipts.allSatisfy { $0.refusal == nil }, "the benchmark's transactions are refused")
        state.apply(outcome)
        return outcome
    }

    private static func key(_ name: String, _ number: Int) -> PrivateKey {
        PrivateKey(seed: TaggedHash.digest(tag: "bench/\(name)", Array("\(number)".utf8)).bytes)!
    }

    /// A key that nobody can sign for.
    private static func payee(_ number: Int) -> PublicKey {
        PublicKey(raw: TaggedHash.digest(tag: "bench/payee", Array("\(number)".utf8)))
    }
}
