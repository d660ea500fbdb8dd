import Charging
import Consensus
import Ledger
import Primitives
import Testing

/// What may not stand in a block at all.
@Suite struct AdmissionTests {
    static let transfer = Payload.transfer(Transfer(to: PublicKey(), amount: .qlc(1)))

    /// Why the second transaction of a block is out: a forger puts it there, nobody's `build` does.
    private func refusal(of wrong: CheckedTransaction, in chain: Chain) throws -> Inadmissible? {
        var (block, _) = try chain.build([])
        block.transactions = [wrong.bytes]
        block.seal()
        do throws(LedgerError) {
            _ = try chain.state.execute(block, [wrong])
            return nil
        } catch {
            guard case .transaction(let index, let why) = error else { throw error }
            #expect(index == 0)
            return why
        }
    }

    @Test func everyAccountNumbersItsTransactionsConsecutively() throws {
        var chain = try Chain()
        let first = chain.sign(Self.transfer, by: 4)
        try chain.add([first, chain.sign(Self.transfer, by: 4, ahead: 1)])
        #expect(chain.state.account(chain.names[4]).sequence == 2)
        #expect(try refusal(of: first, in: chain) == .sequence(0, expected: 2), "twice")
        #expect(try refusal(of: chain.sign(Self.transfer, by: 4, sequence: 3), in: chain) == .sequence(3, expected: 2))
        // One that is passed over takes the next with it; the others stand.
        let pool = [chain.sign(Self.transfer, by: 4, ahead: 1), chain.sign(Self.transfer, by: 5)]
        #expect(try chain.build(pool).block.transactions == [pool[1].bytes])
    }

    @Test func eachReasonIsNamed() throws {
        let chain = try Chain()
        let good = chain.sign(Self.transfer, by: 4)
        #expect(try refusal(of: good, in: chain) == nil)
        let needed = good.transaction.fee
        let cheap = QLC(units: needed.units - 1)
        #expect(try refusal(of: chain.sign(Self.transfer, by: 4, fee: cheap), in: chain) == .feeTooLow(cheap, needed: needed))
        let balance = chain.balance(4)
        let dear = balance + QLC(units: 1)
        #expect(
            try refusal(of: chain.sign(Self.transfer, by: 4, fee: dear), in: chain) == .cannotPay(fee: dear, balance: balance))
        let time = Chain.start + Chain.second
        #expect(try refusal(of: chain.sign(Self.transfer, by: 4, validUntil: time), in: chain) == nil)
        #expect(try refusal(of: chain.sign(Self.transfer, by: 4, validUntil: time - 1), in: chain) == .expired(time - 1))
        #expect(try refusal(of: chain.sign(Self.transfer, by: 4, chainID: .zero), in: chain) == .otherChain)
    }

    @Test func theWholeBalanceCanBeTheFee() throws {
        var chain = try Chain()
        let receipts = try chain.add([chain.sign(Self.transfer, by: 4, fee: chain.balance(4))])
        #expect(receipts.first?.refusal == .balanceTooLow)
        #expect(chain.balance(4) == .zero)
    }

    @Test func aTransactionOfOneChainIsNoneOfAnother() throws {
        let (one, other) = (try Chain(), try Chain([.seats: 5]))
        #expect(one.state.chainID != other.state.chainID)
        let bytes = one.sign(Self.transfer, by: 4).bytes
        #expect(try CheckedTransaction(bytes, on: one.state.chainID) == one.sign(Self.transfer, by: 4))
        #expect(throws: Inadmissible.otherChain) { try CheckedTransaction(bytes, on: other.state.chainID) }
    }

    @Test func everyBitOfATransactionIsSigned() throws {
        let chain = try Chain()
        let bytes = chain.sign(Self.transfer, by: 4).bytes
        for bit in 0..<bytes.count * 8 where bit % 5 == 0 {
            var forged = bytes
            forged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: Inadmissible.self, "bit \(bit)") { try CheckedTransaction(forged, on: chain.state.chainID) }
        }
        #expect(throws: Inadmissible.malformed("trailing(1)")) { try CheckedTransaction(bytes + [0], on: chain.state.chainID) }
        let large = [UInt8](repeating: 0, count: Block.transactionSizeLimit + 1)
        #expect(throws: Inadmissible.malformed("it has 65537 bytes")) { try CheckedTransaction(large, on: chain.state.chainID) }
        let foreign = Transaction(
            chainID: chain.state.chainID, sender: chain.names[5], sequence: 0, fee: .qlc(1), validUntil: .max,
            payload: Self.transfer)
        #expect(throws: Inadmissible.signatureFalse) {
            try CheckedTransaction(Signed(foreign, by: chain.keys[4]).canonicalBytes, on: chain.state.chainID)
        }
    }

    @Test func evidenceThatProvesNothingIsNotPaidFor() throws {
        let chain = try Chain()
        let foreign = Payload.reportEvidence(try chain.doubleVote(of: 0, chainID: .zero))
        let bytes = chain.sign(foreign, by: 4).bytes
        #expect(throws: Inadmissible.signatureFalse) { try CheckedTransaction(bytes, on: chain.state.chainID) }
    }

    @Test(arguments: [1, 2, 3, 16]) func theFirstFalseOneOfManyIsNamed(cores: Int) async throws {
        let chain = try Chain()
        let all = (0..<9).map { chain.sign(Self.transfer, by: 4, ahead: UInt64($0)) }
        #expect(await CheckedTransaction.check(all.map(\.bytes), on: chain.state.chainID, cores: cores) == .success(all))
        var forged = all.map(\.bytes)
        for index in [4, 7] { forged[index][forged[index].count - 1] ^= 1 }
        #expect(
            await CheckedTransaction.check(forged, on: chain.state.chainID, cores: cores)
                == .failure(.transaction(index: 4, .signatureFalse)))
        #expect(await CheckedTransaction.check([], on: chain.state.chainID, cores: cores) == .success([]))
    }
}
