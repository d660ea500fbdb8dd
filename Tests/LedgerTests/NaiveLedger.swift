import Charging
import Consensus
import Ledger
import Primitives

/// A second ledger, written from chain.md: dictionaries, wide integers, every staker gone through, no tree and no undo: a transaction
/// works on a copy of all. Slow and plain, so that it can be believed.
struct NaiveLedger {
    typealias Amount = UInt128

    struct Staker {
        var shares: Amount = 0
        /// Earned and not fetched, in 2⁻⁴⁰ units.
        var unfetched: Amount = 0
    }

    struct Standing {
        var status = DelegateRecord.Status.standing
        var commission: Amount
        var stake: Amount = 0
        var stakers: [PublicKey: Staker] = [:]
        var shares: Amount { stakers.values.reduce(0) { $0 + $1.shares } }

        func worth(_ shares: Amount) -> Amount { self.shares == 0 ? 0 : stake * shares / self.shares }
    }

    struct Returning: Hashable {
        var staker: PublicKey
        var delegate: PublicKey
        var amount: Amount
        var at: BlockTime
    }

    struct Grant {
        var to: PublicKey
        var total: Amount
        var paid: Amount = 0
        var start: BlockTime
        var end: BlockTime
    }

    struct Deposit {
        var payer: PublicKey
        var terms: OpenChannel
        var deposit: Amount
        var expiry: BlockTime
        var paid: Amount = 0
        var bytes: UInt64 = 0
        var sequence: UInt64 = 0
        var closing: BlockTime?

        var end: BlockTime { Swift.min(closing ?? .max, expiry) + terms.disputeWindow }
    }

    struct Equipment {
        var owner: PublicKey
        /// What was ever said of it, and from which height on it holds.
        var said: [(from: UInt64, facts: AssetFacts)]
        var isRetired = false
        var usages: [CommitUsage] = []

        func facts(at height: UInt64) -> AssetFacts { said.last { $0.from <= height }!.facts }
    }

    struct Motion {
        var supporters: Set<PublicKey>
        var until: BlockTime
    }

    var chainID: Bytes32
    var height: UInt64 = 0
    var time: BlockTime
    var balances: [PublicKey: Amount] = [:]
    var sequences: [PublicKey: UInt64] = [:]
    var standing: [PublicKey: Standing] = [:]
    var returning: [Returning] = []
    var grants: [Grant] = []
    var channels: [ChannelID: Deposit] = [:]
    var assets: [AssetID: Equipment] = [:]
    var contents: [Bytes32: PublicKey] = [:]
    var tariffs: [[UInt8]: PublicKey] = [:]
    var parameters: [Parameters.Name: UInt64] = [:]
    var motions: [ParameterVote: Motion] = [:]
    var (fees, rewards, locked) = (Amount(0), Amount(0), Amount(0))

    var epoch: UInt64 = 0
    var epochStart: (height: UInt64, time: BlockTime)
    /// The delegates of each epoch, by its number, with their power.
    var sets: [[PublicKey: Amount]]
    var missed: [PublicKey: UInt64] = [:]

    init(_ genesis: Genesis) {
        (chainID, time, epochStart) = (genesis.chainID, genesis.time, (1, genesis.time))
        for name in Parameters.Name.allCases { parameters[name] = genesis.parameters[name] }
        for allocation in genesis.allocations { balances[allocation.key] = Amount(allocation.amount.units) }
        for part in genesis.vesting {
            grants.append(Grant(to: part.key, total: Amount(part.amount.units), start: part.start, end: part.end))
        }
        for first in genesis.delegates {
            let stake = Amount(first.stake.units)
            standing[first.key] = Standing(
                commission: Amount(first.commission), stake: stake, stakers: [first.key: Staker(shares: stake)])
        }
        sets = []
        let first = Self.elect(genesis.delegates.map { ($0.key, Amount($0.stake.units)) }, seats: genesis.parameters[.seats])!
        sets = [first, first]
    }

    subscript(name: Parameters.Name) -> UInt64 { parameters[name]! }
    var set: [PublicKey: Amount] { sets[Int(epoch)] }

    /// What every QLC is in: the supply.
    var total: Amount {
        var parts = [fees, rewards, locked]
        parts += balances.values
        parts += standing.values.map(\.stake)
        parts += returning.map(\.amount)
        parts += grants.map { $0.total - $0.paid }
        parts += channels.values.map { $0.deposit - $0.paid }
        return parts.reduce(0, +)
    }

    mutating func pay(_ amount: Amount, to key: PublicKey) { balances[key, default: 0] += amount }

    mutating func take(_ amount: Amount, from key: PublicKey) throws(Refusal) {
        guard let balance = balances[key], balance >= amount else {
            guard amount == 0 else { throw .balanceTooLow }
            return
        }
        balances[key] = balance - amount
    }
}

/// Blocks and transactions.
extension NaiveLedger {
    struct Prediction {
        var included: [CheckedTransaction] = []
        var refusals: [Refusal?] = []
        var accused: [PublicKey] = []
    }

    /// A block at `time` of what the pool has, after a commit without `absent`.
    mutating func block(
        at wanted: BlockTime, pool: [CheckedTransaction], evidence: [DoubleVote], absent: Set<PublicKey>, proposer: PublicKey
    ) -> Prediction {
        (height, time) = (height + 1, max(wanted, time + 1))
        // The parent's commit counts in its own epoch only.
        if height > epochStart.height { for key in absent where set[key] != nil { missed[key, default: 0] += 1 } }
        var prediction = Prediction()
        for proof in evidence {
            var attempt = self
            guard (try? attempt.punish(proof.voter, for: proposer)) != nil else { continue }
            self = attempt
            prediction.accused.append(proof.voter)
        }
        var paid: Amount = 0
        var room = (bytes: self[.blockBytes], ordinary: self[.blockBytes] / 100 * (100 - self[.urgentPercent]))
        var count = (all: self[.blockTransactions], ordinary: self[.blockTransactions])
        count.ordinary -= count.all * self[.urgentPercent] / 100
        for checked in pool {
            let size = UInt64(checked.bytes.count)
            let isUrgent = checked.transaction.payload.kind.isUrgent
            guard count.all > 0, size <= room.bytes, isUrgent || (count.ordinary > 0 && size <= room.ordinary) else { continue }
            guard let refusal = run(checked.transaction, size: size) else { continue }
            (room.bytes, count.all) = (room.bytes - size, count.all - 1)
            if !isUrgent { (room.ordinary, count.ordinary) = (room.ordinary - size, count.ordinary - 1) }
            paid += Amount(checked.transaction.fee.units)
            prediction.included.append(checked)
            prediction.refusals.append(refusal)
        }
        fees += paid
        if height - epochStart.height + 1 >= self[.epochBlocks] || time >= epochStart.time + self[.epochTime] { endEpoch() }
        return prediction
    }

    /// nil: it may not stand in a block.
    private mutating func run(_ transaction: Transaction, size: UInt64) -> Refusal?? {
        let sender = transaction.sender
        let balance = balances[sender] ?? 0
        guard transaction.chainID == chainID, transaction.sequence == sequences[sender] ?? 0, transaction.validUntil >= time,
            Amount(transaction.fee.units) >= leastFee(transaction.payload.kind, size), balance >= Amount(transaction.fee.units)
        else { return nil }
        balances[sender] = balance - Amount(transaction.fee.units)
        sequences[sender, default: 0] += 1
        var attempt = self
        do throws(Refusal) { try attempt.perform(transaction.payload, sender, transaction.sequence) } catch {
            return .some(error)
        }
        self = attempt
        return .some(nil)
    }

    /// Base, bytes, and what stays in everybody's memory.
    private func leastFee(_ kind: Payload.Kind, _ size: UInt64) -> Amount {
        let records: [Payload.Kind: UInt64] = [
            .registerAsset: 4, .publishTariff: 4, .openChannel: 1, .stake: 1, .unstake: 1, .registerDelegate: 1,
            .registerContent: 1, .vote: 1,
        ]
        return Amount(self[.feeBase] + self[.feePerByte] * size + self[.feePerRecord] * (records[kind] ?? 0))
    }

    private mutating func perform(_ payload: Payload, _ sender: PublicKey, _ sequence: UInt64) throws(Refusal) {
        switch payload {
        case .transfer(let transfer):
            guard transfer.amount > .zero else { throw .amountIsZero }
            try take(Amount(transfer.amount.units), from: sender)
            pay(Amount(transfer.amount.units), to: transfer.to)
        case .stake(let stake): try self.stake(stake, sender)
        case .unstake(let unstake): try self.unstake(unstake, sender)
        case .registerDelegate(let registration): try register(registration, sender)
        case .reportEvidence(let proof): try punish(proof.voter, for: sender)
        case .vote(let vote): try self.vote(vote, sender)
        case .openChannel(let terms): try open(terms, sender, sequence)
        case .topUpChannel(let topUp): try self.topUp(topUp, sender)
        case .settleChannels(let settlement): for voucher in settlement.vouchers { try settle(voucher) }
        case .closeChannel(let close): try self.close(close, sender)
        case .raiseVoucher(let raise): try settle(raise.voucher)
        default: try registerOrUpdate(payload, sender, sequence)
        }
    }
}
