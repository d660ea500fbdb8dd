import Charging
import HAL
import Hummingbird
import OrderedCollections
public import Primitives
public import StationAPI

/// The station's stake, as the owner uses it. What is refused is thrown as a `Problem`.
public struct StakeSeam: Sendable {
    public var view: @Sendable () async -> StakeView
    /// Takes an order in under an id of the caller's; the same id again moves nothing, and says what became of it.
    public var order: @Sendable (Bytes32, StakeRequest) async throws -> OrderView
    /// nil: nobody.
    public var choose: @Sendable (String?) async throws -> Void
    /// What the stake earned since a time.
    public var rewards: @Sendable (WallTime) async throws -> QLC

    public init(
        view: @escaping @Sendable () async -> StakeView,
        order: @escaping @Sendable (Bytes32, StakeRequest) async throws -> OrderView,
        choose: @escaping @Sendable (String?) async throws -> Void,
        rewards: @escaping @Sendable (WallTime) async throws -> QLC
    ) {
        (self.view, self.order, self.choose, self.rewards) = (view, order, choose, rewards)
    }
}

extension Station {
    func stakeRoutes(_ api: Routes) {
        api.get("stake") { _, _ -> Response in try .json(await chain().stake.view()) }
        api.put("stake/orders/:id") { request, context -> Response in
            let (stake, id) = (try chain().stake, try context.orderID())
            return try .json(await stake.order(id, request.json(StakeRequest.self)), status: .accepted)
        }
        api.put("stake/delegate") { request, _ -> Response in
            let stake = try chain().stake
            try await stake.choose(request.json(DelegateChoice.self).delegate)
            return try .json(await stake.view())
        }
        api.get("earnings") { request, _ -> Response in
            try .json(await earnings(since: ControlServer.time(request.uri.queryParameters["since"])))
        }
    }

    private static let day: Int64 = 86_400

    func earnings(since: WallTime?) async throws -> EarningsView {
        let today = clocks.now().wall.secondsSince1970 / Self.day * Self.day
        let spans = (today: WallTime(secondsSince1970: today), week: WallTime(secondsSince1970: today - 6 * Self.day))
        let open = await cashier.read { engine in engine.sessions.values.reduce(QLC.zero) { $0 + $1.charge } }
        let clients = try await earned(spans, since) { try await store.totals(since: $0).charge + open }
        var view = EarningsView(since: since, clients: clients, stake: nil, stakeUnclaimedQlc: nil, mining: nil)
        if let stake = seams.chain?.stake {
            view.stake = try await earned(spans, since, stake.rewards)
            view.stakeUnclaimedQlc = await stake.view().stakes.reduce(QLC.zero) { $0 + $1.rewardsQlc }
        }
        view.mining = await seams.mining?.view().pool.map {
            .init(poolBalanceQlc: $0.balanceQlc, poolPaidQlc: $0.paidQlc, shares: $0.shares)
        }
        return view
    }

    private func earned(
        _ spans: (today: WallTime, week: WallTime), _ since: WallTime?, _ sum: (WallTime) async throws -> QLC
    ) async throws -> EarningsView.Earned {
        var named: QLC?
        if let since { named = try await sum(since) }
        return EarningsView.Earned(
            todayQlc: try await sum(spans.today), sevenDaysQlc: try await sum(spans.week),
            totalQlc: try await sum(WallTime(secondsSince1970: 0)), sinceQlc: named)
    }
}
