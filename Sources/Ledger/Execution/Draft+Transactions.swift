import Consensus
import Primitives

/// One transaction: whether it may stand in the block, its fee, and what it does.
extension Draft {
    /// - Throws: if it may not stand here at all; nothing is changed then.
    mutating func run(_ checked: CheckedTransaction) throws(Inadmissible) -> Receipt {
        let transaction = checked.transaction
        var account = account(transaction.sender)
        try admit(checked, account)
        account.balance = account.balance - transaction.fee
        account.sequence += 1
        set(account, of: transaction.sender)
        keep()
        var refusal: Refusal?
        do throws(Refusal) { try perform(transaction) } catch {
            takeBack()
            refusal = error
        }
        keep()
        return Receipt(checked.id, fee: transaction.fee, refusal: refusal)
    }

    private func admit(_ checked: CheckedTransaction, _ account: Account) throws(Inadmissible) {
        let transaction = checked.transaction
        guard transaction.chainID == base.chainID else { throw .otherChain }
        guard transaction.sequence == account.sequence else {
            throw .sequence(transaction.sequence, expected: account.sequence)
        }
        guard transaction.validUntil >= time else { throw .expired(transaction.validUntil) }
        let least = Fees.least(for: transaction.payload, bytes: checked.bytes.count, parameters)
        guard transaction.fee >= least else { throw .feeTooLow(transaction.fee, needed: least) }
        guard account.balance >= transaction.fee else { throw .cannotPay(fee: transaction.fee, balance: account.balance) }
    }

    private mutating func perform(_ transaction: Transaction) throws(Refusal) {
        let sender = transaction.sender
        switch transaction.payload {
        case .transfer(let transfer): try run(transfer, by: sender)
        case .stake(let stake): try run(stake, by: sender)
        case .unstake(let unstake): try run(unstake, by: sender)
        case .registerDelegate(let registration): try run(registration, by: sender)
        case .reportEvidence(let proof): try punish(proof, reportedBy: sender)
        case .vote(let vote): try run(vote, by: sender)
        case .registerAsset(let registration): try run(registration, by: sender, transaction.sequence)
        case .updateAsset(let update): try run(update, by: sender)
        case .retireAsset(let retirement): try run(retirement, by: sender)
        case .publishTariff(let publication): try run(publication, by: sender)
        case .openChannel(let opening): try run(opening, by: sender, transaction.sequence)
        case .topUpChannel(let topUp): try run(topUp, by: sender)
        case .settleChannels(let settlement): for voucher in settlement.vouchers { try settle(voucher) }
        case .closeChannel(let close): try run(close, by: sender)
        case .raiseVoucher(let raise): try settle(raise.voucher)
        case .registerContent(let registration): try run(registration, by: sender)
        case .commitUsage(let commitment): try run(commitment, by: sender)
        }
    }

    private mutating func run(_ transfer: Transfer, by sender: PublicKey) throws(Refusal) {
        guard transfer.amount > .zero else { throw .amountIsZero }
        try debit(sender, transfer.amount)
        credit(transfer.to, transfer.amount)
    }
}
