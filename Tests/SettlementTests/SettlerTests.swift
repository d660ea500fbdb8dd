import Charging
import Ledger
import Node
import Primitives
import Settlement
import Testing

/// Vouchers on their way to the ledger, through everything that can go wrong on it.
@Suite struct SettlerTests {
    @Test func muchAtRiskIsSettledOnceAndInOneTransaction() async throws {
        let chain = try LedgerChain()
        let one = try await chain.open(deposit: .qlc(20)), two = try await chain.open(deposit: .qlc(20))
        let desk = await Desk(chain)
        await desk.purse.put(chain.voucher(one, .qlc(4), 1))
        try await desk.goOn(3)
        #expect(await chain.submitted.isEmpty, "4 QLC may wait")
        #expect(await desk.settler.status.unsettled == .qlc(4))
        await desk.purse.put(chain.voucher(two, .qlc(7), 5))
        let before = await chain.balance(LedgerChain.station)
        try await desk.goOn(5)
        #expect(await chain.submitted.count == 1)
        let fee = await chain.submitted[0].transaction.fee
        #expect(await chain.balance(LedgerChain.station) == before + .qlc(11) - fee)
        #expect(fee < QLC(units: 20_000))
        #expect(await desk.settler.status == Settler.Status())
        #expect(await desk.store.memory == SettlementMemory(), "nothing is left to remember")
    }

    @Test func agesOutliveARestart() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(20), hours: 100)
        var desk = await Desk(chain)
        await desk.purse.put(chain.voucher(channel, .qlc(1), 1))
        try await desk.goOn(1, every: 13 * 3_600_000)
        await desk.restart()
        try await desk.goOn(1, every: 13 * 3_600_000)
        #expect(await chain.submitted.count == 1)
        try await desk.goOn()
        #expect(await chain.channel(channel.id)?.settled == .qlc(1))
    }

    /// The very bytes that may be on their way are sent again; nothing is signed beside them.
    @Test func whatWasUnderWayGoesOnAfterARestart() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(20))
        var desk = await Desk(chain)
        await desk.purse.put(chain.voucher(channel, .qlc(15), 1))
        await chain.turn(deaf: true)
        await desk.settler.look()
        #expect(await chain.submitted.count == 1)
        await desk.restart()
        await chain.turn(deaf: false)
        try await chain.makeBlock()
        try await desk.goOn()
        #expect(await Set(chain.submitted).count == 1)
        #expect(await chain.channel(channel.id)?.settled == .qlc(15))
        #expect(await chain.receipts.filter { $0.refusal != nil }.isEmpty)
    }

    @Test func whatExpiredIsSignedAnew() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(20))
        let desk = await Desk(chain)
        await desk.purse.put(chain.voucher(channel, .qlc(15), 1))
        await chain.turn(deaf: true)
        await desk.settler.look()
        try await chain.makeBlock(after: 600_001)
        await chain.turn(deaf: false)
        try await desk.goOn()
        #expect(await Set(chain.submitted).count == 2)
        #expect(await chain.channel(channel.id)?.settled == .qlc(15))
    }

    @Test func whoIsOutbidPaysMoreInTheSamePlace() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(20))
        let desk = await Desk(chain)
        await desk.purse.put(chain.voucher(channel, .qlc(15), 1))
        await chain.refuse(with: .full)
        await desk.settler.look()
        #expect(await desk.settler.status.trouble?.contains("raise the fee") == true)
        await chain.refuse(with: nil)
        try await chain.makeBlock()
        try await desk.goOn()
        let sent = await chain.submitted.map(\.transaction)
        #expect(sent.count == 2 && sent[0].sequence == sent[1].sequence && sent[1].fee > sent[0].fee)
        #expect(await chain.channel(channel.id)?.settled == .qlc(15))
        #expect(await desk.settler.status.trouble == nil)
    }

    /// Somebody brings a later voucher of one channel while the batch is under way: the ledger refuses all of the batch.
    @Test func aRefusedBatchIsSentOneByOne() async throws {
        let chain = try LedgerChain()
        let one = try await chain.open(deposit: .qlc(20)), two = try await chain.open(deposit: .qlc(20))
        let three = try await chain.open(deposit: .qlc(20))
        let desk = await Desk(chain)
        for channel in [one, two, three] { await desk.purse.put(chain.voucher(channel, .qlc(9), 1)) }
        let later = chain.voucher(two, .qlc(10), 2)
        try await chain.offer(
            .closeChannel(CloseChannel(two.id, voucher: PresentedVoucher(later.voucher, by: later.sessionKey))),
            by: LedgerChain.payer)
        try await desk.goOn(1)
        #expect(await chain.receipts.last?.refusal == .voucherStale)
        try await desk.goOn(40)
        let batches = await chain.submitted.map(\.transaction.payload).map { payload in
            if case .settleChannels(let settlement) = payload { settlement.vouchers.count } else { 0 }
        }
        #expect(batches == [3, 1], "then 9 QLC may wait")
        for channel in [one, three] { await desk.settler.demand(channel.id) }
        try await desk.goOn(2)
        for channel in [one, three] { #expect(await chain.channel(channel.id)?.settled == .qlc(9)) }
        #expect(await chain.receipts.filter { $0.refusal != nil }.count == 1)
    }

    /// The watcher: an ordinary settlement waits, the answer takes its place.
    @Test func thePayersCloseWithAnOldVoucherIsAnsweredFirst() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(20)), other = try await chain.open(deposit: .qlc(20))
        let desk = await Desk(chain)
        await desk.purse.put(chain.voucher(other, .qlc(12), 1))
        await desk.settler.look()
        // It never comes to the delegates.
        await chain.forgetPool()
        await desk.purse.put(chain.voucher(channel, .qlc(5), 9))
        let old = chain.voucher(channel, .qlc(1), 2)
        try await chain.run(
            .closeChannel(CloseChannel(channel.id, voucher: PresentedVoucher(old.voucher, by: old.sessionKey))),
            by: LedgerChain.payer)
        #expect(await chain.channel(channel.id)?.settled == .qlc(1))
        await desk.settler.look()
        let answer = try #require(await chain.submitted.last)
        guard case .raiseVoucher = answer.transaction.payload else {
            Issue.record("no answer")
            return
        }
        #expect(await answer.transaction.sequence == chain.submitted[0].transaction.sequence)
        try await desk.goOn(4, every: 40_000)
        #expect(await chain.channel(channel.id)?.settled == .qlc(5))
        #expect(await chain.channel(other.id)?.settled == .qlc(12), "and what gave way comes after it")
    }

    /// Away for most of the dispute window: the first looks after it find the close.
    @Test func whoSleptAnswersWhenItWakes() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(20))
        var desk = await Desk(chain)
        await desk.purse.put(chain.voucher(channel, .qlc(5), 9))
        try await desk.goOn()
        try await chain.run(.closeChannel(CloseChannel(channel.id)), by: LedgerChain.payer)
        for _ in 0..<58 { try await chain.makeBlock(after: 60_000) }
        await desk.restart()
        try await desk.goOn()
        #expect(await chain.channel(channel.id)?.settled == .qlc(5))
        try await chain.run(.closeChannel(CloseChannel(channel.id)), by: LedgerChain.payer, after: 120_000)
        #expect(await chain.channel(channel.id) == nil)
    }

    @Test func whileTheNodeCatchesUpNothingIsSigned() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(20))
        let desk = await Desk(chain)
        await desk.purse.put(chain.voucher(channel, .qlc(15), 1))
        for _ in 0..<5 {
            for _ in 0..<9 { try await chain.makeBlock() }
            await desk.settler.look()
        }
        #expect(await chain.submitted.isEmpty)
        await desk.settler.look()
        #expect(await chain.submitted.count == 1)
    }

    @Test func withoutMoneyForTheFeeTheOwnerIsTold() async throws {
        let chain = try LedgerChain(stationBalance: QLC(units: 9_999))
        let channel = try await chain.open(deposit: .qlc(20))
        let desk = await Desk(chain)
        await desk.purse.put(chain.voucher(channel, .qlc(15), 1))
        await desk.settler.look()
        #expect(await desk.settler.status.trouble?.contains("0.00009999 QLC") == true)
        #expect(await chain.submitted.isEmpty)
        try await chain.run(.transfer(Transfer(to: chain.station, amount: .qlc(1))), by: LedgerChain.other)
        try await desk.goOn()
        #expect(await chain.channel(channel.id)?.settled == .qlc(15))
        #expect(await desk.settler.status.trouble == nil)
    }

    /// What is not on disk is not sent.
    @Test func aFullDiskHoldsTheTransactionBack() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(20))
        let desk = await Desk(chain)
        await desk.purse.put(chain.voucher(channel, .qlc(15), 1))
        await desk.store.fill(true)
        await desk.settler.look()
        #expect(await chain.submitted.isEmpty)
        #expect(await desk.settler.status.trouble == "the disk is full")
        await desk.store.fill(false)
        try await desk.goOn()
        #expect(await chain.channel(channel.id)?.settled == .qlc(15))
    }

    /// Except for the answer to a payer's close, which would come too late.
    @Test func aFullDiskDoesNotHoldBackTheAnswer() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(20))
        let desk = await Desk(chain)
        await desk.purse.put(chain.voucher(channel, .qlc(5), 1))
        try await desk.goOn()
        try await chain.run(.closeChannel(CloseChannel(channel.id)), by: LedgerChain.payer)
        await desk.store.fill(true)
        try await desk.goOn()
        #expect(await chain.channel(channel.id)?.settled == .qlc(5))
        #expect(await desk.settler.status.trouble == "the disk is full")
    }

    /// A chain where others pay more: the answer offers more with each block, up to what it brings.
    @Test func theAnswerOffersMoreUpToWhatItBrings() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(20))
        let desk = await Desk(chain)
        await desk.purse.put(chain.voucher(channel, QLC(units: 100_000), 1))
        try await chain.run(.closeChannel(CloseChannel(channel.id)), by: LedgerChain.payer)
        await chain.refuse(with: .full)
        for _ in 0..<20 {
            await desk.settler.look()
            try await chain.makeBlock()
        }
        let fees = await Set(chain.submitted.map(\.transaction.fee)).sorted()
        #expect(fees.count == 3 && fees[2] < QLC(units: 100_000) && fees[2].units > 4 * fees[0].units)
        #expect(await Set(chain.submitted.map(\.transaction.sequence)).count == 1)
        await chain.refuse(with: nil)
        try await desk.goOn()
        #expect(await chain.channel(channel.id)?.settled == QLC(units: 100_000))
    }

    @Test func vouchersOfAnotherChainStayAtHome() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(20))
        let desk = await Desk(chain)
        let voucher = Voucher(channel: channel.id, cumulativeAmount: .qlc(15), cumulativeBytes: 0, sequence: 1)
        let key = chain.keys[LedgerChain.payer]
        await desk.purse.put(HeldVoucher(Signed(voucher, by: key), by: key.publicKey))
        try await desk.goOn(2)
        #expect(await chain.submitted.isEmpty)
        #expect(await desk.store.writes == 0)
    }
}
