import Charging
import Primitives
import SimulatedHAL
import Testing

/// Channels that payers open, pay, close with old amounts and let expire, and a ledger that takes up to a minute. The station looks at
/// least once a minute; every dispute window is ten minutes or more.
@Suite struct SettlementProperties {
    private struct Model {
        var deposit: UInt64
        var paid: UInt64 = 0
        var settled: UInt64 = 0
        var expiry: UInt64
        var closingSince: UInt64?
        var window: UInt64
        var since: UInt64?

        var releasedAt: UInt64 { min(closingSince ?? .max, expiry) + window }
        func isOpen(at time: UInt64) -> Bool { closingSince == nil && time < expiry }
    }

    private struct Sent {
        var settlement: Settlement
        var amounts: [ChannelID: UInt64]
        var landsAt: UInt64
    }

    private struct Run {
        var random: SplitMix64
        var policy = SettlementPolicy()
        let fees = SettlementFees(one: QLC(units: 14_000), more: QLC(units: 2_000))
        let isWatching: Bool
        var time: UInt64 = 1_000_000
        var channels: [ChannelID: Model] = [:]
        var opened: UInt8 = 0
        var underway: Sent?
        var lastSettledAt: UInt64?
        var lost: UInt64 = 0
        var settledTotal: UInt64 = 0
        var feesTotal: UInt64 = 0

        init(_ seed: UInt64, isWatching: Bool) {
            random = SplitMix64(seed: seed)
            self.isWatching = isWatching
            policy.age = random.number(5...60) * 60_000
            policy.leadTime = random.number(5...30) * 60_000
            policy.amountAtRisk = QLC(units: random.magnitude(upTo: 32))
        }

        mutating func step() {
            time += random.number(1...60_000)
            land()
            release()
            for id in channels.keys.sorted() where channels[id]!.isOpen(at: time) { pay(id) }
            if channels.count < 12, random.chance(20) { open() }
            for (id, channel) in channels where channel.paid > channel.settled && channel.since == nil {
                channels[id]!.since = time
            }
            if isWatching { look() }
        }

        private mutating func open() {
            opened += 1
            channels[Bytes32([UInt8](repeating: opened, count: 32))!] = Model(
                deposit: random.magnitude(upTo: 34), expiry: time + random.number(1...120) * 60_000,
                window: random.number(10...60) * 60_000)
        }

        private mutating func pay(_ id: ChannelID) {
            var channel = channels[id]!
            if random.chance(60) { channel.paid = min(channel.deposit, channel.paid + random.magnitude(upTo: 27)) }
            if random.chance(3) { channel.expiry += random.number(0...60) * 60_000 }
            if random.chance(3) { channel.deposit += random.magnitude(upTo: 30) }
            if random.chance(2) {
                channel.closingSince = time
                // What the payer admits: some of what was paid.
                if random.chance(50) { channel.settled += (channel.paid - channel.settled) / random.number(2...9) }
            }
            channels[id] = channel
        }

        /// All or none, as the ledger does it.
        private mutating func land() {
            guard let sent = underway, time >= sent.landsAt else { return }
            underway = nil
            feesTotal += fees.fee(for: sent.amounts.count).units
            let isTaken = sent.amounts.allSatisfy { id, amount in
                channels[id].map { time < $0.releasedAt && amount > $0.settled && amount <= $0.deposit } ?? false
            }
            guard isTaken else { return }
            for (id, amount) in sent.amounts {
                settledTotal += amount - channels[id]!.settled
                channels[id]!.settled = amount
                channels[id]!.since = nil
                #expect(amount <= channels[id]!.deposit)
            }
        }

        private mutating func release() {
            for (id, channel) in channels where time >= channel.releasedAt {
                let left = channel.paid - channel.settled
                if left > fees.one.units { lost += left }
                channels[id] = nil
            }
        }

        private mutating func look() {
            let receivables = channels.sorted { $0.key < $1.key }.map { id, channel in
                Receivable(
                    channel: id, amount: QLC(units: channel.paid), settled: QLC(units: channel.settled),
                    deposit: QLC(units: channel.deposit), expiry: channel.expiry, closingSince: channel.closingSince,
                    disputeWindow: channel.window, unsettledSince: channel.since ?? time)
            }
            guard let next = policy.next(receivables, fees: fees, lastSettledAt: lastSettledAt, at: time) else { return }
            expectWorth(next)
            if let underway, !next.isUrgent || Set(next.channels).isSubset(of: underway.amounts.keys) { return }
            // Of two in one place, either comes into the block.
            if underway != nil, random.chance(30) { return }
            if !next.isUrgent { lastSettledAt = time }
            underway = Sent(
                settlement: next, amounts: Dictionary(uniqueKeysWithValues: next.channels.map { ($0, channels[$0]!.paid) }),
                landsAt: time + random.number(1...60_000))
        }

        private func expectWorth(_ next: Settlement) {
            let fee = fees.fee(for: next.channels.count)
            let gain = next.channels.reduce(0) { $0 + channels[$1]!.paid - channels[$1]!.settled }
            #expect(next.gain == QLC(units: gain) && next.feeLimit < next.gain && fee <= next.feeLimit)
            #expect(Set(next.channels).count == next.channels.count && next.channels.count <= 64)
            guard !next.isUrgent else { return }
            #expect(fee.units * 10_000 <= gain * policy.feePermyriad, "an ordinary settlement costs one percent at most")
            if let lastSettledAt { #expect(time - lastSettledAt >= policy.pace) }
        }
    }

    @Test(arguments: seeds(40)) func nothingWorthItsFeeIsLeftBehind(_ seed: UInt64) {
        var run = Run(seed, isWatching: true)
        for _ in 0..<800 { run.step() }
        #expect(run.lost == 0)
        #expect(run.settledTotal > run.feesTotal && run.feesTotal > 0)
    }

    /// The same histories without the station's watch: otherwise the property above would say nothing.
    @Test func withoutTheWatchMoneyIsLost() {
        let lost = (1...10 as ClosedRange<UInt64>).filter { seed in
            var run = Run(seed, isWatching: false)
            for _ in 0..<800 { run.step() }
            return run.lost > 0
        }
        #expect(lost.count == 10)
    }
}
