public import Charging
import Hummingbird
public import Primitives
public import StationAPI

/// The station's account on the chain, as the owner uses it. What is refused is thrown as a `Problem`.
public struct WalletSeam: Sendable {
    public var account: @Sendable () async -> WalletView.Account
    /// Takes a payment in under an id of the caller's; the same id again pays nothing, and says what became of it.
    public var pay: @Sendable (Bytes32, WithdrawalRequest) async throws -> OrderView
    /// Closes a channel with the last voucher; the order that does it already, if there is one.
    public var close: @Sendable (ChannelID) async throws -> OrderView
    public var order: @Sendable (Bytes32) async throws -> OrderView?
    /// What is due.
    public var due: @Sendable () async -> SettlementView
    /// Has channels settled as soon as that brings more than it costs; nil: all.
    public var settle: @Sendable (ChannelID?) async throws -> SettlementView

    public init(
        account: @escaping @Sendable () async -> WalletView.Account,
        pay: @escaping @Sendable (Bytes32, WithdrawalRequest) async throws -> OrderView,
        close: @escaping @Sendable (ChannelID) async throws -> OrderView,
        order: @escaping @Sendable (Bytes32) async throws -> OrderView?,
        due: @escaping @Sendable () async -> SettlementView,
        settle: @escaping @Sendable (ChannelID?) async throws -> SettlementView
    ) {
        (self.account, self.pay, self.close, self.order) = (account, pay, close, order)
        (self.due, self.settle) = (due, settle)
    }
}

extension Station {
    func walletRoutes(_ api: Routes) {
        api.get("wallet") { _, _ -> Response in try .json(await wallet()) }
        api.put("wallet/orders/:id") { request, context -> Response in
            let (wallet, id) = (try chain().wallet, try context.orderID())
            return try .json(await wallet.pay(id, request.json(WithdrawalRequest.self)), status: .accepted)
        }
        api.get("wallet/orders/:id") { _, context -> Response in
            let (wallet, id) = (try chain().wallet, try context.orderID())
            guard let order = try await wallet.order(id) else { throw Problem(.unknown, "nobody gave an order \(id)") }
            return try .json(order)
        }
        api.get("wallet/settlement") { _, _ -> Response in try .json(await chain().wallet.due()) }
        api.post("wallet/settlement") { request, _ -> Response in
            let wallet = try chain().wallet
            return try .json(await wallet.settle(request.json(SettlementRequest.self).channelId), status: .accepted)
        }
    }

    private func wallet() async -> WalletView {
        let (all, byHand) = await cashier.read { engine in
            engine.channels.values.reduce(into: (QLC.zero, QLC.zero)) { sums, account in
                sums.0 += account.charged
                if account.channel.chainID == .zero { sums.1 += account.charged }
            }
        }
        return WalletView(
            address: id, earnedQlc: all, earnedByHandQlc: byHand, chain: await seams.chain?.wallet.account())
    }

    /// Closes a channel where it stands.
    /// - Returns: the order that closes it on the chain; nil: it stood in the station's own book, and is closed.
    func closeChannel(_ id: ChannelID) async throws -> OrderView? {
        guard let channel = await cashier.read({ $0.channels[id]?.channel }) else { throw ChargingError.channelUnknown(id) }
        guard channel.chainID != .zero else {
            _ = try await record(.closed(id), of: id)
            return nil
        }
        let wallet = try chain().wallet
        // First, so that no voucher comes that the close does not bring to the chain.
        _ = try await cashier.submit(.channel(.closed(id)))
        return try await wallet.close(id)
    }
}

extension CallContext {
    func orderID() throws -> Bytes32 { try parameter("id", as: "an order's 64 hexadecimal digits") }
}
