import Idleness
import Mining
import MiningPool
import Primitives
import ProofOfWork
import StationAPI
import StationConfiguration

extension MinerSettings {
    init(_ mining: MiningConfiguration, cores: Int) {
        self.init()
        threads = mining.threads > 0 ? mining.threads : UInt8(clamping: cores)
        usesHugePages = mining.usesHugePages
        idle.hours = mining.hours.compactMap(DailyHours.init)
        idle.utcOffsetMinutes = mining.utcOffsetMinutes
        idle.quiet = mining.quiet
        (idle.loadStop, idle.loadResume) = (mining.loadPercent * 10, mining.loadPercent * 5)
        idle.hot = mining.hotCelsius * 1_000
        idle.batteryMinimum = mining.batteryPercent
        idle.memoryReserve = ByteCount(bytes: mining.memoryReserve)
        idle.allowsFast = mining.mode == .auto
    }
}

extension MiningView {
    init(_ status: MinerStatus, at now: Instant) {
        let (idle, tally) = (status.idle, status.tally)
        let refused = { (refusal: ShareRefusal) in tally.refused[refusal] ?? 0 }
        let perSecond = { (rate: UInt64?) in rate.map { Double($0) / 1_000 } }
        let milliseconds = { (time: Nanoseconds?) in time.map { UInt64(max(0, $0.count)) / 1_000_000 } }
        self.init(
            state: idle.isMining ? .mining : idle.isPausedByOwner ? .paused : .waiting, reason: idle.why, reasons: idle.reasons,
            sinceSeconds: (now - idle.since).wholeSeconds, mode: idle.mode?.rawValue, source: status.source,
            connected: tally.connected,
            hashrate: Rate(
                tenSeconds: perSecond(status.rates.tenSeconds), minute: perSecond(status.rates.minute),
                quarterHour: perSecond(status.rates.quarterHour)),
            hashes: status.hashes,
            shares: Shares(
                found: tally.found, accepted: tally.accepted, stale: refused(.stale), lowDifficulty: refused(.lowDifficulty),
                duplicate: refused(.duplicate), invalid: refused(.invalid), other: refused(.other),
                lastSecondsAgo: tally.lastShare.map { (now - $0).wholeSeconds }, lastRefusal: tally.lastRefusal),
            blocksFound: tally.blocks,
            worker: Worker(
                placement: status.worker.placement, hugePages: tally.memory?.hasHugePages, threads: tally.memory?.threads,
                starts: status.worker.starts, kills: status.worker.kills, trouble: status.workerTrouble),
            yields: Yields(
                count: tally.yields, lastMilliseconds: milliseconds(tally.lastYield),
                longestMilliseconds: milliseconds(tally.longestYield)),
            today: Use(status.today), sevenDays: Use(status.week), temperatureCelsius: nil,
            pool: tally.membership.flatMap(Pool.init))
    }
}

extension MiningView.Pool {
    init?(_ membership: PoolMembership) {
        guard let receipt = membership.receipt else { return nil }
        self.init(
            key: membership.pool, work: receipt.work, shares: receipt.shares, balanceQlc: receipt.balance, paidQlc: receipt.paid,
            statementsChecked: membership.audited, lastStatement: membership.audited > 0 ? membership.lastAudited : nil)
    }
}

extension MiningView.Use {
    init(_ seconds: IdleSeconds) {
        self.init(observedSeconds: seconds.observed, idleSeconds: seconds.idle, minedSeconds: seconds.mined)
    }
}
