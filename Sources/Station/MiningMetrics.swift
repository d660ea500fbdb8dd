import Primitives
import StationAPI

extension Metrics.Page {
    mutating func add(_ mining: MiningView) {
        add("basestation_mining", "gauge", "1 while the station mines", mining.state == .mining ? 1 : 0)
        add("basestation_mining_hashes_total", "counter", "Hashes since the daemon started", mining.hashes)
        add("basestation_mining_hashes_per_second", "gauge", "Over the last minute", UInt64(max(0, mining.hashrate.minute ?? 0)))
        let shares = mining.shares
        for (verdict, count) in [
            ("accepted", shares.accepted), ("stale", shares.stale), ("low_difficulty", shares.lowDifficulty),
            ("duplicate", shares.duplicate), ("invalid", shares.invalid), ("other", shares.other),
        ] {
            add("basestation_mining_shares_total", "counter", "Shares by verdict", count, "{verdict=\"\(verdict)\"}")
        }
        add("basestation_mining_blocks_total", "counter", "Blocks found and accepted", mining.blocksFound)
        add("basestation_mining_connected", "gauge", "1 while a pool or node gives jobs", mining.connected == nil ? 0 : 1)
        add("basestation_mining_worker_starts_total", "counter", "Processes that were started to hash", mining.worker.starts)
        add("basestation_mining_worker_kills_total", "counter", "Of them killed for not standing still", mining.worker.kills)
        add("basestation_mining_yields_total", "counter", "Times that a client's packet ended mining", mining.yields.count)
        if let longest = mining.yields.longestMilliseconds {
            add(
                "basestation_mining_yield_milliseconds_max", "gauge", "From a client's packet to standstill, the longest", longest
            )
        }
        if let pool = mining.pool {
            add("basestation_mining_pool_owed_qlc_units", "gauge", "What the pool owes, in 1e-8 QLC", pool.balanceQlc.units)
            add("basestation_mining_pool_paid_qlc_units_total", "counter", "What it has paid, in 1e-8 QLC", pool.paidQlc.units)
            add("basestation_mining_pool_statements_checked_total", "counter", "Its statements checked", pool.statementsChecked)
        }
        for (span, use) in [("today", mining.today), ("7d", mining.sevenDays)] {
            let label = "{span=\"\(span)\"}"
            add("basestation_mining_idle_seconds", "gauge", "Time that nobody needed the board", use.idleSeconds, label)
            add("basestation_mining_mined_seconds", "gauge", "Of that, time that was mined in", use.minedSeconds, label)
        }
    }
}
