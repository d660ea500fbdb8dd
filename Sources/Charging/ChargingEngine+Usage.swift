import OrderedCollections
import Primitives

extension ChargingEngine {
    /// Takes in the counters, lets time pass, charges, renews grants, and ends what has timed out.
    mutating func sample(
        _ readings: [MeterReading], _ unapplied: Set<UInt32>, at now: Moment, _ outcome: inout Outcome
    ) {
        for index in sessions.values.indices {
            let session = sessions.values[index]
            if !unapplied.contains(session.mark), !restored.contains(session.id) { sessions.values[index].grantIsApplied() }
        }
        for reading in readings {
            guard let id = sessionByMark[reading.mark], let index = sessions.index(forKey: id) else { continue }
            // Time first: what moved just now was moved at the end of it.
            if sessions.values[index].isActive { sessions.values[index].accrue(to: now) }
            sessions.values[index].count(up: reading.bytesUp, down: reading.bytesDown, at: now)
        }
        var ended: [(SessionID, EndReason)] = []
        for index in sessions.values.indices {
            guard sessions.values[index].isActive else { continue }
            let isRestored = restored.contains(sessions.values[index].id)
            sessions.values[index].accrue(to: now)
            sessions.values[index].charge = charge(of: sessions.values[index])
            let session = sessions.values[index]
            if let reason = timeout(of: session, at: now) {
                ended.append((session.id, reason))
            } else {
                renew(session.id, at: now, &outcome, force: isRestored, save: isSaveDue(session, at: now), isCounted: true)
            }
        }
        restored = []
        for (id, reason) in ended { end(id, reason, at: now, &outcome) }
    }

    private func timeout(of session: Session, at now: Moment) -> EndReason? {
        if let since = session.awaySince { return now.boot - since >= limits.rejoinGrace ? .left : nil }
        if session.usage.time >= .seconds(session.tariff.hardTimeout) || session.usage.isFull { return .expired }
        if now.boot - session.lastActivity >= .seconds(session.tariff.idleTimeout) { return .idle }
        return nil
    }

    private func isSaveDue(_ session: Session, at now: Moment) -> Bool {
        now.boot - session.savedAt >= limits.saveInterval && session.lastActivity > session.savedAt
    }

    /// Works out what a session may use and has the kernel told if that differs enough, or if `force`d.
    ///
    /// - Parameter isCounted: whether the kernel's counters have just been taken in. Unless they have, bytes that passed under the
    ///   last grant may still be unread: the new one stays at its prices, and where time and bytes share what was paid, it waits.
    mutating func renew(
        _ id: SessionID, at now: Moment, _ outcome: inout Outcome, force: Bool, save: Bool, isCounted: Bool = false
    ) {
        guard let index = sessions.index(forKey: id), sessions.values[index].isActive else { return }
        var session = sessions.values[index]
        // Of a device that is not there the kernel is told to serve nobody, if it was ever told of it (not after a reboot).
        guard !session.isAway else {
            if force, session.grantedIn != nil { outcome.actions.append(.serve(session.bearer)) }
            session.charge = charge(of: session)
            sessions.values[index] = session
            if save { outcome.actions.append(.persist(.session(session))) }
            return
        }
        let current = session.tariff.segment(at: now.wall)
        let key = isCounted ? current : session.grantedIn ?? current
        let isStale = force || session.grantedIn != key
        var mustSave = save
        if isStale || !session.isSettledGrant(at: now) {
            session.accrue(to: now)
            session.charge = charge(of: session)
            let isShared = session.grantedBytes != nil && session.servedUntil != nil
            var grant = isShared && !isCounted ? session.grant(at: now) : grant(for: session, in: key, at: now)
            if isStale || session.isWorthRaising(to: grant, at: now) {
                let before = session
                if isShared && isCounted { grant = self.grant(for: session, in: key, at: now, isHeld: true) }
                session.take(grant, in: key, at: now)
                outcome.actions.append(.serve(session.bearer))
                // Recovery must know how long the kernel served, and where time depends on it, how much.
                mustSave = mustSave || session.servedUntil != before.servedUntil
                // And at whose prices: what is used from here on counts there, also when the program starts anew.
                mustSave = mustSave || session.grantedIn != before.grantedIn
                mustSave = mustSave || isShared && session.grantedBytes != before.grantedBytes
            }
        }
        if mustSave { session.savedAt = now.boot }
        sessions.values[index] = session
        if mustSave { outcome.actions.append(.persist(.session(session))) }
    }

    private func grant(for session: Session, in key: Usage.Key, at now: Moment, isHeld: Bool = false) -> Grant {
        switch session.funding {
        case .free: return Grant(bytes: nil, time: nil)
        case .code(let digest):
            return codes[digest]?.grant(after: session.usage, at: now.wall) ?? Grant(bytes: 0, time: .zero)
        case .channel(let id):
            let account = channels[id]
            return session.tariff.grant(
                after: session.usage, in: key, available: account?.balance ?? .zero, earlier: account?.days ?? [],
                boundary: session.tariff.secondsToBoundary(at: now.wall).map(Nanoseconds.seconds),
                held: isHeld ? session.held(at: now) : nil)
        }
    }

    func channel(of session: Session) -> ChannelAccount? {
        guard case .channel(let id) = session.funding else { return nil }
        return channels[id]
    }

    private func charge(of session: Session) -> QLC {
        guard let account = channel(of: session) else { return .zero }
        return min(session.tariff.charge(for: session.usage, earlier: account.days) + session.donated, account.balance)
    }

    /// The charge day by day, in all never above what was paid.
    func charges(of session: Session) -> [DayCharge] {
        guard let account = channel(of: session) else { return [] }
        var left = account.balance
        return session.tariff.dailyCharges(for: session.usage, earlier: account.days).map { day in
            let charged = min(day.charged, left)
            left = left - charged
            return DayCharge(day: day.day, charged: charged)
        }
    }
}

extension Session {
    /// What is paid in it is a donation.
    var isGivenTo: Bool { isActive && tariff.isFree && tariff.acceptsDonations }

    /// Below this a packet may already be too large to pass.
    private static let onePacket: UInt64 = 2_048

    /// Whether the grant is such that using it up does not change it: paid bytes at one price, or nothing limited.
    func isSettledGrant(at now: Moment) -> Bool {
        servedUntil == nil && (grantedBytes == nil || tariff.rates.hasOneBytePrice && tariff.windows.isEmpty)
    }

    /// Small raises are left until half of what the kernel holds is used up, so that it is told seldom.
    func isWorthRaising(to grant: Grant, at now: Moment) -> Bool {
        if (grantedBytes == nil) != (grant.bytes == nil) || (servedUntil == nil) != (grant.time == nil) { return true }
        if let granted = grantedBytes, let bytes = grant.bytes {
            let left = granted.saturatingSubtract(usage.bytes)
            if left < bytes / 2 || left < Self.onePacket && left < bytes { return true }
        }
        if let servedUntil, let time = grant.time {
            let left = max(.zero, servedUntil - now.boot)
            if left.count < time.count / 2 { return true }
        }
        return false
    }

    /// What is left of the grant that the kernel holds.
    func grant(at now: Moment) -> Grant {
        Grant(
            bytes: grantedBytes.map { $0.saturatingSubtract(usage.bytes) }, time: servedUntil.map { max(.zero, $0 - now.boot) })
    }

    mutating func take(_ grant: Grant, in key: Usage.Key, at now: Moment) {
        if let granted = grantedBytes { heldBytes = max(heldBytes ?? 0, granted) }
        if let until = servedUntil { heldUntil = max(heldUntil ?? until, until) }
        grantedBytes = grant.bytes.map { usage.bytes.saturatingAdd($0) }
        servedUntil = grant.time.map { now.boot + $0 }
        grantedIn = key
    }

    /// The kernel goes by the last grant now.
    mutating func grantIsApplied() { (heldBytes, heldUntil) = (grantedBytes, servedUntil) }

    /// The most that the kernel may give while it is not known to have taken the last grant.
    func held(at now: Moment) -> Grant {
        let bytes = [heldBytes, grantedBytes].compactMap(\.self).max()
        let until = [heldUntil, servedUntil].compactMap(\.self).max()
        return Grant(
            bytes: bytes.map { $0.saturatingSubtract(usage.bytes) }, time: until.map { max(.zero, $0 - now.boot) })
    }

    public var bearer: Bearer {
        let before = bytesBeforeMark
        return Bearer(
            mark: mark, port: port, mac: mac, addresses: isAway ? [] : addresses,
            byteLimit: grantedBytes.map { $0.saturatingSubtract(before) }, servedUntil: servedUntil)
    }
}
