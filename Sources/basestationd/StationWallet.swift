import Charging
import Primitives
import Settlement
import Station
import StationAPI

/// The owner's orders, from the control socket to the settler.
extension StationChain {
    nonisolated var wallet: WalletSeam {
        let settler = settler
        return WalletSeam(
            account: { await self.account() },
            pay: { id, request in
                let to = try self.address(request.to, of: "to")
                return try await self.order {
                    try await settler.take(.pay(to: to, amount: request.amountQlc), as: id, keep: request.keepQlc)
                }
            },
            close: { channel in
                var random = SystemRandomNumberGenerator()
                let id = Bytes32.random(using: &random)
                return try await self.order { try await settler.close(channel, as: id) }
            },
            order: { id in try await settler.order(id).map(self.view) },
            due: { await self.due() },
            settle: { channel in try await self.settle(channel) })
    }

    nonisolated func address(_ text: String, of field: String) throws -> PublicKey {
        do throws(AddressError) { return try Address(text, on: addresses).key } catch {
            throw Problem(.malformed, "\"\(field)\": \(error)")
        }
    }

    nonisolated func order(_ give: () async throws -> OwnerOrder) async throws -> OrderView {
        do { return view(try await give()) } catch let refusal as OrderRefusal { throw Problem(refusal.kind, "\(refusal)") }
    }

    private nonisolated func view(_ order: OwnerOrder) -> OrderView {
        var view = OrderView(
            orderId: order.id, kind: "", state: order.state.rawValue, orderedAt: WallTime(ledger: order.askedAt),
            transactionId: order.sent.last, feeQlc: order.fee, height: order.height, reason: order.reason)
        let name = { [addresses] (key: PublicKey) in Address(key, on: addresses).description }
        switch order.deed {
        case .pay(let to, let amount):
            (view.kind, view.to, view.amountQlc) = ("pay", name(to), amount)
        case .close(let channel): (view.kind, view.channelId) = ("close", channel)
        case .stake(let delegate, let amount): (view.kind, view.delegate, view.amountQlc) = ("stake", name(delegate), amount)
        case .unstake(let delegate, let amount):
            (view.kind, view.delegate, view.amountQlc) = ("unstake", name(delegate), amount)
        case .restake(let delegate, let amount):
            (view.kind, view.delegate, view.amountQlc) = ("restake", name(delegate), amount)
        }
        return view
    }

    private func account() async -> WalletView.Account {
        let money = await settler.money()
        return WalletView.Account(
            address: Address(settler.station, on: addresses).description, height: money.height,
            time: money.height == 0 ? nil : WallTime(ledger: money.time), syncing: await !settler.isUpToDate,
            balanceQlc: money.balance, stakedQlc: money.staked, rewardsQlc: money.rewards, unbondingQlc: money.unbonding,
            unsettledQlc: money.unsettled, promisedQlc: money.promised, reserveQlc: money.reserve, feeQlc: money.paymentFee)
    }

    private func due() async -> SettlementView {
        let due = await settler.due()
        return SettlementView(
            channels: due.map {
                .init(
                    channelId: $0.channel, unsettledQlc: $0.unsettled, settledQlc: $0.settled, demanded: $0.isDemanded,
                    paysFee: $0.paysFee)
            }, feeQlc: await settler.money().settlementFee, trouble: await settler.status.trouble)
    }

    private func settle(_ channel: ChannelID?) async throws -> SettlementView {
        let due = await settler.due()
        if let channel, !due.contains(where: { $0.channel == channel }) {
            throw Problem(.unknown, "channel \(channel) holds nothing that the chain has not paid, or is not on the chain")
        }
        for one in due where channel == nil || one.channel == channel { await settler.demand(one.channel) }
        return await self.due()
    }
}

extension OrderRefusal {
    var kind: Problem.Kind {
        switch self {
        case .catchingUp, .tooMany, .busy: .unavailable
        case .anotherOrder: .conflict
        case .noSuchChannel: .unknown
        case .amountIsZero, .ownAddress, .tooLittle, .nobodyChosen, .notACandidate, .expelled, .belowMinimum: .refused
        case .nothingStaked, .notStakedWith, .severalDelegates, .notSoMuchStaked, .tooManyReturning: .refused
        }
    }
}

extension WallTime {
    init(ledger milliseconds: UInt64) {
        self.init(secondsSince1970: Int64(clamping: milliseconds / 1_000))
    }
}
