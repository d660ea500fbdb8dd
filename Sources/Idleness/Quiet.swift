import Primitives

/// Whether clients are quiet, and for how long they must be.
///
/// A phone that is only there sends a few packets now and then. So there are two kinds of packets. Those within a small background
/// rate (a leaky bucket) pause mining for a breath: each yields at once, and two seconds later mining goes on if nothing more came.
/// What fills the bucket is a person, and asks for the whole `quiet`, from the last moment that it was full.
///
/// Both times double with each interruption that comes before mining went on for `quiet`, up to `quietMax`. An undisturbed stretch
/// takes a doubling back for each of its minutes, and one at least if it was eight times what it had waited for. So mining starts at most a dozen times in a minute, whatever clients do, and a night
/// with a keep-alive packet every minute costs two seconds of each.
///
/// An open session does not forbid mining while its device is silent.
struct Quiet: Hashable, Sendable {
    /// 2 s doubled so often is above every `quietMax` that makes sense.
    static let doublingsMax = 16
    static let stretch = Nanoseconds.seconds(60)
    static let worth: Int64 = 8

    private var level: UInt64 = 0  // thousandths of a packet
    private var counted: UInt64?
    private var countedAt = Instant.zero
    private(set) var doublings = 0
    private(set) var lastPacket: Instant?
    /// When there was last more than background traffic.
    private(set) var lastTraffic: Instant?
    private(set) var interrupted: Instant?
    private(set) var wasPacket = false

    mutating func count(_ packets: UInt64, at now: Instant, _ settings: IdleSettings) {
        defer { (counted, countedAt) = (packets, now) }
        guard let counted else { return }
        let fresh = packets.saturatingSubtract(counted)
        let milliseconds = UInt64(max(0, (now - countedAt).count) / 1_000_000)
        let (drained, drainsAll) = milliseconds.multipliedReportingOverflow(by: settings.backgroundPacketsPerSecond)
        level = drainsAll ? 0 : level.saturatingSubtract(drained)
        let room = min(settings.backgroundBurst, 1_000_000) * 1_000
        level = level.saturatingAdd(min(fresh, 2_000_000) * 1_000)
        if fresh > 0 { lastPacket = now }
        guard level > room else { return }
        level = room
        lastTraffic = now
    }

    mutating func packet(at now: Instant) { lastPacket = now }

    /// Mining had to stop, after it had gone on since `start`.
    mutating func interrupt(at now: Instant, since start: Instant, byPacket: Bool, _ settings: IdleSettings) {
        let mined = now - start
        if mined < settings.quiet {
            doublings = min(doublings + 1, Self.doublingsMax)
        } else {
            let paid = mined.count / Self.worth >= breathNeeded(settings).count ? 1 : 0
            doublings = max(0, doublings - max(paid, Int(clamping: mined.count / Self.stretch.count)))
        }
        interrupted = now
        wasPacket = byPacket
    }

    func isTrafficOver(at now: Instant, _ settings: IdleSettings) -> Bool {
        lastTraffic.map { now - $0 >= settings.quiet } ?? true
    }

    func quietNeeded(_ settings: IdleSettings) -> Nanoseconds { grown(settings.quiet, settings) }
    func breathNeeded(_ settings: IdleSettings) -> Nanoseconds { grown(settings.breath, settings) }

    private func grown(_ base: Nanoseconds, _ settings: IdleSettings) -> Nanoseconds {
        let (product, overflow) = base.count.multipliedReportingOverflow(by: 1 << Int64(doublings))
        return max(base, min(settings.quietMax, Nanoseconds(overflow ? .max : product)))
    }
}
