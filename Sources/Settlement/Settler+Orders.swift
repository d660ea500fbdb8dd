import Chain
public import Charging
import Consensus
import Ledger
import Logging
import Node
public import Primitives

/// The owner's hand on the account: through the same place in its order, and the same disk, as settlements.
extension Settler {
    /// Takes an order in: when this returns it is on disk, and will be carried out once. The same id again gives what became of it.
    /// - Parameter keep: what is to be left after a payment; else ``StationMoney/reserve``.
    /// - Throws: ``OrderRefusal``, `StorageError`.
    public func take(_ deed: OwnerOrder.Deed, as id: OwnerOrder.ID, keep: QLC? = nil) async throws -> OwnerOrder {
        let chainID = await chain.chainID
        try await recall(chainID)
        // One after the other: two of one id would be written one over the other, and two payments be promised one balance.
        guard !isTakingIn else { throw OrderRefusal.busy }
        isTakingIn = true
        defer { isTakingIn = false }
        if let known = try await order(id) {
            guard known.deed == deed, known.chainID == chainID else { throw OrderRefusal.anotherOrder(id) }
            return known
        }
        let money = await money()
        guard isUpToDate else { throw OrderRefusal.catchingUp }
        guard !desk.isFull else { throw OrderRefusal.tooMany(OrderDesk.limit) }
        try await check(deed, money, keep: keep ?? money.reserve)
        let order = OwnerOrder(id, on: chainID, deed, at: money.time)
        try await store.remember([.order(order)])
        desk.take(order)
        return order
    }

    private func check(_ deed: OwnerOrder.Deed, _ money: StationMoney, keep: QLC) async throws(OrderRefusal) {
        switch deed {
        case .pay(let to, let amount):
            guard amount > .zero else { throw .amountIsZero }
            guard to != key.publicKey else { throw .ownAddress }
            guard amount <= .supply, keep <= .supply, money.promised + amount + money.paymentFee + keep <= money.balance else {
                throw .tooLittle(
                    amount: amount, fee: money.paymentFee, keep: keep, balance: money.balance, promised: money.promised)
            }
        case .close(let channel):
            let payee = await chain.read { $0.state.channel(channel)?.terms.payee }
            guard payee == key.publicKey else { throw .noSuchChannel(channel) }
        case .stake(let delegate, let amount), .restake(let delegate, let amount):
            try await checkStake(amount, with: delegate, money, keep: keep)
        case .unstake(let delegate, let amount): try await checkUnstake(amount, from: delegate, money)
        }
    }

    /// Closes a channel; the order that does it already, if there is one.
    public func close(_ channel: ChannelID, as id: OwnerOrder.ID) async throws -> OwnerOrder {
        try await recall(await chain.chainID)
        if let order = desk.closing(channel) { return order }
        return try await take(.close(channel), as: id)
    }

    /// nil: nobody gave it.
    public func order(_ id: OwnerOrder.ID) async throws -> OwnerOrder? {
        if let order = desk.open[id] { return order }
        return try await store.order(id)
    }

    // MARK: Carrying out

    /// What became of the orders that were sent, and which are not to be sent any more.
    ///
    /// What cannot be read or written now is looked at again at the next look: an answer to a false close does not wait for it.
    func conclude(_ now: LedgerView) async {
        for order in desk.all {
            do {
                guard let next = try await outcome(of: order, now), next != order else { continue }
                try await store.remember([.order(next)])
                desk.take(next)
                logger.notice("order \(order.id) of the owner: \(next.state)\(next.reason.map { ", \($0)" } ?? "")")
            } catch { complain("\(error)") }
        }
    }

    private func outcome(of order: OwnerOrder, _ now: LedgerView) async throws -> OwnerOrder? {
        guard order.state == .sent else {
            if case .close(let channel) = order.deed, await chain.read({ $0.state.channel(channel) == nil }) {
                return order.ended(.refused, "the channel is closed already; nothing was sent")
            }
            // What the policy wants is decided at each look: it stands in the way of nothing.
            if order.isOfPolicy { return order.ended(.refused, "something more pressing came first; nothing was sent") }
            guard now.time > order.askedAt.saturatingAdd(OrderDesk.patience) else { return nil }
            return order.ended(.expired, "it could not be sent within an hour; nothing was paid")
        }
        guard now.sequence > order.sequence else {
            guard order.validUntil < now.time else { return nil }
            return order.ended(.expired, "no block took it in time, and none will; nothing was paid")
        }
        return try await lookUp(order, upTo: now.height)
    }

    /// Which transaction of the account has the order's place? A block that has it is not later than `validUntil`, so few are read.
    private func lookUp(_ order: OwnerOrder, upTo last: UInt64) async throws -> OwnerOrder {
        var height = order.signedAt
        while height < last {
            height += 1
            guard let block = try await chain.block(at: height)?.block else { break }
            // What has the place now came later: it is something else.
            guard block.header.time <= order.validUntil else { return order.sentAnew() }
            guard let found = block.transaction(of: key.publicKey, order.sequence) else { continue }
            guard order.sent.contains(found) else { return order.sentAnew() }
            return await whatCame(of: order, at: height)
        }
        return order.ended(.unknown, "the blocks of that time are not kept here: look at the balance")
    }

    /// A block has it. What it did there follows from the ledger, so nothing rests on having seen the block's receipts.
    private func whatCame(of order: OwnerOrder, at height: UInt64) async -> OwnerOrder {
        switch order.deed {
        case .pay:
            // The balance covered it when it was signed, and only the account's own transactions, which come after it, lower that.
            return order.ended(.done, nil, at: height)
        case .close(let channel):
            // The payee's close takes the channel away, and its name never comes again.
            if await chain.read({ $0.state.channel(channel) == nil }) { return order.ended(.done, nil, at: height) }
            return order.ended(
                .refused, "somebody settled a later voucher at the same time; only the fee is paid, close it again", at: height)
        case .stake(let delegate, _), .unstake(let delegate, _), .restake(let delegate, _):
            return await whatCame(ofStake: order, with: delegate, at: height)
        }
    }

    /// The next order, or the one whose transaction waits.
    func work(for order: OwnerOrder, _ held: [HeldVoucher], _ now: LedgerView) async -> Work {
        var order = order
        let payload: Payload
        switch order.deed {
        case .pay(let to, let amount): payload = .transfer(Transfer(to: to, amount: amount))
        case .close(let channel):
            let voucher = now.records[channel].flatMap { record in
                held.first { $0.channel == channel && $0.brings(to: record) && now.time < record.releasedAt }
            }
            payload = .closeChannel(CloseChannel(channel, voucher: voucher?.presented))
        case .stake(let delegate, let amount), .restake(let delegate, let amount):
            payload = .stake(Stake(with: delegate, amount: amount))
        // The largest amount stands for all of it, whatever it is worth by then.
        case .unstake(let delegate, let amount): payload = .unstake(Unstake(from: delegate, amount: amount ?? QLC(units: .max)))
        }
        // Before the first of its transactions: later ones stand in the same place, and a block may have one by now.
        if let delegate = order.delegate, order.sent.isEmpty { order.sharesBefore = await shares(with: delegate) }
        let least = now.fee(for: payload, by: key.publicKey).units
        let patience = order.isOfPolicy ? RestakePolicy.feePatience : OrderDesk.feePatience
        var work = Work(payload, feeLimit: QLC(units: least * patience))
        work.order = order
        return work
    }

    /// Cannot be carried out any more; nothing was sent.
    func drop(_ order: OwnerOrder, _ why: String) async throws {
        let ended = order.ended(.refused, why)
        try await store.remember([.order(ended)])
        desk.take(ended)
    }
}

extension Block {
    /// The name of the transaction that has that place in an account's order. Signatures were checked before the block was final.
    fileprivate func transaction(of sender: PublicKey, _ sequence: UInt64) -> Bytes32? {
        for bytes in transactions {
            guard let claim = try? Signed<Transaction>(canonicalBytes: bytes).claim else { continue }
            if claim.sender == sender, claim.sequence == sequence { return CheckedTransaction.id(of: bytes) }
        }
        return nil
    }
}
