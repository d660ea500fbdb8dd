import OrderedCollections
import Primitives

extension ChargingEngine {
    /// Opens a session, or moves the one this payment has open already to the device that asks.
    mutating func open(_ request: OpenRequest, at now: Moment, _ outcome: inout Outcome) throws(ChargingError) {
        guard !blocked.contains(request.mac) else { throw .blocked(request.mac) }
        let (funding, buyer) = try funding(of: request, at: now)
        let existing = sessionByFunding[funding] ?? keySession(of: request)
        if let existing, sessions[existing]?.isActive == false { throw .sessionClosing(existing) }
        let addresses = usable(request.addresses, by: request.mac, movedFrom: existing)
        if case .key = request.payment {} else if addresses.isEmpty { throw .noAddress(request.mac) }
        if existing == nil, sessionByMAC[request.mac] == nil {
            guard sessions.count < limits.sessions else { throw .sessionLimit(limits.sessions) }
        }
        if case .channel(let acceptance) = request.payment {
            channels[acceptance.value.channel]?.acceptanceSequence = acceptance.value.sequence
            channels[acceptance.value.channel]?.visitKey = acceptance.value.visitKey
            outcome.actions.append(.persist(.channel(channels[acceptance.value.channel]!)))
        }
        if let other = sessionByMAC[request.mac], other != existing { end(other, .moved, at: now, &outcome) }
        let id = existing ?? request.id
        if existing != nil {
            change(id) { session in
                (session.port, session.mac, session.addresses) = (request.port, request.mac, addresses)
                session.key = request.key
                session.lastActivity = now.boot
                session.comeBack(at: now)
            }
        } else {
            var session = Session(
                id: id, port: request.port, mac: request.mac, addresses: addresses, funding: funding, buyer: buyer,
                tariff: request.tariff, mark: takeMark(), at: now)
            session.key = request.key
            insert(session)
        }
        renew(id, at: now, &outcome, force: true, save: true)
        outcome.session = id
    }

    private func funding(of request: OpenRequest, at now: Moment) throws(ChargingError) -> (Funding, PublicKey?) {
        switch request.payment {
        case .channel(let acceptance):
            let terms = acceptance.value
            guard let account = channels[terms.channel] else { throw .channelUnknown(terms.channel) }
            guard !account.isClosed else { throw .channelClosed(terms.channel) }
            guard acceptance.signer == account.channel.sessionKey else { throw .wrongKey(terms.channel) }
            guard terms.client == request.mac else {
                throw .voucherInvalid("the acceptance is for \(terms.client), not \(request.mac)")
            }
            guard terms.sequence > account.acceptanceSequence else {
                throw .acceptanceStale(sequence: terms.sequence, last: account.acceptanceSequence)
            }
            return (.channel(terms.channel), account.channel.payer)
        case .code(let digest):
            try checkCode(digest, at: now)
            return (.code(digest), nil)
        case .key(let number):
            guard let key = keys[number], !key.isRevoked, let funding = key.funding else { throw .keyUnknown(number) }
            guard case .channel(let id) = funding else { return (funding, nil) }
            guard let account = channels[id] else { throw .channelUnknown(id) }
            guard !account.isClosed else { throw .channelClosed(id) }
            return (funding, account.channel.payer)
        case .free:
            guard request.tariff.isFree else { throw .notFree(tariff: request.tariff.id) }
            return (.free, nil)
        }
    }

    /// Refuses a code on which nothing is left.
    func checkCode(_ digest: Bytes32, at now: Moment) throws(ChargingError) {
        guard let code = codes[digest] else { throw .codeUnknown }
        let used = session(paidBy: .code(digest))?.usage ?? Usage()
        let left = code.grant(after: used, at: now.wall)
        guard left.bytes != 0, left.time != .zero else { throw .codeSpent(code.number) }
    }

    /// The session of a key that pays for nothing in particular is found by its device.
    private func keySession(of request: OpenRequest) -> SessionID? {
        guard case .key(let number) = request.payment, let id = sessionByMAC[request.mac], sessions[id]?.key == number else {
            return nil
        }
        return id
    }

    /// Those of `addresses` that a device can own and nobody else's session holds, in order.
    func usable(_ addresses: [IPAddress], by mac: MACAddress, movedFrom existing: SessionID? = nil) -> [IPAddress] {
        let free = addresses.filter { address in
            guard address.isUnicast, !address.isLinkLocal else { return false }
            return sessionByAddress[address].map { $0 == existing || sessions[$0]?.mac == mac } ?? true
        }
        return Array(Set(free).sorted().prefix(limits.addressesPerSession))
    }

    /// A device of an open session uses more addresses. One that belongs to another session stays there: first come, first served.
    /// Of too many the oldest go: privacy addresses are used for a day and then no more.
    mutating func learn(
        _ addresses: [IPAddress], of mac: MACAddress, on port: String, at now: Moment, _ outcome: inout Outcome
    ) {
        guard let id = sessionByMAC[mac], let session = sessions[id], session.port == port else { return }
        let new = usable(addresses, by: mac).filter { !session.addresses.contains($0) }
        guard !new.isEmpty else { return }
        let all = Array((session.addresses + new).suffix(limits.addressesPerSession))
        change(id) { $0.addresses = all }
        renew(id, at: now, &outcome, force: true, save: true)
    }

    /// Stops service. The account is closed when the kernel's last counters are in.
    mutating func end(_ id: SessionID, _ reason: EndReason, at now: Moment, _ outcome: inout Outcome) {
        guard let session = sessions[id], session.isActive else { return }
        change(id) { session in
            session.accrue(to: now)
            session.state = .ending(reason)
        }
        outcome.actions += [.persist(.session(sessions[id]!)), .stop(mark: session.mark)]
        outcome.session = id
    }

    /// Closes the account of an ending session: its usage record is what remains.
    mutating func finish(_ mark: UInt32, at now: Moment, _ outcome: inout Outcome) {
        guard let id = sessionByMark[mark], var session = sessions[id], case .ending(let reason) = session.state else {
            return
        }
        if reason == .idle { session.usage.remove(time: session.usage.time - session.timeAtLastActivity) }
        var account = channel(of: session)
        let charges = charges(of: session)
        session.charge = charges.reduce(.zero) { $0 + $1.charged } + session.donated
        var code: AccessCode?
        if case .code(let digest) = session.funding, var used = codes[digest] {
            used.usedBytes = used.usedBytes.saturatingAdd(session.usage.bytes)
            used.usedTime += session.usage.time
            codes[digest] = used
            code = used
            outcome.actions.append(.persist(.code(used)))
        }
        let record = UsageRecord(
            station: station, session: id, buyer: session.buyer, accessCode: code?.number, tariffID: session.tariff.id,
            mac: session.mac, startedAt: session.openedAt, endedAt: now.wall, seconds: session.usage.time.wholeSeconds,
            bytesUp: session.usage.bytesUp, bytesDown: session.usage.bytesDown, charge: session.charge,
            paid: account?.paid ?? .zero, voucher: account?.voucher, endReason: reason)
        if account != nil {
            account!.settle(charges)
            account!.charged += session.donated
            channels[account!.channel.id] = account!
            outcome.actions.append(.persist(.channel(account!)))
        }
        remove(id)
        outcome.actions += [.persist(.ended(record, visitKey: account?.visitKey)), .forget(mark: mark)]
    }

    mutating func block(_ mac: MACAddress, _ isBlocked: Bool, at now: Moment, _ outcome: inout Outcome) {
        if isBlocked { blocked.insert(mac) } else { blocked.remove(mac) }
        outcome.actions.append(.persist(.blocked(mac, isBlocked)))
        if isBlocked, let id = sessionByMAC[mac] { end(id, .blocked, at: now, &outcome) }
    }
}
