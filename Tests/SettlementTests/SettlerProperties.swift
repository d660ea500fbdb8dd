import Chain
import Charging
import Ledger
import Node
import Primitives
import Settlement
import SimulatedHAL
import Testing

/// Payers that pay, top up and cheat, a node that loses what it was given, a disk that is full, a station that starts anew: in the end
/// the ledger has paid every voucher once.
@Suite struct SettlerProperties {
    private struct Life {
        let chain: LedgerChain
        let store = MemoryStore()
        let purse = Purse()
        var settler: Settler
        var random: SplitMix64
        var channels: [Channel] = []
        var paid: [ChannelID: UInt64] = [:]
        var sequences: [ChannelID: UInt64] = [:]
        /// By their ids. No two amounts are alike, so each is known on the chain.
        var orders: [OwnerOrder.ID: QLC] = [:]
        var policy = SettlementPolicy()

        init(_ seed: UInt64) async throws {
            random = SplitMix64(seed: seed)
            chain = try LedgerChain()
            policy.amountAtRisk = QLC(units: UInt64(random.number(1...30)) * QLC.unitsPerQLC)
            settler = Self.settler(chain, store, purse, policy)
        }

        private static func settler(
            _ chain: LedgerChain, _ store: MemoryStore, _ purse: Purse, _ policy: SettlementPolicy
        ) -> Settler {
            Settler(
                key: chain.keys[LedgerChain.station], chain: chain, store: store, policy: policy, held: { await purse.all },
                listing: { await purse.listing }, logger: quiet)
        }

        mutating func step() async throws {
            switch random.number(0...19) {
            case 0, 1: if channels.count < 8 { channels.append(try await chain.open(deposit: .qlc(40), hours: 500)) }
            case 2...8: if !channels.isEmpty { await pay(random.pick(channels)) }
            case 9: if !channels.isEmpty { try await cheat(random.pick(channels)) }
            case 10: await chain.turn(deaf: random.chance(1, in: 2))
            case 11: await chain.refuse(with: random.pick([nil, nil, .full, .taken, .tooManyOfSender]))
            case 12: await chain.forgetPool()
            case 13: await store.fill(random.chance(1, in: 3))
            case 14: settler = Self.settler(chain, store, purse, policy)
            case 15: await purse.say(StationListing(facts: AssetFacts(), tariffs: []))
            case 16: await order()
            default: try await chain.makeBlock(after: UInt64(random.number(1_000...100_000)))
            }
            await settler.look()
        }

        private mutating func pay(_ channel: Channel) async {
            guard await chain.channel(channel.id)?.closingSince == nil else { return }
            paid[channel.id] = min(channel.deposit.units, paid[channel.id, default: 0] + UInt64(random.number(1...400_000_000)))
            sequences[channel.id, default: 0] += 1
            await purse.put(chain.voucher(channel, QLC(units: paid[channel.id]!), sequences[channel.id]!))
        }

        /// A payment, or one of before once more.
        private mutating func order() async {
            let isOld = random.chance(1, in: 2) && !orders.isEmpty
            let id = isOld ? random.pick(orders.keys.sorted()) : TaggedHash.digest(tag: "test/order", random.bytes(8))
            let amount = orders[id] ?? QLC(units: 1_000 + UInt64(orders.count))
            orders[id] = amount
            // Refused while the node lags or the disk is full; then it is asked for again, or never.
            _ = try? await settler.take(.pay(to: chain.keys[LedgerChain.other].publicKey, amount: amount), as: id)
        }

        /// What blocks have of the payments.
        func payments() async -> [QLC] {
            let sent = await Dictionary(chain.submitted.map { ($0.id, $0.transaction.payload) }) { $1 }
            return await chain.receipts.filter { $0.refusal == nil }.compactMap { receipt in
                if case .transfer(let transfer)? = sent[receipt.transaction] { transfer.amount } else { nil }
            }
        }

        /// Closes with less than was paid, or with what was paid before the station settles it.
        private mutating func cheat(_ channel: Channel) async throws {
            guard random.chance(1, in: 3), let all = paid[channel.id], let sequence = sequences[channel.id], sequence > 1,
                await chain.channel(channel.id)?.closingSince == nil
            else { return }
            let old = chain.voucher(channel, QLC(units: all / 2), sequence - 1)
            let voucher = random.chance(1, in: 2) ? PresentedVoucher(old.voucher, by: old.sessionKey) : nil
            // Refused when more is settled already.
            try await chain.run(.closeChannel(CloseChannel(channel.id, voucher: voucher)), by: LedgerChain.payer)
        }

        /// All is well again, and all that is held is demanded.
        mutating func calmDown() async throws {
            await chain.turn(deaf: false)
            await chain.refuse(with: nil)
            await store.fill(false)
            for channel in channels { await settler.demand(channel.id) }
            for _ in 0..<40 {
                await settler.look()
                try await chain.makeBlock(after: 30_000)
            }
        }
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>) func everyVoucherIsPaidOnce(_ seed: UInt64) async throws {
        var life = try await Life(seed)
        let before = await life.chain.balance(LedgerChain.station)
        for _ in 0..<250 {
            try await life.step()
            #expect(await life.store.memory.sent.count <= 8)
        }
        try await life.calmDown()
        var settled = QLC.zero
        for channel in life.channels {
            let record = try #require(await life.chain.channel(channel.id))
            #expect(record.settled == QLC(units: life.paid[channel.id] ?? 0))
            settled += record.settled
        }
        let own = Set(await life.chain.submitted.map(\.id))
        let fees = await life.chain.receipts.filter { own.contains($0.transaction) }.reduce(QLC.zero) { $0 + $1.fee }
        let payments = await life.payments()
        #expect(!payments.isEmpty && Set(payments).count == payments.count, "an order was paid twice")
        for (id, amount) in life.orders {
            guard let order = try await life.settler.order(id) else { continue }
            #expect(!order.isOpen && (order.height != nil) == payments.contains(amount), "\(order)")
        }
        let paidOut = payments.reduce(QLC.zero) { $0 + $1 }
        #expect(await life.chain.balance(LedgerChain.station) == before + settled - fees - paidOut)
        #expect(settled > .zero && fees.units < settled.units / 50, "also refused and outbid it costs little")
        let assets = await life.chain.read { $0.state.keys(of: .asset).count }
        #expect(assets <= 1)
    }
}
