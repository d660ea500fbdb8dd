import Charging
import Consensus
import Ledger
import Primitives
import Testing

extension Chain {
    static let (payer, payee, other) = (4, 5, 6)
    /// Of the device.
    static let session = 7

    /// A channel from the payer to the payee, open for an hour with a window of a minute.
    mutating func openChannel(
        deposit: QLC = .qlc(10), expiresIn: UInt64 = hour, window: UInt64 = 60_000, asset: AssetID? = nil
    ) throws -> ChannelID {
        let terms = OpenChannel(
            payee: names[Self.payee], sessionKey: names[Self.session], asset: asset, deposit: deposit,
            expiry: state.head.time + expiresIn, disputeWindow: window)
        let id = OpenChannel.id(of: names[Self.payer], state.account(names[Self.payer]).sequence)
        try #require(try run(.openChannel(terms), by: Self.payer) == nil)
        return id
    }

    func voucher(
        _ channel: ChannelID, _ amount: QLC, _ sequence: UInt64, bytes: UInt64 = 0, by signer: Int = session,
        chainID: Bytes32? = nil
    ) -> PresentedVoucher {
        let claim = Voucher(
            chainID: chainID ?? state.chainID, channel: channel, cumulativeAmount: amount, cumulativeBytes: bytes,
            sequence: sequence)
        return PresentedVoucher(Signed(claim, by: keys[signer]), by: names[signer])
    }
}

@Suite struct ChannelTests {
    @Test func aDepositIsLockedWhenTheChannelOpens() throws {
        var chain = try Chain()
        let before = chain.balance(Chain.payer)
        let id = try chain.openChannel(deposit: .qlc(10))
        #expect(before - chain.balance(Chain.payer) > .qlc(10))
        #expect(chain.state.channel(id)?.left == .qlc(10))
    }

    @Test func thePayeesCloseSettlesAtOnce() throws {
        var chain = try Chain()
        let id = try chain.openChannel(deposit: .qlc(10))
        let (payer, payee) = (chain.balance(Chain.payer), chain.balance(Chain.payee))
        let close = chain.sign(.closeChannel(CloseChannel(id, voucher: chain.voucher(id, .qlc(4), 1))), by: Chain.payee)
        #expect(try chain.add([close]).first?.refusal == nil)
        #expect(chain.balance(Chain.payee) == payee + .qlc(4) - close.transaction.fee)
        #expect(chain.balance(Chain.payer) == payer + .qlc(6))
        #expect(chain.state.channel(id) == nil)
        #expect(try chain.run(.closeChannel(CloseChannel(id)), by: Chain.payee) == .noSuchChannel)
    }

    /// The payer closes with an old voucher; the payee, or a watcher, answers within the window.
    @Test(arguments: [(59_000, nil), (59_999, nil), (60_000, .channelExpired)] as [(UInt64, Refusal?)])
    func aVoucherRaisedWithinTheWindowWins(after: UInt64, refusal: Refusal?) throws {
        var chain = try Chain()
        let id = try chain.openChannel(deposit: .qlc(10), window: 60_000)
        #expect(try chain.run(.closeChannel(CloseChannel(id, voucher: chain.voucher(id, .qlc(1), 1))), by: Chain.payer) == nil)
        let closed = chain.state.channel(id)?.closingSince
        #expect(closed == chain.state.head.time)
        let payee = chain.balance(Chain.payee)
        let raise = Payload.raiseVoucher(RaiseVoucher(chain.voucher(id, .qlc(7), 9)))
        #expect(try chain.run(raise, by: Chain.other, after: after) == refusal)
        #expect(chain.balance(Chain.payee) == payee + (refusal == nil ? .qlc(6) : .zero))
        let payer = chain.balance(Chain.payer)
        let end = chain.sign(.closeChannel(CloseChannel(id)), by: Chain.payer)
        #expect(try chain.add([end], after: 60_000).first?.refusal == nil)
        #expect(chain.balance(Chain.payer) == payer + (refusal == nil ? .qlc(3) : .qlc(9)) - end.transaction.fee)
    }

    @Test func thePayerWaitsForTheWindowAndItsCloseDoesNotBeginAnew() throws {
        var chain = try Chain()
        let id = try chain.openChannel(window: 60_000)
        #expect(try chain.run(.closeChannel(CloseChannel(id)), by: Chain.payer) == nil)
        #expect(try chain.run(.closeChannel(CloseChannel(id)), by: Chain.payer, after: 59_998) == .windowOpen)
        #expect(try chain.run(.closeChannel(CloseChannel(id)), by: Chain.payer, after: 2) == nil)
        #expect(chain.state.channel(id) == nil)
    }

    /// Expired long ago and never closed: the window after the expiry is over too.
    @Test(arguments: [(UInt64(60_000) - 1, Refusal?.none), (60_000, .channelExpired)])
    func vouchersSettleUntilAWindowAfterTheExpiry(late: UInt64, refusal: Refusal?) throws {
        var chain = try Chain()
        let id = try chain.openChannel(expiresIn: Chain.hour, window: 60_000)
        let expiry = chain.state.channel(id)!.expiry
        let settle = Payload.settleChannels(SettleChannels([chain.voucher(id, .qlc(1), 1)]))
        #expect(try chain.run(settle, by: Chain.payee, after: expiry + late - chain.state.head.time) == refusal)
        #expect(try chain.run(.closeChannel(CloseChannel(id)), by: Chain.payer, after: 1) == nil)
        #expect((chain.state.channel(id) == nil) == (late >= 59_999))
    }

    @Test func topUpsAddAndTheExpiryOnlyMovesLater() throws {
        var chain = try Chain()
        let id = try chain.openChannel(deposit: .qlc(10))
        let expiry = chain.state.channel(id)!.expiry
        #expect(try chain.run(.topUpChannel(TopUpChannel(id, by: .qlc(5), expiry: expiry - 1)), by: Chain.other) == nil)
        #expect(chain.state.channel(id)?.deposit == .qlc(15) && chain.state.channel(id)?.expiry == expiry)
        #expect(try chain.run(.topUpChannel(TopUpChannel(id, by: .zero, expiry: expiry + 9)), by: Chain.payer) == nil)
        #expect(chain.state.channel(id)?.expiry == expiry + 9)
        // What was above the deposit fits now.
        #expect(try chain.run(.raiseVoucher(RaiseVoucher(chain.voucher(id, .qlc(15), 1))), by: Chain.payee) == nil)
    }

    @Test func wrongTopUpsAreRefused() throws {
        var chain = try Chain()
        let id = try chain.openChannel()
        let expiry = chain.state.channel(id)!.expiry
        for (topUp, person, refusal) in [
            (TopUpChannel(.zero, by: .qlc(1)), Chain.payer, Refusal.noSuchChannel),
            (TopUpChannel(id, by: .zero), Chain.payer, .amountIsZero),
            (TopUpChannel(id, by: .qlc(1), expiry: expiry + 1), Chain.other, .notAParty),
            (TopUpChannel(id, by: .qlc(1), expiry: .max), Chain.payer, .windowOutOfRange),
            (TopUpChannel(id, by: .supply), Chain.payer, .balanceTooLow),
        ] { #expect(try chain.run(.topUpChannel(topUp), by: person) == refusal) }
        var closing = chain
        try closing.run(.closeChannel(CloseChannel(id)), by: Chain.payer)
        #expect(try closing.run(.topUpChannel(TopUpChannel(id, by: .qlc(1))), by: Chain.payer) == .channelClosing)
        #expect(
            try chain.run(.topUpChannel(TopUpChannel(id, by: .qlc(1))), by: Chain.payer, after: Chain.hour) == .channelExpired)
    }

    @Test func aVoucherPaysOnceAndOnlyForward() throws {
        var chain = try Chain()
        let id = try chain.openChannel(deposit: .qlc(10))
        let payee = chain.balance(Chain.payee)
        for (voucher, refusal) in [
            (chain.voucher(id, .qlc(4), 3, bytes: 100), nil), (chain.voucher(id, .qlc(4), 3, bytes: 100), .voucherStale),
            (chain.voucher(id, .qlc(5), 2, bytes: 100), .voucherStale),
            (chain.voucher(id, .qlc(3), 4, bytes: 100), .voucherStale),
            (chain.voucher(id, .qlc(5), 4, bytes: 99), .voucherStale), (chain.voucher(id, .qlc(5), 4, by: 6), .wrongSessionKey),
            (chain.voucher(id, .qlc(10) + QLC(units: 1), 4, bytes: 100), .depositExceeded),
            (chain.voucher(.zero, .qlc(5), 4), .noSuchChannel), (chain.voucher(id, .qlc(10), 4, bytes: 100), nil),
        ] as [(PresentedVoucher, Refusal?)] {
            #expect(try chain.run(.settleChannels(SettleChannels([voucher])), by: Chain.other) == refusal)
        }
        #expect(chain.balance(Chain.payee) == payee + .qlc(10))
    }

    @Test func onlyTheTwoPartiesClose() throws {
        var chain = try Chain()
        let (id, second) = (try chain.openChannel(), try chain.openChannel())
        #expect(try chain.run(.closeChannel(CloseChannel(id)), by: Chain.other) == .notAParty)
        let foreign = CloseChannel(id, voucher: chain.voucher(second, .qlc(1), 1))
        #expect(try chain.run(.closeChannel(foreign), by: Chain.payee) == .noSuchChannel)
        #expect(chain.state.channel(second)?.settled == .zero)
    }

    @Test(
        arguments: [
            (QLC.zero, UInt64(60_000), Chain.hour, Refusal.amountIsZero), (.qlc(1), 59_999, Chain.hour, .windowOutOfRange),
            (.qlc(1), 30 * 24 * Chain.hour + 1, Chain.hour, .windowOutOfRange), (.qlc(1), 60_000, 0, .windowOutOfRange),
            (.qlc(1), 60_000, 401 * 24 * Chain.hour, .windowOutOfRange), (.supply, 60_000, Chain.hour, .balanceTooLow),
        ]) func wrongTermsAreRefused(deposit: QLC, window: UInt64, expiresIn: UInt64, refusal: Refusal) throws
    {
        var chain = try Chain()
        let terms = OpenChannel(
            payee: chain.names[Chain.payee], sessionKey: chain.names[Chain.session], deposit: deposit,
            expiry: Chain.start + expiresIn, disputeWindow: window)
        #expect(try chain.run(.openChannel(terms), by: Chain.payer) == refusal)
    }

    @Test func aChannelIsForAnAssetOfThePayee() throws {
        var chain = try Chain()
        let asset = try chain.registerAsset(by: Chain.payee), foreign = try chain.registerAsset(by: Chain.other)
        _ = try chain.openChannel(asset: asset)
        func terms(_ asset: AssetID) -> Payload {
            .openChannel(
                OpenChannel(
                    payee: chain.names[Chain.payee], sessionKey: chain.names[Chain.session], asset: asset, deposit: .qlc(1),
                    expiry: chain.state.head.time + Chain.hour, disputeWindow: 60_000))
        }
        #expect(try chain.run(terms(.zero), by: Chain.payer) == .noSuchAsset)
        #expect(try chain.run(terms(foreign), by: Chain.payer) == .notTheOwner)
        try chain.run(.retireAsset(RetireAsset(asset)), by: Chain.payee)
        #expect(try chain.run(terms(asset), by: Chain.payer) == .assetRetired)
    }

    /// The name follows from the payer's sequence, which stands once: only a damaged state has it already.
    @Test func anOpenChannelIsNotOverwritten() throws {
        var chain = try Chain()
        let first = try chain.openChannel()
        let next = OpenChannel.id(of: chain.names[Chain.payer], 1)
        var entries = chain.state.all
        entries[.channel(next)] = entries.removeValue(forKey: .channel(first))
        chain.state = try LedgerState(
            chainID: chain.state.chainID, head: chain.state.head, entries: entries.map { (key: $0.key, entry: $0.value) })
        let terms = chain.state.channel(next)!.terms
        #expect(try chain.run(.openChannel(terms), by: Chain.payer) == .channelKnown)
    }

    @Test func aVoucherOfAnotherChainOrByNobodyDoesNotStandInATransaction() throws {
        var chain = try Chain()
        let id = try chain.openChannel()
        var forged = chain.voucher(id, .qlc(1), 1)
        forged.sessionKey = chain.names[Chain.other]
        let foreign = chain.voucher(id, .qlc(1), 1, chainID: .zero)
        for voucher in [foreign, forged] {
            for payload in [
                Payload.settleChannels(SettleChannels([voucher])), .raiseVoucher(RaiseVoucher(voucher)),
                .closeChannel(CloseChannel(id, voucher: voucher)),
            ] {
                let bytes = chain.sign(payload, by: Chain.payee).bytes
                #expect(throws: Inadmissible.signatureFalse) { try CheckedTransaction(bytes, on: chain.state.chainID) }
            }
        }
    }
}
