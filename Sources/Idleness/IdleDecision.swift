import HAL
public import Primitives

/// Decides when the station mines. See the module's page; ``Quiet`` says how it reads traffic.
///
/// It acts on events alone: give it a reading about once a second. Without one for ``staleAfter`` it stops. What it did is repeated by the
/// same events at the same moments.
public struct IdleDecision: Sendable {
    /// A reading older than this says nothing of now.
    public static let staleAfter = Nanoseconds.seconds(15)
    /// A worker that could not run is tried again.
    public static let refusalRetry = Nanoseconds.seconds(600)
    /// The words of a worker that refused, in characters.
    static let wordsMax = 200

    public private(set) var history: IdleHistory
    public private(set) var isMining = false
    public private(set) var mode: MiningMode?

    private var settings: IdleSettings?
    private var board = IdleBoard()
    private var quiet = Quiet()
    private var pause: Pause?
    private var refusal: (why: String, at: Instant)?
    private var noWork: String?
    private var prepared: MiningMode?
    private var mayHoldMemory = false
    private var preparation: [MiningMode: Nanoseconds] = [:]
    private var since = Instant.zero
    private var reasons: [IdleReason] = [.notConfigured]

    private struct Pause: Sendable { var until: Instant? }

    /// - Parameter settings: nil: mining is not configured
    public init(_ settings: IdleSettings? = nil, history: IdleHistory = IdleHistory(), at now: Moment) {
        self.settings = settings
        self.history = history
        since = now.boot
        reasons = reasons(at: now)
    }

    public mutating func handle(_ event: IdleEvent, at now: Moment) -> [IdleAction] {
        // Up to now it was as it was decided last.
        history.account(
            to: now, isIdle: reasons.allSatisfy(\.isOwn), isMining: isMining, utcOffsetMinutes: settings?.utcOffsetMinutes ?? 0)
        take(event, at: now)
        return decide(at: now)
    }

    private mutating func take(_ event: IdleEvent, at now: Moment) {
        let used = settings ?? IdleSettings()
        switch event {
        case .reading(let reading):
            board.take(reading, at: now.boot, used)
            quiet.count(reading.activity.clientPackets, at: now.boot, used)
        case .packetSeen:
            quiet.packet(at: now.boot)
            if isMining { quiet.interrupt(at: now.boot, since: since, byPacket: true, used) }
        case .ownerPaused(let until): pause = Pause(until: until)
        case .ownerResumed: (pause, refusal) = (nil, nil)
        case .configured(let settings): (self.settings, refusal) = (settings, nil)
        case .noWork(let why): noWork = why.map { String($0.prefix(Self.wordsMax)) }
        case .workerReady(let mode, let took):
            (prepared, refusal) = (mode, nil)
            preparation[mode] = max(.zero, took)
        case .workerRefused(let why):
            refusal = (String(why.prefix(Self.wordsMax)), now.boot)
            prepared = nil
        }
    }

    private mutating func decide(at now: Moment) -> [IdleAction] {
        if !isMining { mode = chosenMode(at: now) }
        reasons = reasons(at: now)
        var actions: [IdleAction] = []
        if isMining, !reasons.isEmpty {
            // An owner's word is no sign that the quiet was too short.
            if quiet.interrupted != now.boot, reasons.contains(where: { !$0.isOwn }), let settings {
                quiet.interrupt(at: now.boot, since: since, byPacket: false, settings)
            }
            (isMining, since) = (false, now.boot)
            actions.append(.yield)
        } else if !isMining, reasons.isEmpty, let mode {
            (isMining, since, mayHoldMemory) = (true, now.boot, true)
            actions.append(.start(mode))
        }
        if mayHoldMemory, !isMining, reasons.contains(where: \.wantsMemory) {
            (mayHoldMemory, prepared) = (false, nil)
            actions.append(.release)
        }
        return actions
    }

    // MARK: which mode

    /// The one that is prepared, while it fits; else the fastest that is worth preparing, else the fastest that fits.
    private func chosenMode(at now: Moment) -> MiningMode? {
        guard let settings else { return nil }
        let fitting = [MiningMode.fast, .light].filter { board.memory.fits($0) && ($0 == .light || settings.allowsFast) }
        if let prepared, fitting.contains(prepared) { return prepared }
        return fitting.first { worth($0, at: now) == nil } ?? fitting.last
    }

    /// What stands against preparing; nil: it is worth it, or done.
    private func worth(_ mode: MiningMode, at now: Moment) -> IdleReason? {
        guard let settings, prepared != mode, let expected = history.expectedIdle(at: now, settings.utcOffsetMinutes) else {
            return nil
        }
        let cost = preparation[mode] ?? mode.preparationGuess
        let (product, overflow) = cost.count.multipliedReportingOverflow(by: max(1, settings.worthMultiple))
        let needed = Nanoseconds(overflow ? .max : product)
        return expected < needed ? .notWorth(expected: expected, preparation: cost, needed: needed) : nil
    }

    // MARK: why not

    private func reasons(at now: Moment) -> [IdleReason] {
        // What the board has against it is looked at also where mining is off: idle time is known before anybody decides to mine.
        let isConfigured = settings != nil
        let settings = settings ?? IdleSettings()
        var found = (isConfigured ? [] : [IdleReason.notConfigured]) + owners(settings, at: now)
        found += board.reasons(at: now.boot, settings)
        if isMining, let mode, !board.memory.fits(mode), board.memory.fits(.light) {
            // It starts again in the mode that still fits.
            found.append(.memoryShort(free: board.memory.free, mode, needed: mode.memory))
        }
        found += clients(settings, at: now.boot)
        if found.isEmpty, !isMining, let mode, let reason = worth(mode, at: now) { found.append(reason) }
        return found
    }

    private func owners(_ settings: IdleSettings, at now: Moment) -> [IdleReason] {
        var found: [IdleReason] = []
        if let pause, pause.until.map({ $0 > now.boot }) ?? true { found.append(.pausedByOwner(until: pause.until)) }
        if let refusal, now.boot - refusal.at < Self.refusalRetry {
            found.append(.refused(refusal.why, again: refusal.at + Self.refusalRetry))
        }
        if let noWork { found.append(.noWork(noWork)) }
        let hours = Array(settings.hours.prefix(IdleSettings.hoursLimit))
        guard !hours.isEmpty else { return found }
        guard now.wall.isCredible else { return found + [.clockNotSet] }
        let minute = now.wall.civil(offsetMinutes: settings.utcOffsetMinutes).secondOfDay / 60
        if !hours.contains(where: { $0.contains(minute) }) {
            let waits = hours.map { ($0.from - minute + DailyHours.day) % DailyHours.day }
            let next = (minute + (waits.min() ?? 0)) % DailyHours.day
            found.append(.outsideHours(hours, nextMinute: next))
        }
        return found
    }

    private func clients(_ settings: IdleSettings, at now: Instant) -> [IdleReason] {
        var found: [IdleReason] = []
        let needed = quiet.quietNeeded(settings)
        if let last = quiet.lastTraffic {
            if !quiet.isTrafficOver(at: now, settings) {
                found.append(.traffic(last: last, needed: needed))
            } else if !isMining, now - last < needed {
                // The board is idle; that mining waits longer is its own caution.
                found.append(.settling(since: last, needed: needed, packet: quiet.lastPacket))
            }
        }
        let breath = quiet.breathNeeded(settings)
        if found.isEmpty, let stopped = quiet.interrupted, now - stopped < breath {
            found.append(.settling(since: stopped, needed: breath, packet: quiet.wasPacket ? quiet.lastPacket : nil))
        }
        return found
    }

    // MARK: what is told

    public func state(at now: Moment) -> IdleState {
        let words = reasons.map { $0.words(at: now, utcOffsetMinutes: settings?.utcOffsetMinutes ?? 0) }
        return IdleState(
            isMining: isMining,
            isPausedByOwner: reasons.contains { if case .pausedByOwner = $0 { true } else { false } }, since: since, mode: mode,
            reasons: words, why: words.first ?? idleWords(at: now.boot))
    }

    private func idleWords(at now: Instant) -> String {
        let silence = quiet.lastPacket.map { "no client used the network for \(IdleWords.words(now - $0))" }
        let sessions: String? =
            switch board.sessions {
            case 0: board.isSharing ? nil : "the owner does not share"
            case 1: "one session is open and silent"
            case let count: "\(count) sessions are open and silent"
            }
        return "the board is idle: "
            + [silence ?? "no client used the network", sessions].compactMap { $0 }.joined(separator: "; ")
    }
}
