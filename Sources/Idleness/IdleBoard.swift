import HAL
import Primitives

/// What the board itself has against mining: heat, power, memory, other programs, a network that is full.
struct IdleBoard: Sendable {
    private(set) var load = OtherLoad()
    private(set) var memory = Memory()
    private(set) var sessions = 0
    private(set) var isSharing = true
    private var readAt: Instant?
    private var dropped: UInt64?
    private var congestedAt: Instant?
    private var power = PowerState(source: .unknown)
    /// Of the hottest sensor; nil where there is none.
    private var heat: Int32?
    private var isUnreadable = false
    private var isHot = false

    mutating func take(_ reading: IdleReading, at now: Instant, _ settings: IdleSettings) {
        countDrops(reading.activity.packetsDropped, at: now, settings)
        load.count(reading, at: now, settings)
        memory.count(reading, settings)
        (sessions, isSharing, power) = (reading.sessions, reading.isSharing, reading.power)
        isUnreadable = reading.temperatures == nil
        heat = reading.temperatures?.map(\.milliCelsius).max()
        // Unreadable heat does not cool the board.
        if let heat { isHot = isHot ? heat >= coolBelow(settings) : heat >= settings.hot } else if !isUnreadable { isHot = false }
        readAt = now
    }

    private mutating func countDrops(_ count: UInt64, at now: Instant, _ settings: IdleSettings) {
        defer { dropped = count }
        guard let dropped, let readAt else { return }
        let milliseconds = UInt64(max(1, (now - readAt).count / 1_000_000))
        let (allowed, overflow) = milliseconds.multipliedReportingOverflow(by: settings.dropsPerSecond)
        guard !overflow, count.saturatingSubtract(dropped) > allowed / 1_000 else { return }
        congestedAt = now
    }

    private func coolBelow(_ settings: IdleSettings) -> Int32 { settings.hot &- max(0, settings.coolBy) }

    func reasons(at now: Instant, _ settings: IdleSettings) -> [IdleReason] {
        guard let readAt, now - readAt < IdleDecision.staleAfter else { return [.notRead(since: readAt)] }
        var found: [IdleReason] = []
        if let reason = memory.reason(settings) { found.append(reason) }
        if power.source == .battery, !isCharged(settings) {
            found.append(.battery(percent: power.capacityPercent, minimum: settings.batteryMinimum))
        }
        if isUnreadable { found.append(.temperatureUnreadable) }
        if isHot, let heat { found.append(.hot(milliCelsius: heat, below: coolBelow(settings))) }
        if let congestedAt, now - congestedAt < settings.quiet { found.append(.congested(since: congestedAt)) }
        if load.isHigh { found.append(.busy(share: load.share, below: min(settings.loadResume, settings.loadStop))) }
        return found
    }

    private func isCharged(_ settings: IdleSettings) -> Bool {
        guard let minimum = settings.batteryMinimum, let percent = power.capacityPercent else { return false }
        return percent >= minimum
    }
}
