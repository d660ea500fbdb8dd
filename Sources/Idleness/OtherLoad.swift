import HAL
import Primitives

/// How busy others keep the processor, with hysteresis in size and in time.
///
/// It is the time that was not idle less the worker's own. The kernel's pressure figures (PSI) are of no use: they count tasks that wait
/// in an idle cgroup, so that a miner would see itself.
struct OtherLoad: Hashable, Sendable {
    /// The kernel counts in hundredths of a second: over less, a share is noise.
    static let shortest = Nanoseconds.milliseconds(500)

    private var busy: Nanoseconds?
    private var worker: Nanoseconds?
    private var at = Instant.zero
    /// In thousandths of all cores.
    private(set) var share: UInt64 = 0
    private(set) var isHigh = false
    private var crossed: Instant?

    mutating func count(_ reading: IdleReading, at now: Instant, _ settings: IdleSettings) {
        guard let busyBefore = busy, now >= at else { return remember(reading, now) }
        let elapsed = now - at
        guard elapsed >= Self.shortest else { return }
        let all = max(0, (reading.activity.busy - busyBefore).count)
        let cores = Int64(min(max(reading.activity.cores, 1), 4_096))
        let others = max(0, all - own(reading.workerTime))
        let (capacity, overflow) = elapsed.count.multipliedReportingOverflow(by: cores)
        // In microseconds, so that a thousand times fits.
        let used: Int64 = min(others / 1_000, .max / 1_000) * 1_000
        let whole: Int64 = max(1, (overflow ? .max : capacity) / 1_000)
        share = min(UInt64(used / whole), 1_000)
        remember(reading, now)
        judge(now, settings)
    }

    private mutating func judge(_ now: Instant, _ settings: IdleSettings) {
        let contradicts = isHigh ? share < min(settings.loadResume, settings.loadStop) : share > settings.loadStop
        guard contradicts else {
            crossed = nil
            return
        }
        let since = crossed ?? now
        crossed = since
        if now - since >= settings.loadPatience { (isHigh, crossed) = (!isHigh, nil) }
    }

    /// A worker that is new has used all its time since the last reading.
    private func own(_ time: Nanoseconds?) -> Int64 {
        guard let time else { return 0 }
        guard let worker, worker <= time else { return max(0, time.count) }
        return (time - worker).count
    }

    private mutating func remember(_ reading: IdleReading, _ now: Instant) {
        (busy, worker, at) = (reading.activity.busy, reading.workerTime, now)
    }
}
