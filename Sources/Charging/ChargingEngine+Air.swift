import OrderedCollections
import Primitives

/// Sessions that begin and end on the air: with a key whose buyer pays, association opens the session.
///
/// ```
///  joined ─▶ active ─── away ──▶ waits, nothing is charged ── joined with the same key ──▶ active
///                                      └── not back within `rejoinGrace` ──▶ ended
/// ```
extension ChargingEngine {
    /// A device's keys are in place. Its session begins, goes on after a break, or ends when it came back as somebody else's.
    mutating func join(_ association: Association, at now: Moment, _ outcome: inout Outcome) throws(ChargingError) {
        guard !blocked.contains(association.mac) else { throw .blocked(association.mac) }
        let key = association.key.flatMap { keys[$0] }
        learn(association.mac, of: key, &outcome)
        if let id = sessionByMAC[association.mac], let session = sessions[id] {
            if session.key == nil || association.key == nil || session.key == association.key {
                return resume(id, association, at: now, &outcome)
            }
            // Another's key and the same address: whoever it is, this session's buyer does not pay for it.
            end(id, .moved, at: now, &outcome)
        }
        guard let key, !key.isRevoked, let funding = key.funding, let tariff = association.tariff else { return }
        if case .code(let digest) = funding { try checkCode(digest, at: now) }
        let request = OpenRequest(
            id: association.id, port: association.port, mac: association.mac, addresses: association.addresses, tariff: tariff,
            payment: .key(key.number))
        try open(request, at: now, &outcome)
    }

    private mutating func resume(_ id: SessionID, _ association: Association, at now: Moment, _ outcome: inout Outcome) {
        let new = usable(association.addresses, by: association.mac)
        let limit = limits.addressesPerSession
        change(id) { session in
            let known = session.addresses.filter { !new.contains($0) }
            session.addresses = Array((known + new).suffix(limit))
            session.port = association.port
            session.key = association.key ?? session.key
            session.comeBack(at: now)
        }
        outcome.session = id
        renew(id, at: now, &outcome, force: true, save: true)
    }

    /// A device is no longer on the air, and was last heard at `since`. From then on nothing is charged.
    mutating func goAway(_ mac: MACAddress, from port: String, since: Instant, at now: Moment, _ outcome: inout Outcome) {
        guard let id = sessionByMAC[mac], let session = sessions[id], session.port == port, session.awaySince == nil else {
            return
        }
        change(id) { $0.goAway(since: since, at: now) }
        renew(id, at: now, &outcome, force: true, save: true)
    }

    mutating func add(_ key: WirelessKey, _ outcome: inout Outcome) throws(ChargingError) {
        guard keys.count < limits.keys else { throw .keyLimit(limits.keys) }
        keys[key.number] = key
        outcome.actions.append(.persist(.key(key)))
    }

    mutating func revoke(key number: UInt32, at now: Moment, _ outcome: inout Outcome) throws(ChargingError) {
        guard keys[number] != nil else { throw .keyUnknown(number) }
        keys[number]!.isRevoked = true
        outcome.actions.append(.persist(.key(keys[number]!)))
        for session in sessions.values where session.key == number { end(session.id, .disconnected, at: now, &outcome) }
    }

    /// A key without a device gets its first. An address that is another key's stays that key's.
    private mutating func learn(_ mac: MACAddress, of key: WirelessKey?, _ outcome: inout Outcome) {
        guard var key, key.mac == nil, !keys.values.contains(where: { $0.mac == mac && !$0.isRevoked }) else { return }
        key.mac = mac
        keys[key.number] = key
        outcome.actions.append(.persist(.key(key)))
    }
}

extension Session {
    public var isAway: Bool { awaySince != nil }

    mutating func goAway(since: Instant, at now: Moment) {
        // What was charged beyond it, because nobody knew yet, is taken back: but nothing of before it was last here.
        let since = max(since, presentSince ?? since)
        if anchor > since { usage.remove(time: min(anchor - since, usage.time)) }
        accrue(to: Moment(boot: max(since, anchor), wall: now.wall))
        anchor = max(anchor, now.boot)
        awaySince = min(since, now.boot)
    }

    mutating func comeBack(at now: Moment) {
        guard isAway else { return }
        awaySince = nil
        presentSince = now.boot
        anchor = max(anchor, now.boot)
        lastActivity = max(lastActivity, now.boot)
        timeAtLastActivity = usage.time
    }
}
