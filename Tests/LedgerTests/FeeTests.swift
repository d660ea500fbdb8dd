import Consensus
import Ledger
import Primitives
import Testing

@Suite struct FeeTests {
    @Test func aFailedTransactionPaysItsFeeAndChangesNothingElse() throws {
        var chain = try Chain()
        let before = chain.state.all
        let transaction = chain.sign(.transfer(Transfer(to: chain.names[5], amount: .supply)), by: 4)
        let receipt = try #require(try chain.add([transaction]).first)
        #expect(receipt == Receipt(transaction.id, fee: transaction.transaction.fee, refusal: .balanceTooLow))
        let changed = chain.state.all.filter { before[$0.key] != $0.value }
        #expect(Set(changed.keys) == [.account(chain.names[4]), .funds])
        var account = chain.genesis.allocations[4].amount
        account = account - receipt.fee
        #expect(chain.state.account(chain.names[4]).balance == account)
        #expect(chain.state.account(chain.names[4]).sequence == 1)
        #expect(chain.funds.fees == receipt.fee)
    }

    /// The second voucher of a settlement fails when the first was paid already: that payment is taken back.
    @Test func aSettlementIsAllOrNothing() throws {
        var chain = try Chain()
        let first = try chain.openChannel(deposit: .qlc(10)), second = try chain.openChannel(deposit: .qlc(10))
        let vouchers = [(first, QLC.qlc(3), UInt64(1)), (second, .qlc(11), 1)].map { chain.voucher($0.0, $0.1, $0.2) }
        let before = chain.balance(Chain.payee)
        let refusal = try chain.run(.settleChannels(SettleChannels(vouchers)), by: Chain.other)
        #expect(refusal == .depositExceeded)
        #expect(chain.balance(Chain.payee) == before)
        #expect(chain.state.channel(first)?.settled == .zero && chain.state.channel(first)?.sequence == 0)
    }

    /// All four weigh the same.
    @Test(arguments: [0, 1_000, 10_000] as [UInt16]) func feesGoToDelegatesByPowerAndToStakersByShares(commission: UInt16) throws
    {
        var chain = try Chain(stakes: [1_000, 1_000, 1_000, 1_000], commission: commission, [.epochBlocks: 4])
        try chain.run(.stake(Stake(with: chain.names[0], amount: .qlc(3_000))), by: 4)
        let (own, pot) = ((0..<4).map { chain.balance($0) }, chain.funds.fees)
        try chain.endEpoch()
        let part = pot.units / 4
        let kept = part * UInt64(commission) / 10_000
        for (index, before) in own.enumerated() { #expect(chain.balance(index) == before + QLC(units: kept)) }
        // Nothing is lost: what stakers can fetch and what did not divide.
        #expect(chain.funds.fees + chain.funds.rewards == pot - QLC(units: 4 * kept))
        #expect(chain.funds.rewards.units + 4 >= 4 * (part - kept) && chain.funds.rewards.units <= 4 * (part - kept))
        // Unstaking fetches: the own stake is a quarter of all that is staked with the first delegate, the other three are alone.
        let shared = part - kept
        for (person, delegate, earned) in [(4, 0, shared * 3 / 4), (0, 0, shared / 4), (1, 1, shared)] {
            let before = chain.balance(person)
            let unstake = chain.sign(.unstake(Unstake(from: chain.names[delegate], amount: .qlc(1))), by: person)
            try chain.add([unstake])
            let got = (chain.balance(person) + unstake.transaction.fee - before).units
            #expect(got <= earned && got + 2 >= earned, "\(person) fetched \(got) of \(earned)")
        }
    }

    /// Fees of several epochs are fetched at once, by a lone staker, to the last unit: never more than was kept.
    @Test(arguments: 1...12) func whatStakersFetchWasKept(epochs: Int) throws {
        var chain = try Chain(commission: 0, [.epochBlocks: 2])
        for _ in 0..<epochs {
            try chain.run(.transfer(Transfer(to: chain.names[5], amount: .qlc(1))), by: 4)
            try chain.endEpoch()
        }
        let kept = chain.funds.rewards
        #expect(kept > .zero)
        for person in 0..<4 {
            try chain.run(.unstake(Unstake(from: chain.names[person], amount: QLC(units: .max))), by: person, after: 1)
        }
        #expect(chain.funds.rewards.units < 4 * UInt64(epochs + 3), "what is left is less than a unit for each time")
    }

    @Test func everybodyPaysForBytesAndForWhatStaysInMemory() throws {
        let parameters = Parameters()
        let base = Fees.least(for: .transfer(Transfer()), bytes: 0, parameters)
        #expect(base == QLC(units: 10_000))
        #expect(Fees.least(for: .transfer(Transfer()), bytes: 7, parameters) == base + QLC(units: 70))
        #expect(Fees.least(for: .registerAsset(RegisterAsset()), bytes: 0, parameters) == base + QLC(units: 400_000))
        #expect(Fees.least(for: .openChannel(OpenChannel()), bytes: 0, parameters) == base + QLC(units: 100_000))
        #expect(Fees.least(for: .closeChannel(CloseChannel()), bytes: 0, parameters) == base)
    }
}
