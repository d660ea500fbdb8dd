public import OrderedCollections
public import Primitives

/// Online charging (in the sense of 3GPP TS 32.299): every session, channel and access code of one station.
///
/// ```
///  events ──▶ handle ──▶ actions      persist ─▶ disk      first
///  (API, kernel counters, links)      serve, stop, forget ─▶ kernel   then
/// ```
///
/// A value: it does no I/O, reads no clock and draws no random number. The caller may keep a copy and
/// go back to it when persisting failed.
public struct ChargingEngine: Sendable {
    public let station: StationID
    public let limits: ChargingLimits
    public internal(set) var tariffs: [Tariff]
    public internal(set) var sessions: OrderedDictionary<SessionID, Session> = [:]
    public internal(set) var channels: [ChannelID: ChannelAccount] = [:]
    public internal(set) var codes: OrderedDictionary<Bytes32, AccessCode> = [:]
    public internal(set) var keys: OrderedDictionary<UInt32, WirelessKey> = [:]
    public internal(set) var blocked: Set<MACAddress> = []

    var sessionByMark: [UInt32: SessionID] = [:]
    var sessionByMAC: [MACAddress: SessionID] = [:]
    var sessionByFunding: [Funding: SessionID] = [:]
    var sessionByAddress: [IPAddress: SessionID] = [:]
    private var lastMark: UInt32 = 0
    /// The gate keeps the top bit for itself.
    private static let largestMark: UInt32 = 0x7fff_ffff
    /// Sessions whose grants are from before the start: they are worked out anew once the kernel's counters are in.
    var restored: Set<SessionID> = []

    /// An engine that starts from what was on disk and what the kernel still holds. There is no other start.
    ///
    /// - Parameters:
    ///   - marks: whom the kernel knows.
    ///   - sameBoot: whether the stored instants are of this boot.
    /// - Returns: what to do at once; then read the kernel's counters and hand them in by `sampled`.
    public static func restore(
        station: StationID, tariffs: [Tariff], limits: ChargingLimits = ChargingLimits(), from stored: StoredState,
        marks: some Sequence<UInt32>, sameBoot: Bool, at now: Moment
    ) -> (engine: ChargingEngine, actions: [Action]) {
        var engine = ChargingEngine(station: station, limits: limits, tariffs: tariffs)
        for account in stored.channels { engine.channels[account.channel.id] = account }
        for code in stored.codes.sorted(by: { $0.number < $1.number }) { engine.codes[code.digest] = code }
        for key in stored.keys.sorted(by: { $0.number < $1.number }) { engine.keys[key.number] = key }
        engine.blocked = Set(stored.blocked)
        let held = Set(marks)
        engine.lastMark = min(max(held.max() ?? 0, stored.sessions.map(\.mark).max() ?? 0), largestMark)
        var actions: [Action] = []
        for var session in stored.sessions.sorted(by: { $0.mark < $1.mark }) {
            if !sameBoot || !held.contains(session.mark) {
                session.rebase(mark: engine.takeMark(), at: now)
                actions.append(.persist(.session(session)))
            }
            engine.insert(session)
            engine.restored.insert(session.id)
            if case .ending = session.state { actions.append(.stop(mark: session.mark)) }
        }
        for mark in held.sorted() where engine.sessionByMark[mark] == nil { actions.append(.forget(mark: mark)) }
        return (engine, actions)
    }

    init(station: StationID, limits: ChargingLimits, tariffs: [Tariff]) {
        self.station = station
        self.limits = limits
        self.tariffs = tariffs
    }

    /// Takes one event in. A refused event changes nothing.
    public mutating func handle(_ event: ChargingEvent, at now: Moment) throws(ChargingError) -> Outcome {
        var outcome = Outcome()
        switch event {
        case .open(let request): try open(request, at: now, &outcome)
        case .paid(let voucher): try pay(voucher, at: now, &outcome)
        case .sampled(let readings, let unapplied): sample(readings, unapplied, at: now, &outcome)
        case .seen(let port, let mac, let addresses): learn(addresses, of: mac, on: port, at: now, &outcome)
        case .joined(let association): try join(association, at: now, &outcome)
        case .away(let port, let mac, let since): goAway(mac, from: port, since: since, at: now, &outcome)
        case .end(let id, let reason):
            guard sessions[id] != nil else { throw .sessionUnknown(id) }
            end(id, reason, at: now, &outcome)
        case .drained(let marks): for mark in marks { finish(mark, at: now, &outcome) }
        case .channel(let event): try take(event, at: now, &outcome)
        case .codesCreated(let created): try add(created, &outcome)
        case .codeRevoked(let number): try revoke(number, at: now, &outcome)
        case .keyCreated(let key): try add(key, &outcome)
        case .keyRevoked(let number): try revoke(key: number, at: now, &outcome)
        case .block(let mac, let isBlocked): block(mac, isBlocked, at: now, &outcome)
        case .tariffs(let changed): tariffs = changed
        case .save:
            for session in sessions.values { outcome.actions.append(.persist(.session(session))) }
        }
        return outcome
    }

    // MARK: the indexes of `sessions`

    mutating func takeMark() -> UInt32 {
        repeat { lastMark = lastMark < Self.largestMark ? lastMark + 1 : 1 } while sessionByMark[lastMark] != nil
        return lastMark
    }

    mutating func insert(_ session: Session) {
        sessions[session.id] = session
        index(session)
    }

    private mutating func index(_ session: Session) {
        sessionByMark[session.mark] = session.id
        if session.funding != .free { sessionByFunding[session.funding] = session.id }
        guard session.isActive else { return }
        sessionByMAC[session.mac] = session.id
        for address in session.addresses { sessionByAddress[address] = session.id }
    }

    /// Changes a session's device or state, and what it is found by.
    mutating func change(_ id: SessionID, _ body: (inout Session) -> Void) {
        guard var session = sessions[id] else { return }
        unindex(session)
        body(&session)
        sessions[id] = session
        index(session)
    }

    mutating func remove(_ id: SessionID) {
        guard let session = sessions.removeValue(forKey: id) else { return }
        unindex(session)
        sessionByMark[session.mark] = nil
    }

    private mutating func unindex(_ session: Session) {
        if sessionByMAC[session.mac] == session.id { sessionByMAC[session.mac] = nil }
        if sessionByFunding[session.funding] == session.id { sessionByFunding[session.funding] = nil }
        for address in session.addresses where sessionByAddress[address] == session.id { sessionByAddress[address] = nil }
    }

    // MARK: questions

    /// All that recovery would start from, were it all on disk.
    public var state: StoredState {
        var state = StoredState()
        state.sessions = Array(sessions.values)
        state.channels = channels.values.sorted { $0.channel.id < $1.channel.id }
        state.codes = Array(codes.values)
        state.keys = Array(keys.values)
        state.blocked = blocked.sorted()
        return state
    }

    public func session(of mac: MACAddress) -> Session? { sessionByMAC[mac].flatMap { sessions[$0] } }

    public func session(paidBy funding: Funding) -> Session? { sessionByFunding[funding].flatMap { sessions[$0] } }

    /// What its channel has paid, and not yet used up by earlier sessions.
    public func balance(of session: Session) -> QLC {
        guard case .channel(let id) = session.funding else { return .zero }
        return channels[id]?.balance ?? .zero
    }

    /// What `session` may still use, counted from its last sample.
    public func left(of session: Session, at now: Moment) -> Grant {
        let bytes = session.grantedBytes.map { $0.saturatingSubtract(session.usage.bytes) }
        let time = session.servedUntil.map { max(.zero, $0 - now.boot) }
        return Grant(bytes: bytes, time: time)
    }
}
