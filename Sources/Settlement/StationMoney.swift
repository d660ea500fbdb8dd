import Chain
public import Charging
import Consensus
import Ledger
public import Primitives

/// What the station has on the chain, at one moment of it.
public struct StationMoney: Hashable, Sendable {
    /// So many settlements with one voucher are paid from what is kept back: more than a hundred days of a small station, or one that
    /// has to outbid whoever crowds the chain to hold it back.
    public static let settlementsKept: UInt64 = 100

    public var height: UInt64
    /// Of the block at `height`, in milliseconds.
    public var time: UInt64
    public var balance: QLC
    /// Staked, at what it is worth now.
    public var staked = QLC.zero
    /// Earned by the stake and not fetched.
    public var rewards = QLC.zero
    public var unbonding = QLC.zero
    /// Held as vouchers, and not in the balance yet.
    public var unsettled = QLC.zero
    /// By orders that are open, with their fees.
    public var promised = QLC.zero
    /// The least for one payment.
    public var paymentFee: QLC
    /// The least for staking, or for taking stake back, once.
    public var stakeFee: QLC
    /// The least for one settlement.
    public var settlementFee: QLC

    /// What a payment leaves in the account unless its owner says otherwise.
    public var reserve: QLC {
        QLC(units: UInt64(clamping: UInt128(settlementFee.units) * UInt128(Self.settlementsKept)))
    }
}

/// A channel that holds more than is settled.
public struct DueChannel: Hashable, Sendable {
    public var channel: ChannelID
    public var unsettled: QLC
    /// Paid by the chain before.
    public var settled: QLC
    public var isDemanded: Bool
    /// Whether a settlement brings more than it costs.
    public var paysFee: Bool
}

extension Settler {
    public func money() async -> StationMoney {
        let held = await held()
        let (key, orders) = (key.publicKey, desk.all)
        return await chain.read { now in
            let view = LedgerView(now, key, held, nil)
            let payment = view.fee(for: .transfer(Transfer(to: key, amount: .zero)), by: key)
            let stake = view.fee(for: .stake(Stake(with: key, amount: .zero)), by: key)
            var money = StationMoney(
                height: view.height, time: view.time, balance: view.balance, paymentFee: payment, stakeFee: stake,
                settlementFee: view.fees.one)
            for voucher in held {
                guard let record = view.records[voucher.channel], voucher.brings(to: record), view.time < record.releasedAt
                else { continue }
                money.unsettled += voucher.voucher.claim.cumulativeAmount - record.settled
            }
            for order in orders { money.promised += order.amount + (order.delegate == nil ? payment : stake) }
            let standing = StationStake(of: key, on: now.state)
            for holding in standing.holdings {
                money.staked += holding.staked
                money.rewards += holding.rewards
            }
            for entry in standing.returning { money.unbonding += entry.amount }
            return money
        }
    }

    /// What can be settled, with most to bring first.
    public func due() async -> [DueChannel] {
        let held = await held()
        let (key, demanded) = (key.publicKey, demanded)
        return await chain.read { now in
            let view = LedgerView(now, key, held, nil)
            let gains = held.compactMap { voucher -> (channel: ChannelID, gain: QLC, settled: QLC)? in
                guard let record = view.records[voucher.channel], voucher.brings(to: record), view.time < record.releasedAt
                else { return nil }
                return (voucher.channel, voucher.voucher.claim.cumulativeAmount - record.settled, record.settled)
            }.sorted { ($1.gain, $0.channel) < ($0.gain, $1.channel) }
            // One pays for the transaction, the others for their places in it.
            let hasCarrier = gains.contains { $0.gain > view.fees.one }
            return gains.map {
                DueChannel(
                    channel: $0.channel, unsettled: $0.gain, settled: $0.settled, isDemanded: demanded.contains($0.channel),
                    paysFee: hasCarrier && $0.gain > view.fees.more)
            }
        }
    }
}
