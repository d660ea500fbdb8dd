import Charging
import HAL
import OrderedCollections
import Primitives
import SimulatedHAL

/// What the people at the devices ask of the station.
extension StationSimulation {
    mutating func buyersAct() -> [SimulatedRequest] {
        guard let engine else { return [] }
        var requests: [SimulatedRequest] = []
        for index in wallets.indices where world.elapsed >= wallets[index].nextAct {
            wallets[index].nextAct = world.elapsed + random.milliseconds(300...1_500)
            requests += act(index, engine)
        }
        return requests
    }

    private mutating func act(_ index: Int, _ engine: ChargingEngine) -> [SimulatedRequest] {
        let wallet = wallets[index]
        guard let client = world.client(wallet.number) else { return [] }
        var session = wallet.session.flatMap { engine.sessions[$0] }
        if session?.isActive != true { session = nil }
        guard client.isPresent else { return farewell(index, client, session) }
        // Frames do not get through, or are somebody else's.
        guard client.disguise == nil, world.faults[.radioGone] == nil, world.faults[.interfaceDown] == nil else { return [] }
        if wallet.isPaying, engine.channels[wallet.channel.id] == nil {
            return [SimulatedRequest(event: .channel(.opened(wallet.channel)))]
        }
        if wallet.habit == .code, engine.codes[wallet.codes[0].digest] == nil {
            return [SimulatedRequest(event: .codesCreated(wallet.codes))]
        }
        if let away = engine.session(of: client.mac), away.isAway { return [SimulatedRequest(event: comeBack(client, away))] }
        guard let session, session.mac == client.mac else { return open(index, client) }
        if random.chance(1, in: 150) {
            wallets[index].session = nil
            return [SimulatedRequest(event: .end(session.id, .left))]
        }
        if wallet.habit == .code { return useNextCode(index, session, engine) }
        guard wallet.isPaying else { return [] }
        return pay(index, session, engine)
    }

    /// What the radio tells when the device is there again.
    private func comeBack(_ client: SimulatedClient, _ session: Session) -> ChargingEvent {
        .joined(Association(port: client.port, mac: client.mac, key: nil, addresses: [], id: session.id, tariff: nil))
    }

    private mutating func farewell(_ index: Int, _ client: SimulatedClient, _ session: Session?) -> [SimulatedRequest] {
        wallets[index].session = nil
        guard let session, random.chance(1, in: 2) else { return [] }
        if random.chance(1, in: 2) {
            return [SimulatedRequest(event: .away(port: client.port, mac: client.mac, since: world.now.boot))]
        }
        return [SimulatedRequest(event: .end(session.id, .left))]
    }

    private mutating func open(_ index: Int, _ client: SimulatedClient) -> [SimulatedRequest] {
        // All that the station saw the device use, as its directory of clients has it.
        let seen = (try? world.neighbours(on: client.port)) ?? []  // the port is there
        let addresses = seen.filter { $0.mac == client.mac }.map(\.address)
        let payment: OpenRequest.Payment
        switch wallets[index].habit {
        case .free: payment = .free
        case .code: payment = .code(wallets[index].codes[wallets[index].codeIndex].digest)
        case .replays:
            let old = random.chance(1, in: 3) ? wallets[index].oldAcceptance : nil
            payment = .channel(old ?? wallets[index].accept(as: client.mac))
        default: payment = .channel(wallets[index].accept(as: client.mac))
        }
        let id = SessionID(UInt128(random.next()) << 64 | UInt128(random.next()))
        let request = OpenRequest(
            id: id, port: client.port, mac: client.mac, addresses: addresses, tariff: wallets[index].tariff, payment: payment)
        return [SimulatedRequest(event: .open(request), wallet: index, purpose: .open)]
    }

    private mutating func useNextCode(_ index: Int, _ session: Session, _ engine: ChargingEngine) -> [SimulatedRequest] {
        let left = engine.left(of: session, at: world.now)
        guard left.bytes.map({ $0 < 1_500 }) ?? false || left.time == .zero else { return [] }
        guard wallets[index].codeIndex + 1 < wallets[index].codes.count else { return [] }
        wallets[index].codeIndex += 1
        wallets[index].session = nil
        return [SimulatedRequest(event: .end(session.id, .left))]
    }

    private mutating func pay(_ index: Int, _ session: Session, _ engine: ChargingEngine) -> [SimulatedRequest] {
        guard let account = engine.channels[wallets[index].channel.id], world.elapsed >= wallets[index].sulksUntil else {
            return []
        }
        if let unanswered = wallets[index].unanswered {
            return [SimulatedRequest(event: .paid(unanswered), wallet: index, purpose: .pay)]
        }
        if wallets[index].habit == .donates {
            return random.chance(1, in: 10) ? voucher(index, account.paid + QLC(units: 1_000)) : []
        }
        let window = session.window.amount
        let ahead = account.balance - session.charge
        let needs = account.charged + session.charge + window + window
        switch wallets[index].habit {
        case .paysLate where ahead > QLC(units: 2): return []
        case .paysLate: if random.chance(2, in: 3) { return [] }
        case .stopsPaying where random.chance(1, in: 8):
            wallets[index].sulksUntil = world.elapsed + .seconds(random.number(10...40))
            return []
        case .overpays where random.chance(1, in: 4):
            return voucher(
                index, random.chance(1, in: 2) ? needs + window + window + window : wallets[index].deposit + QLC(units: 1))
        case .replays where random.chance(1, in: 3):
            guard let old = wallets[index].accepted.first else { break }
            return [SimulatedRequest(event: .paid(old), wallet: nil)]
        case .forges where random.chance(1, in: 3):
            let forged = wallets[index].voucher(for: needs + window, forgedBy: forger)
            return [SimulatedRequest(event: .paid(forged), wallet: nil)]
        default: break
        }
        guard ahead < window else { return [] }
        if needs > wallets[index].deposit {
            wallets[index].deposit = wallets[index].deposit + QLC(units: 50_000_000)
            return [SimulatedRequest(event: .channel(.toppedUp(wallets[index].channel.id, deposit: wallets[index].deposit)))]
        }
        return voucher(index, needs)
    }

    private mutating func voucher(_ index: Int, _ amount: QLC) -> [SimulatedRequest] {
        let voucher = wallets[index].voucher(for: amount)
        wallets[index].unanswered = voucher
        return [SimulatedRequest(event: .paid(voucher), wallet: index, purpose: .pay)]
    }

    /// The owner's doings: seldom, and taken back soon.
    mutating func ownerActs() -> [SimulatedRequest] {
        guard let engine else { return [] }
        if let mac = blockedByOwner.first, random.chance(1, in: 8) {
            blockedByOwner.removeFirst()
            return [SimulatedRequest(event: .block(mac, false))]
        }
        guard random.chance(1, in: 150), let session = engine.sessions.values.first else { return [] }
        switch random.number(0...2) {
        case 0:
            blockedByOwner.append(session.mac)
            return [SimulatedRequest(event: .block(session.mac, true))]
        case 1: return [SimulatedRequest(event: .end(session.id, .disconnected))]
        default: return [SimulatedRequest(event: .save)]
        }
    }

    /// The answer to a request has come.
    mutating func answer(_ request: SimulatedRequest, _ result: Result<Outcome, any Error>) {
        switch result {
        case .success(let outcome):
            meet("accepted \(Self.name(of: request.event))")
            guard let wallet = request.wallet else { return }
            switch request.purpose {
            case .open: wallets[wallet].session = outcome.session
            case .pay:
                guard let voucher = wallets[wallet].unanswered else { return }
                wallets[wallet].unanswered = nil
                wallets[wallet].accepted = wallets[wallet].accepted.suffix(3) + [voucher]
            case .other: break
            }
        case .failure(let error as ChargingError):
            meet("refused \(Self.name(of: error))")
            guard let wallet = request.wallet else { return }
            if request.purpose == .pay { wallets[wallet].unanswered = nil }
            if case .codeSpent = error, wallets[wallet].codeIndex + 1 < wallets[wallet].codes.count {
                wallets[wallet].codeIndex += 1
            }
            if case .acceptanceStale(_, let last) = error { wallets[wallet].acceptanceSequence = last }
        case .failure: meet("answered with a failure")
        }
    }

    static func name(of event: ChargingEvent) -> String {
        switch event {
        case .open: "open"
        case .paid: "payment"
        case .sampled: "sample"
        case .seen: "address"
        case .joined: "association"
        case .away: "departure"
        case .end: "end"
        case .drained: "drained"
        case .channel: "channel"
        case .codesCreated: "codes"
        case .codeRevoked: "revocation"
        case .keyCreated: "key"
        case .keyRevoked: "key's revocation"
        case .block: "block"
        case .tariffs: "tariffs"
        case .save: "save"
        }
    }

    private static func name(of error: ChargingError) -> String {
        switch error {
        case .sessionUnknown: "unknown session"
        case .sessionClosing: "closing session"
        case .noAddress: "no address"
        case .blocked: "blocked"
        case .depositExceeded: "deposit exceeded"
        case .wrongKey: "wrong key"
        case .acceptanceStale: "stale acceptance"
        case .voucherInvalid: "invalid voucher"
        case .voucherStale: "stale voucher"
        case .codeSpent: "spent code"
        default: "otherwise"
        }
    }
}
