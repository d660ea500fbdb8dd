import OrderedCollections
import Primitives

extension ChargingEngine {
    /// A voucher makes service: it is on disk before the kernel is told.
    mutating func pay(_ voucher: Verified<Voucher>, at now: Moment, _ outcome: inout Outcome) throws(ChargingError) {
        let id = voucher.value.channel
        guard var account = channels[id] else { throw .channelUnknown(id) }
        let isRepeated = voucher.signed == account.voucher
        let before = account.paid
        try account.accept(voucher)
        outcome.session = sessionByFunding[.channel(id)]
        guard !isRepeated else { return }
        channels[id] = account
        outcome.actions.append(.persist(.channel(account)))
        guard let session = outcome.session else { return }
        var isDonation = false
        if let index = sessions.index(forKey: session) {
            sessions.values[index].window.paid(at: now.boot, within: sessions.values[index].tariff.creditWindow)
            sessions.values[index].lastActivity = max(sessions.values[index].lastActivity, now.boot)
            if sessions.values[index].isGivenTo {
                sessions.values[index].donated += account.paid - before
                isDonation = true
            }
        }
        renew(session, at: now, &outcome, force: true, save: isDonation)
    }

    mutating func take(_ event: ChannelEvent, at now: Moment, _ outcome: inout Outcome) throws(ChargingError) {
        switch event {
        case .opened(let channel):
            guard channels[channel.id] == nil else { return }  // told again after a restart
            guard channels.count < limits.channels else { throw .channelLimit(limits.channels) }
            channels[channel.id] = ChannelAccount(channel: channel)
            outcome.actions.append(.persist(.channel(channels[channel.id]!)))
        case .toppedUp(let id, let deposit):
            guard var account = channels[id] else { throw .channelUnknown(id) }
            guard deposit >= account.channel.deposit else { throw .depositShrinks(id) }
            account.channel.deposit = deposit
            channels[id] = account
            outcome.actions.append(.persist(.channel(account)))
        case .closed(let id):
            guard var account = channels[id] else { throw .channelUnknown(id) }
            account.isClosed = true
            channels[id] = account
            outcome.actions.append(.persist(.channel(account)))
            if let session = sessionByFunding[.channel(id)] { end(session, .disconnected, at: now, &outcome) }
        }
    }

    mutating func add(_ created: [AccessCode], _ outcome: inout Outcome) throws(ChargingError) {
        guard codes.count + created.count <= limits.codes else { throw .codeLimit(limits.codes) }
        for code in created {
            codes[code.digest] = code
            outcome.actions.append(.persist(.code(code)))
        }
    }

    mutating func revoke(_ number: UInt32, at now: Moment, _ outcome: inout Outcome) throws(ChargingError) {
        guard let index = codes.values.firstIndex(where: { $0.number == number }) else { throw .codeUnknown }
        codes.values[index].isRevoked = true
        outcome.actions.append(.persist(.code(codes.values[index])))
        let funding = Funding.code(codes.values[index].digest)
        if let session = sessionByFunding[funding] { end(session, .disconnected, at: now, &outcome) }
    }
}
