import Charging
import Ledger
import Node
import Primitives
import Settlement
import SimulatedHAL
import Testing

/// The owner's orders through the station's own account: each once, whatever becomes of node, disk and chain.
@Suite struct OrderTests {
    private let id = TaggedHash.digest(tag: "test/order", [1])
    private func pay(_ chain: LedgerChain, _ amount: QLC) -> OwnerOrder.Deed {
        .pay(to: chain.keys[LedgerChain.other].publicKey, amount: amount)
    }

    @Test func aPaymentIsMadeOnceHoweverOftenItIsAskedFor() async throws {
        let chain = try LedgerChain()
        var desk = await Desk.current(chain)
        let before = await chain.balance(LedgerChain.other)
        let first = try await desk.settler.take(pay(chain, .qlc(7)), as: id)
        #expect(first.state == .waiting)
        #expect(try await desk.settler.take(pay(chain, .qlc(7)), as: id) == first)
        await #expect(throws: OrderRefusal.anotherOrder(id)) { try await desk.settler.take(pay(chain, .qlc(8)), as: id) }
        try await desk.goOn(2)
        let done = try #require(try await desk.end(of: id))
        #expect(done.state == .done && done.height != nil && done.reason == nil, "\(done)")
        for _ in 0..<2 {
            #expect(try await desk.settler.take(pay(chain, .qlc(7)), as: id) == done)
            try await desk.goOn(2)
            await desk.restart()
        }
        #expect(await chain.balance(LedgerChain.other) == before + .qlc(7))
        #expect(await chain.submitted.count == 1)
    }

    /// The transaction is on disk and perhaps with the delegates; the station starts anew and does not sign another.
    @Test(arguments: [true, false]) func aRestartPaysNothingTwice(_ arrived: Bool) async throws {
        let chain = try LedgerChain()
        var desk = await Desk.current(chain)
        let before = await chain.balance(LedgerChain.other)
        _ = try await desk.settler.take(pay(chain, .qlc(7)), as: id)
        await chain.turn(deaf: !arrived)
        await desk.settler.look()
        #expect(await chain.submitted.count == 1)
        if arrived { try await chain.makeBlock() }
        await chain.turn(deaf: false)
        await desk.restart()
        try await desk.goOn(3)
        let order = try #require(try await desk.end(of: id))
        #expect(order.state == .done && order.height != nil, "\(order)")
        #expect(await chain.balance(LedgerChain.other) == before + .qlc(7))
        #expect(await Set(chain.submitted).count == 1)
    }

    /// The answer to a false close takes the payment's place; the payment is made after it.
    @Test func aPaymentThatGaveWayIsMadeInTheNextPlace() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(20))
        let desk = await Desk.current(chain)
        await desk.purse.put(chain.voucher(channel, .qlc(5), 9))
        let before = await chain.balance(LedgerChain.other)
        _ = try await desk.settler.take(pay(chain, .qlc(7)), as: id)
        await desk.settler.look()
        await chain.forgetPool()
        try await chain.run(.closeChannel(CloseChannel(channel.id)), by: LedgerChain.payer)
        try await desk.goOn(12)
        #expect(await chain.channel(channel.id)?.settled == .qlc(5))
        #expect(await chain.balance(LedgerChain.other) == before + .qlc(7))
        #expect(try await desk.end(of: id)?.state == .done)
        #expect(await Set(chain.submitted.map(\.transaction.sequence)).count == 2)
        #expect(await chain.receipts.filter { $0.refusal != nil }.isEmpty)
    }

    /// The disk is full while a payment is under way: what became of it is noted later, the answer is sent now.
    @Test func aFullDiskWithAnOrderDoesNotHoldBackTheAnswer() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(20))
        let desk = await Desk.current(chain)
        await desk.purse.put(chain.voucher(channel, .qlc(5), 1))
        let before = await chain.balance(LedgerChain.other)
        _ = try await desk.settler.take(pay(chain, .qlc(7)), as: id)
        await desk.settler.look()
        await desk.store.fill(true)
        try await chain.run(.closeChannel(CloseChannel(channel.id)), by: LedgerChain.payer)
        try await desk.goOn(2)
        #expect(await chain.channel(channel.id)?.settled == .qlc(5))
        #expect(try await desk.settler.order(id)?.state == .sent)
        await desk.store.fill(false)
        #expect(try await desk.end(of: id)?.state == .done)
        #expect(await chain.balance(LedgerChain.other) == before + .qlc(7))
    }

    @Test func whoAsksManyTimesAtOncePaysOnce() async throws {
        let chain = try LedgerChain()
        let desk = await Desk.current(chain)
        let before = await chain.balance(LedgerChain.other)
        let (settler, deed, id) = (desk.settler, pay(chain, .qlc(7)), id)
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<60 {
                group.addTask {
                    // Busy with one of the others: it would be asked again.
                    _ = try? await settler.take(deed, as: id)
                    if number.isMultiple(of: 3) { await settler.look() }
                    if number.isMultiple(of: 7) { try? await chain.makeBlock() }
                }
            }
        }
        try await desk.goOn(3)
        #expect(try await desk.end(of: id)?.state == .done)
        #expect(await chain.balance(LedgerChain.other) == before + .qlc(7))
    }

    /// What was signed expired: nothing is paid, and nothing is signed anew.
    @Test func whatNoBlockTookIsExpired() async throws {
        let chain = try LedgerChain()
        let desk = await Desk.current(chain)
        _ = try await desk.settler.take(pay(chain, .qlc(7)), as: id)
        await chain.turn(deaf: true)
        await desk.settler.look()
        try await chain.makeBlock(after: 600_001)
        await chain.turn(deaf: false)
        try await desk.goOn(3)
        #expect(try await desk.settler.order(id)?.state == .expired)
        #expect(await chain.submitted.count == 1)
    }

    /// The sequence went on, and the blocks of that time are nowhere: it may be paid, so it is not paid again.
    @Test func whatCannotBeFoundIsNotPaidAgain() async throws {
        let chain = try LedgerChain()
        var desk = await Desk.current(chain)
        _ = try await desk.settler.take(pay(chain, .qlc(7)), as: id)
        await desk.settler.look()
        try await chain.makeBlock()
        await chain.forgetBlocks()
        await desk.restart()
        try await desk.goOn(3)
        #expect(try await desk.end(of: id)?.state == .unknown)
        #expect(await chain.submitted.count == 1)
    }

    @Test func anOrderThatCannotBeCarriedOutIsNotTaken() async throws {
        let chain = try LedgerChain(stationBalance: .qlc(10))
        let desk = await Desk.current(chain)
        let money = await desk.settler.money()
        #expect(money.balance == .qlc(10) && money.reserve > .zero && money.reserve < QLC("0.1")!)
        await #expect(throws: OrderRefusal.amountIsZero) { try await desk.settler.take(pay(chain, .zero), as: id) }
        await #expect(throws: OrderRefusal.ownAddress) {
            try await desk.settler.take(.pay(to: chain.station, amount: .qlc(1)), as: id)
        }
        await #expect(throws: OrderRefusal.noSuchChannel(id)) { try await desk.settler.take(.close(id), as: id) }
        for amount in [QLC.qlc(10), money.balance - money.paymentFee - money.reserve + QLC(units: 1), QLC(units: .max)] {
            await #expect(throws: OrderRefusal.self) { try await desk.settler.take(pay(chain, amount), as: id) }
        }
        await desk.store.fill(true)
        await #expect(throws: StorageError.self) { try await desk.settler.take(pay(chain, .qlc(1)), as: id) }
        await desk.store.fill(false)
        #expect(try await desk.settler.order(id) == nil)
        // All but the reserve; then what is promised already counts.
        let most = money.balance - money.paymentFee - money.reserve
        _ = try await desk.settler.take(pay(chain, most), as: id)
        let second = TaggedHash.digest(tag: "test/order", [2])
        await #expect(throws: OrderRefusal.self) {
            try await desk.settler.take(pay(chain, QLC(units: 1)), as: second, keep: .qlc(1))
        }
        try await desk.goOn(2)
        #expect(await chain.balance(LedgerChain.station) == money.reserve)
        // All of it.
        let rest = await desk.settler.money()
        _ = try await desk.end(of: id)
        _ = try await desk.settler.take(pay(chain, rest.balance - rest.paymentFee), as: second, keep: .zero)
        try await desk.goOn(2)
        #expect(await chain.balance(LedgerChain.station) == .zero)
    }

    @Test func ordersAreBounded() async throws {
        let desk = await Desk.current(try LedgerChain())
        for number in 0..<16 as Range<UInt8> {
            _ = try await desk.settler.take(pay(desk.chain, .qlc(1)), as: TaggedHash.digest(tag: "test/order", [number]))
        }
        let more = TaggedHash.digest(tag: "test/order", [200])
        await #expect(throws: OrderRefusal.tooMany(16)) { try await desk.settler.take(pay(desk.chain, .qlc(1)), as: more) }
        let before = await desk.chain.balance(LedgerChain.other)
        try await desk.goOn(150)
        #expect(await desk.chain.balance(LedgerChain.other) == before + .qlc(16))
        #expect(await desk.chain.submitted.count == 16)
    }

    @Test func whatCannotBeSentForAnHourIsNotSentLater() async throws {
        let chain = try LedgerChain()
        let desk = await Desk.current(chain)
        _ = try await desk.settler.take(pay(chain, .qlc(7)), as: id)
        try await chain.makeBlock(after: 3_600_001)
        try await desk.goOn(2)
        #expect(try await desk.settler.order(id)?.state == .expired)
        #expect(await chain.submitted.isEmpty)
    }

    /// The payee's close settles the last voucher and gives the payer the rest, at once.
    @Test func theOwnerClosesAChannelWithTheLastVoucher() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(20)), unpaid = try await chain.open(deposit: .qlc(3))
        let desk = await Desk.current(chain)
        await desk.purse.put(chain.voucher(channel, .qlc(5), 9))
        let (station, payer) = (await chain.balance(LedgerChain.station), await chain.balance(LedgerChain.payer))
        let order = try await desk.settler.close(channel.id, as: id)
        #expect(try await desk.settler.close(channel.id, as: TaggedHash.digest(tag: "test/order", [9])) == order)
        let second = TaggedHash.digest(tag: "test/order", [2])
        _ = try await desk.settler.close(unpaid.id, as: second)
        try await desk.goOn(16)
        #expect(await chain.channel(channel.id) == nil)
        #expect(await chain.channel(unpaid.id) == nil)
        let fees = await chain.submitted.reduce(QLC.zero) { $0 + $1.transaction.fee }
        #expect(await chain.balance(LedgerChain.station) == station + .qlc(5) - fees)
        #expect(await chain.balance(LedgerChain.payer) == payer + .qlc(18))
        #expect(try await desk.end(of: id)?.state == .done)
        #expect(try await desk.end(of: second)?.state == .done)
    }

    /// Somebody brings a later voucher in the same block: the close is refused, and said to be.
    @Test func aCloseThatWasOvertakenIsRefused() async throws {
        let chain = try LedgerChain()
        let channel = try await chain.open(deposit: .qlc(20))
        let desk = await Desk.current(chain)
        await desk.purse.put(chain.voucher(channel, .qlc(5), 9))
        _ = try await desk.settler.close(channel.id, as: id)
        let later = chain.voucher(channel, .qlc(6), 10)
        try await chain.offer(
            .settleChannels(SettleChannels([PresentedVoucher(later.voucher, by: later.sessionKey)])), by: LedgerChain.payer)
        try await desk.goOn()
        let refused = try #require(try await desk.end(of: id))
        #expect(refused.state == .refused && refused.height != nil && refused.reason?.contains("close it again") == true)
        let second = TaggedHash.digest(tag: "test/order", [2])
        _ = try await desk.settler.close(channel.id, as: second)
        try await desk.goOn(2)
        #expect(try await desk.end(of: second)?.state == .done)
    }

    @Test func whatIsDemandedIsSettledAtOnceIfItPaysItsFee() async throws {
        let chain = try LedgerChain()
        let one = try await chain.open(deposit: .qlc(20)), two = try await chain.open(deposit: .qlc(20))
        let desk = await Desk.current(chain)
        await desk.purse.put(chain.voucher(one, QLC(units: 10), 1))
        await desk.purse.put(chain.voucher(two, .qlc(2), 1))
        #expect(await desk.settler.money().unsettled == QLC(units: 200_000_010))
        let due = await desk.settler.due()
        #expect(due.map(\.channel) == [two.id, one.id] && due.map(\.paysFee) == [true, false] && !due[0].isDemanded)
        for channel in due { await desk.settler.demand(channel.channel) }
        try await desk.goOn(2)
        #expect(await chain.channel(two.id)?.settled == .qlc(2))
        #expect(await desk.settler.due().map(\.channel) == [one.id])
        #expect(await desk.settler.money().unsettled == QLC(units: 10))
    }

    @Test func stakeIsShownWithTheBalance() async throws {
        let chain = try LedgerChain(stationBalance: .qlc(10_000))
        let delegate = chain.keys[0].publicKey
        try await chain.run(.stake(Stake(with: delegate, amount: .qlc(5_000))), by: LedgerChain.station)
        try await chain.run(.unstake(Unstake(from: delegate, amount: .qlc(1_000))), by: LedgerChain.station)
        let money = await Desk.current(chain).settler.money()
        #expect(money.staked == .qlc(4_000) && money.unbonding == .qlc(1_000))
        #expect(money.balance < .qlc(5_000) && money.balance > .qlc(4_999))
        #expect(money.height == 2)
    }
}
