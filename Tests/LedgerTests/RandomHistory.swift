import Charging
import Consensus
import Ledger
import Primitives
import SimulatedHAL

/// Transactions of every kind from one seed, about a third of them wrong in some way.
struct RandomHistory {
    var random: SplitMix64
    var chain: Chain
    private var sessions: [ChannelID: (terms: OpenChannel, payer: Int, sequence: UInt64, amount: UInt64)] = [:]
    private var opened: [ChannelID] = []
    private var assets: [(id: AssetID, owner: Int)] = []
    private var contents: [Bytes32] = []
    private var tariffs: [[UInt8]] = []
    private var fresh: [PublicKey: UInt64] = [:]
    private var old: [CheckedTransaction] = []
    private let lazy: PublicKey

    init(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let delegates = random.number(4...6)
        let stakes = (0..<delegates).map { _ in UInt64(random.number(1_000...3_000_000)) }
        var settings: [Parameters.Name: UInt64] = [
            .epochBlocks: UInt64(random.number(2...6)), .epochTime: random.pick([60_000, 1_200_000, 7_200_000]),
            .unbondingTime: Chain.hour, .seats: UInt64(random.number(4...6)), .assetConfirmations: UInt64(random.number(0...6)),
            .missedPercent: UInt64(random.pick([10, 50, 100])), .usageKept: UInt64(random.number(1...4)),
            .disputeWindowLeast: UInt64(random.pick([1_000, 60_000])),
            .minimumStake: random.pick([1, 100_000_000, 100_000_000_000]),
            .doubleVotePermyriad: UInt64(random.pick([500, 3_333, 10_000])),
        ]
        if random.chance(1, in: 4) { settings[.blockTransactions] = UInt64(random.number(2...5)) }
        chain = try Chain(
            people: random.number(2...6), stakes: stakes, commission: UInt16(random.number(0...10_000)), seed: random.next(),
            settings, vesting: [(delegates, UInt64(random.number(1...120_000_000))), (delegates + 1, 777)])
        lazy = random.pick(chain.genesis.delegates).key
        self.random = random
    }

    mutating func step() -> UInt64 { random.pick([500, 3_000, 60_000, 300_000, 1_500_000]) }

    /// Who is missing from the parent's commit: now and then anybody, and one mostly.
    mutating func absent() -> Set<PublicKey> {
        let set = chain.state.epoch.set(at: chain.state.head.height).delegates.map(\.key)
        return Set(set.filter { random.chance($0 == lazy ? 60 : 5, in: 100) })
    }

    mutating func evidence() throws -> [DoubleVote] {
        try (0..<(random.chance(3, in: 100) ? random.number(1...2) : 0)).map { _ in
            try chain.doubleVote(of: person(), height: random.next() % 50)
        }
    }

    mutating func pool() throws -> [CheckedTransaction] {
        fresh = [:]
        var pool = try (0..<random.number(0...7)).map { _ in try transaction() }
        if random.chance(1, in: 15) { pool += campaign() }
        if random.chance(1, in: 6), let again = old.randomElement(using: &random) { pool.append(again) }
        old = old.suffix(8) + pool
        return pool
    }

    private mutating func person() -> Int { random.number(0...chain.keys.count - 1) }

    private mutating func transaction() throws -> CheckedTransaction {
        let (sender, payload) = try payload()
        let name = chain.names[sender]
        var sequence = fresh[name] ?? chain.state.account(name).sequence
        fresh[name] = sequence + 1
        remember(payload, by: sender, sequence)
        let wrong = random.number(0...59)
        if wrong == 0 { sequence += 1 }
        return chain.sign(
            payload, by: sender, fee: wrong == 1 ? QLC(units: 5) : wrong == 2 ? .supply : nil,
            validUntil: wrong == 3 ? chain.state.head.time : .max, sequence: sequence, chainID: wrong == 4 ? .zero : nil)
    }

    /// What it brings about if all goes well; later transactions build upon it.
    private mutating func remember(_ payload: Payload, by sender: Int, _ sequence: UInt64) {
        switch payload {
        case .openChannel(let terms):
            opened.append(NaiveLedger.channelID(chain.names[sender], sequence))
            sessions[opened.last!] = (terms, sender, 0, 0)
        case .registerAsset(let registration):
            assets.append((NaiveLedger.assetID(registration.facts, chain.names[sender], sequence), sender))
        case .registerContent(let registration): contents.append(registration.hash)
        case .publishTariff(let publication): tariffs.append(publication.tariff)
        default: break
        }
    }

    /// Small and large amounts, more than there is, and none.
    private mutating func amount() -> QLC {
        switch random.number(0...9) {
        case 0: .zero
        case 1: QLC(units: random.next())
        case 2: QLC(units: random.next() % 1_000)
        default: QLC(units: random.next() % (200_000 * QLC.unitsPerQLC))
        }
    }

    private mutating func payload() throws -> (Int, Payload) {
        let sender = person()
        let other = chain.names[person()]
        let delegate = random.chance(9, in: 10) ? random.pick(chain.genesis.delegates).key : other
        switch random.number(0...20) {
        case 0, 1: return (sender, .transfer(Transfer(to: random.chance(1, in: 9) ? PublicKey() : other, amount: amount())))
        case 2, 3: return (sender, .stake(Stake(with: delegate, amount: amount())))
        case 4, 5:
            return (sender, .unstake(Unstake(from: delegate, amount: random.chance(1, in: 3) ? QLC(units: .max) : amount())))
        case 6: return (sender, .registerDelegate(RegisterDelegate(commission: UInt16(random.number(0...10_000)))))
        case 7:
            guard random.chance(1, in: 8) else { return try votePayload(sender) }
            return (sender, .reportEvidence(try chain.doubleVote(of: person())))
        case 8: return try votePayload(sender)
        case 9: return (sender, .registerAsset(RegisterAsset(facts())))
        case 10, 11: return assetPayload(sender)
        case 12:
            let known = random.chance(1, in: 3) ? tariffs.randomElement(using: &random) : nil
            return (sender, .publishTariff(PublishTariff(known ?? random.bytes(12))))
        case 13:
            let known = random.chance(1, in: 3) ? contents.randomElement(using: &random) : nil
            return (sender, .registerContent(RegisterContent(hash: known ?? Bytes32(random.bytes(32))!, size: random.next())))
        case 14, 15: return (sender, .openChannel(terms(to: other)))
        default: return channelPayload(sender)
        }
    }

    private mutating func votePayload(_ sender: Int) throws -> (Int, Payload) {
        let elected = chain.state.epoch.current.delegates.map(\.key)
        let voter = random.chance(8, in: 10) ? chain.names.firstIndex(of: random.pick(elected))! : sender
        return (voter, .vote(change()))
    }

    private mutating func change() -> ParameterVote {
        let (name, value) = random.pick([
            (Parameters.Name.assetConfirmations, UInt64(3)), (.feeBase, 20_000), (.feeBase, 30_000), (.seats, 4),
            (.epochBlocks, 1), (.doubleVotePermyriad, 800),
        ])
        return ParameterVote(name, value: value)
    }

    /// Most of the elected vote for one change in one block.
    private mutating func campaign() -> [CheckedTransaction] {
        let change = change()
        let voters = chain.state.epoch.current.delegates.filter { _ in random.chance(9, in: 10) }
        return voters.map { voter in
            let sequence = fresh[voter.key] ?? chain.state.account(voter.key).sequence
            fresh[voter.key] = sequence + 1
            return chain.sign(.vote(change), by: chain.names.firstIndex(of: voter.key)!, sequence: sequence)
        }
    }

    private mutating func facts() -> AssetFacts {
        var facts = AssetFacts()
        (facts.geohash, facts.bssid, facts.ssid) = ("u0nd", random.next() >> 16, random.bytes(6))
        return facts
    }

    private mutating func assetPayload(_ sender: Int) -> (Int, Payload) {
        guard let asset = assets.randomElement(using: &random) else { return (sender, .registerAsset(RegisterAsset(facts()))) }
        let owner = random.chance(4, in: 5) ? asset.owner : sender
        let id = random.chance(9, in: 10) ? asset.id : .zero
        switch random.number(0...5) {
        case 0: return (owner, .retireAsset(RetireAsset(id)))
        case 1, 2:
            let visits = [SealedVisit(random.bytes(8))]
            return (
                owner, .commitUsage(CommitUsage(asset: id, usageRoot: Bytes32(random.bytes(32))!, records: 1, visits: visits))
            )
        default: return (owner, .updateAsset(UpdateAsset(id, to: facts())))
        }
    }

    private mutating func terms(to payee: PublicKey) -> OpenChannel {
        let time = chain.state.head.time
        let asset = random.chance(1, in: 3) ? assets.randomElement(using: &random) : nil
        let owner = asset.map { chain.names[$0.owner] }
        return OpenChannel(
            payee: random.chance(4, in: 5) ? owner ?? payee : payee, sessionKey: chain.names[person()], asset: asset?.id,
            deposit: amount(),
            expiry: random.chance(1, in: 12) ? time : time + UInt64(random.pick([600_000, 3_600_000, 90_000_000])),
            disputeWindow: UInt64(random.pick([60_000, 600_000, 600_000, 500])))
    }

    private mutating func channelPayload(_ sender: Int) -> (Int, Payload) {
        guard let id = opened.suffix(5).randomElement(using: &random), let session = sessions[id] else {
            return (sender, .openChannel(terms(to: chain.names[person()])))
        }
        let payee = chain.names.firstIndex(of: session.terms.payee)!
        switch random.number(0...7) {
        case 0:
            let later = random.chance(1, in: 2) ? chain.state.head.time + Chain.hour : 0
            let payer = random.chance(4, in: 5) ? session.payer : sender
            return (payer, .topUpChannel(TopUpChannel(random.chance(9, in: 10) ? id : .zero, by: amount(), expiry: later)))
        case 1: return (session.payer, .closeChannel(CloseChannel(id, voucher: random.chance(1, in: 3) ? voucher(id) : nil)))
        case 2: return (payee, .closeChannel(CloseChannel(id, voucher: random.chance(2, in: 3) ? voucher(id) : nil)))
        case 3: return (sender, .closeChannel(CloseChannel(id)))
        case 4: return (sender, .raiseVoucher(RaiseVoucher(voucher(id))))
        default:
            let others = opened.suffix(12).filter { $0 != id && random.chance(1, in: 4) }.prefix(3)
            // Each channel once: of two vouchers of no channel one is enough.
            let vouchers = Dictionary(([id] + others).map { voucher($0) }.map { ($0.voucher.claim.channel, $0) }) { $1 }
            return (payee, .settleChannels(SettleChannels(Array(vouchers.values))))
        }
    }

    /// Mostly a later voucher within the deposit; else one that is stale, too high, of nobody's channel, or by another key.
    private mutating func voucher(_ id: ChannelID) -> PresentedVoucher {
        var session = sessions[id]!
        let deposit = session.terms.deposit.units
        let isGood = random.chance(3, in: 4)
        if isGood {
            session.sequence += 1
            session.amount += deposit > session.amount ? random.next() % (deposit - session.amount + 1) / 2 : 0
            sessions[id] = session
        }
        let wrong = isGood ? 0 : random.number(1...5)
        let claim = Voucher(
            chainID: chain.state.chainID, channel: wrong == 1 ? .zero : id,
            cumulativeAmount: QLC(units: wrong == 2 ? deposit.saturatingAdd(1) : session.amount),
            cumulativeBytes: session.amount / 7, sequence: wrong == 3 ? session.sequence : session.sequence + (isGood ? 0 : 1))
        let signer = wrong > 3 ? chain.names[person()] : session.terms.sessionKey
        return PresentedVoucher(Signed(claim, by: chain.key(of: signer)), by: signer)
    }
}
