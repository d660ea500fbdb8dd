import Hummingbird
public import StationAPI

/// The mining pool that the station runs, as its APIs need it.
public struct PoolSeam: Sendable {
    public var view: @Sendable () async -> PoolView
    /// nil: there is none of that number, or it is kept no more.
    public var statement: @Sendable (UInt64) async throws -> PoolStatementView?
    public var alerts: @Sendable () async -> [StatusView.Alert]

    public init(
        view: @escaping @Sendable () async -> PoolView,
        statement: @escaping @Sendable (UInt64) async throws -> PoolStatementView?,
        alerts: @escaping @Sendable () async -> [StatusView.Alert]
    ) {
        (self.view, self.statement, self.alerts) = (view, statement, alerts)
    }
}

extension Station {
    private func pool() throws -> PoolSeam {
        guard let pool = seams.pool else {
            throw Problem(.unknown, "this station runs no pool; [pool] in its configuration makes one")
        }
        return pool
    }

    func poolRoutes(_ api: Routes) {
        api.get("pool") { _, _ -> Response in try .json(await pool().view()) }
        api.get("pool/statements/:number") { _, context -> Response in
            guard let number = context.parameters.get("number", as: UInt64.self) else {
                throw Problem(.malformed, "a statement has a number, from 1 on")
            }
            guard let statement = try await pool().statement(number) else {
                throw Problem(.unknown, "there is no statement \(number), or it is kept no more")
            }
            return try .json(statement)
        }
    }
}

extension Metrics.Page {
    mutating func add(_ pool: PoolView) {
        add("basestation_pool_connections", "gauge", "Miners that are connected", UInt64(pool.connections))
        add("basestation_pool_members", "gauge", "Members with an account", UInt64(pool.members.count))
        add(
            "basestation_pool_hashes_per_second", "gauge", "Of all members, by their shares of the last quarter of an hour",
            UInt64(max(0, pool.hashrate ?? 0)))
        let shares = pool.shares
        for (verdict, count) in [
            ("accepted", shares.accepted), ("stale", shares.stale), ("low_difficulty", shares.lowDifficulty),
            ("duplicate", shares.duplicate), ("invalid", shares.invalid), ("other", shares.other),
        ] {
            add("basestation_pool_shares_total", "counter", "Members' shares by verdict", count, "{verdict=\"\(verdict)\"}")
        }
        add("basestation_pool_blocks_total", "counter", "Blocks found and taken", pool.blocksFound)
        add("basestation_pool_bans_total", "counter", "Miners that were banned", pool.bans)
        add("basestation_pool_open_payouts", "gauge", "Payouts on their way", UInt64(pool.openPayouts.count))
        add("basestation_pool_troubles", "gauge", "What stands against its work", UInt64(pool.troubles.count))
    }
}
