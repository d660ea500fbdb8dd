import Primitives

/// Guessing is slow: so many tries a minute for a device, and ten times as many for all together.
struct AttemptLimiter {
    private var tries: [MACAddress: (count: Int, since: Instant)] = [:]
    private var all: (count: Int, since: Instant) = (0, .zero)
    let perMinute: Int

    private static let minute = Nanoseconds.seconds(60)
    private static let devices = 4_096

    init(perMinute: Int) { self.perMinute = perMinute }

    /// Whether one more try is allowed now; it counts.
    mutating func allows(_ mac: MACAddress, at now: Instant) -> Bool {
        if now - all.since >= Self.minute {
            all = (0, now)
            tries = tries.filter { now - $0.value.since < Self.minute }
        }
        var own = tries[mac] ?? (0, now)
        if now - own.since >= Self.minute { own = (0, now) }
        guard own.count < perMinute, all.count < perMinute * 10, tries.count < Self.devices || tries[mac] != nil else {
            return false
        }
        own.count += 1
        all.count += 1
        tries[mac] = own
        return true
    }
}
