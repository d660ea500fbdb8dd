import Charging
import Consensus
import Crypto
import Lab
import Ledger
import Primitives

/// How much of applying a block is more than checking its signatures: state, tree and receipts of a large ledger.
struct LedgerFigures {
    var rounds: Int
    var say: (String) -> Void

    private static let accounts = 100_000
    private static let assets = 10_000
    private static let senders = 1_000
    private static let vouchersAtOnce = 62

    /// One block: what it takes, and what its signatures alone take, in nanoseconds of one processor.
    private struct Round {
        var applied: Double
        var raw: Double
        var signatures: Int
    }

    func measure() throws -> [Figure] {
        say("ledger: \(Self.accounts) accounts, \(Self.assets) assets")
        var world = try LedgerWorld(accounts: Self.accounts, assets: Self.assets, senders: Self.senders)
        var transfers: [Round] = []
        var settlements: [Round] = []
        for number in 0...rounds {
            transfers.append(try round(&world) { $0.transfers() })
            settlements.append(try round(&world) { $0.settlements(of: UInt64(number + 1), atOnce: Self.vouchersAtOnce) })
        }
        return figures(Array(transfers.dropFirst()), Array(settlements.dropFirst()))
    }

    private func round(_ world: inout LedgerWorld, _ make: (inout LedgerWorld) -> [[UInt8]]) throws -> Round {
        let transactions = make(&world)
        let block = try world.block(of: transactions)
        let signatures = try RawSignature.all(in: transactions)
        return try ProcessorTime.pinned { time in
            let half = signatures.count / 2
            let before = time.spent { signatures[..<half].forEach { $0.check() } }
            let applied = try time.spent { try world.apply(block) }
            let after = time.spent { signatures[half...].forEach { $0.check() } }
            return Round(applied: applied, raw: before + after, signatures: signatures.count)
        }
    }

    private func figures(_ transfers: [Round], _ settlements: [Round]) -> [Figure] {
        let raw = transfers.map { $0.raw / Double($0.signatures) / 1e3 }.quantile(0.5)
        let reference = "Ed25519 verify of swift-crypto: \(raw.short) µs"
        return [
            Figure(
                "ledger_apply_ratio", "Transfers, applied", unit: "ratio", goal: .atLeast(0.85), reference: reference,
                rounds: transfers.map { $0.raw / $0.applied },
                note:
                    "1,000 a block on \(Self.accounts) accounts; signatures, state, root and receipts; processor time of one core"
            ),
            Figure(
                "ledger_settle_ratio", "Vouchers, settled", unit: "ratio", goal: .atLeast(0.85), reference: reference,
                rounds: settlements.map { $0.raw / $0.applied }, note: "\(Self.vouchersAtOnce) a transaction"),
            Figure(
                "block_1000_tx_ms", "A block of 1,000 transfers", unit: "ms", goal: .atMost(150), reference: "one core",
                rounds: transfers.map { $0.applied / 1e6 }),
        ]
    }
}

/// One signature with everything prepared: what the library alone takes.
private struct RawSignature {
    var key: Curve25519.Signing.PublicKey
    var signature: [UInt8]
    var message: [UInt8]

    func check() { precondition(key.isValidSignature(signature, for: message), "a signature of the benchmark is false") }

    static func all(in transactions: [[UInt8]]) throws -> [RawSignature] {
        try transactions.flatMap { bytes in
            let signed = try Signed<Transaction>(canonicalBytes: bytes)
            var all = [try RawSignature(signed, by: signed.claim.sender)]
            if case .settleChannels(let settlement) = signed.claim.payload {
                all += try settlement.vouchers.map { try RawSignature($0.voucher, by: $0.sessionKey) }
            }
            return all
        }
    }

    private init(_ signed: Signed<some Signable>, by signer: PublicKey) throws {
        key = try Curve25519.Signing.PublicKey(rawRepresentation: signer.raw.bytes)
        (signature, message) = (signed.signature.bytes, signed.claim.digest.bytes)
    }
}

/// A large ledger and those who use it.
private struct LedgerWorld {
    private let delegate = PrivateKey()
    private let senders: [PrivateKey]
    private let others: [PublicKey]
    private let sessionKeys: [PrivateKey]
    private var channels: [ChannelID] = []
    private var state: LedgerState
    private var lastCommit: Commit?
    private var sequences: [UInt64]
    private var time: BlockTime = 1_800_000_000_000

    init(accounts: Int, assets: Int, senders count: Int) throws {
        senders = (0..<count).map { _ in PrivateKey() }
        sessionKeys = senders.map { _ in PrivateKey() }
        // Accounts that are only paid need no key that can sign.
        others = (count..<accounts).map { PublicKey(raw: TaggedHash.digest(tag: "bench", Array("\($0)".utf8))) }
        sequences = Array(repeating: 0, count: count)
        let stake = QLC(units: 10_000_000 * QLC.unitsPerQLC)
        let keys = senders.map(\.publicKey) + others
        let each = (QLC.supply.units - stake.units) / UInt64(keys.count)
        let rest = QLC.supply.units - stake.units - each * UInt64(keys.count)
        let genesis = Genesis(
            name: "bench", time: time,
            allocations: keys.enumerated().map { .init($1, QLC(units: each + ($0 == 0 ? rest : 0))) },
            delegates: [.init(delegate.publicKey, stake: stake)])
        state = try genesis.state()
        try register(assets)
        try openChannels()
    }

    private mutating func register(_ assets: Int) throws {
        var facts = AssetFacts()
        (facts.geohash, facts.ssid, facts.endpoint) = ("u4pruydqqvj8", Array("qlink-station".utf8), "192.0.2.1:2050")
        for start in stride(from: 0, to: assets, by: 1_000) {
            _ = start
            try apply(block(of: all { _, _ in .registerAsset(RegisterAsset(facts)) }))
        }
    }

    private mutating func openChannels() throws {
        channels = zip(senders, sequences).map { OpenChannel.id(of: $0.publicKey, $1) }
        let (keys, payees, expiry) = (sessionKeys, others, time + 86_400_000)
        try apply(
            block(
                of: all { index, _ in
                    .openChannel(
                        OpenChannel(
                            payee: payees[index % 100], sessionKey: keys[index].publicKey, deposit: QLC(units: 1_000_000_000),
                            expiry: expiry, disputeWindow: 3_600_000))
                }))
    }

    /// One transaction of each sender.
    private mutating func all(_ payload: (Int, UInt64) -> Payload) -> [[UInt8]] {
        senders.indices.map { transaction(of: $0, payload($0, sequences[$0])) }
    }

    private mutating func transaction(of index: Int, _ payload: Payload) -> [UInt8] {
        defer { sequences[index] += 1 }
        return CheckedTransaction(
            signing: Transaction(
                chainID: state.chainID, sender: senders[index].publicKey, sequence: sequences[index],
                fee: QLC(units: 5_000_000), validUntil: time + 86_400_000, payload: payload), by: senders[index]
        ).bytes
    }

    mutating func transfers() -> [[UInt8]] {
        let (others, turn) = (others, sequences[0])
        return all { index, _ in
            .transfer(Transfer(to: others[(index * 97 + Int(turn) * 31) % others.count], amount: QLC(units: 1_000)))
        }
    }

    mutating func settlements(of sequence: UInt64, atOnce count: Int) -> [[UInt8]] {
        stride(from: 0, to: channels.count, by: count).enumerated().map { sender, start in
            let vouchers = (start..<min(start + count, channels.count)).map { index in
                let voucher = Voucher(
                    chainID: state.chainID, channel: channels[index], cumulativeAmount: QLC(units: sequence * 1_000),
                    cumulativeBytes: sequence, sequence: sequence)
                return PresentedVoucher(Signed(voucher, by: sessionKeys[index]), by: sessionKeys[index].publicKey)
            }
            return transaction(of: sender, .settleChannels(SettleChannels(vouchers)))
        }
    }

    mutating func block(of transactions: [[UInt8]]) throws -> Block {
        time += 2_000
        var block = Block()
        block.header = state.header(proposer: delegate.publicKey, at: time)
        (block.lastCommit, block.transactions) = (lastCommit, transactions)
        block.seal()
        return block
    }

    /// All that a node does with a block that it hears of.
    mutating func apply(_ block: Block) throws {
        let checked = try CheckedTransaction.check(block.transactions[...], on: state.chainID).get()
        let outcome = try state.execute(block, checked, knownCommit: lastCommit)
        precondition(outcome.receipts.allSatisfy { $0.refusal == nil }, "the benchmark's transactions are refused")
        state.apply(outcome)
        let vote = Vote(chainID: state.chainID, height: block.header.height, round: 0, step: .precommit, block: block.header.id)
        lastCommit = Commit(of: vote, from: [Verified(signing: vote, by: delegate)], in: state.epoch.current)
    }
}
