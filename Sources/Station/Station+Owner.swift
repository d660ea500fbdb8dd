import Charging
import HAL
import OrderedCollections
import Primitives
import StationAPI

/// What the owner and the technician can ask for.
extension Station {
    func status() async throws -> StatusView {
        let now = clocks.now()
        let today = WallTime(secondsSince1970: now.wall.secondsSince1970 / 86_400 * 86_400)
        let earned = try await (today: store.totals(since: today), all: store.totals(since: WallTime(secondsSince1970: 0)))
        let open = await cashier.read { engine in
            engine.sessions.values.reduce(into: UsageTotals()) { total, session in
                total.bytesUp += session.usage.bytesUp
                total.bytesDown += session.usage.bytesDown
                total.charge += session.charge
                total.sessions += 1
            }
        }
        let links = (try? await self.links.links()) ?? []  // shown as absent ports, with the check's mend
        let ports = ports(among: links)
        let isSharing = settings.sharing && ports.allSatisfy(\.isUp)
        return StatusView(
            stationId: id, name: settings.name, version: settings.version, hal: settings.hal,
            uptimeSeconds: (now.boot - startedAt).wholeSeconds, clockIsCredible: now.wall.isCredible,
            sharing: isSharing, sharingReason: sharingReason(ports), tariffId: await tariff(nil)?.id ?? "",
            radios: await radioLines(), ports: ports, clients: Int(open.sessions),
            earnedTodayQlc: earned.today.charge + open.charge,
            earnedTotalQlc: earned.all.charge + open.charge, sessionsTotal: earned.all.sessions,
            bytesTodayUp: earned.today.bytesUp + open.bytesUp, bytesTodayDown: earned.today.bytesDown + open.bytesDown,
            chain: await seams.chain?.status(), mining: await miningStatus(), temperatureCelsius: await seams.temperature(),
            position: await seams.position().map(StatusView.Place.init),
            diskBytesWrittenToday: await store.bytesWritten(), alerts: await alerts(now))
    }

    func ports(among links: [Link]) -> [StatusView.Port] {
        let names = settings.clientPorts.map { ($0, "clients") } + [(settings.uplinkPort, "uplink")]
        return names.map { name, role in
            let link = links.first { $0.name == name }
            return StatusView.Port(
                name: name, role: role, isUp: link.map { $0.isUp && $0.hasCarrier } ?? false,
                addresses: link?.addresses ?? [], bytesReceived: link?.bytesReceived ?? 0, bytesSent: link?.bytesSent ?? 0)
        }
    }

    private func sharingReason(_ ports: [StatusView.Port]) -> String {
        if !settings.sharing { return "switched off in the configuration" }
        let down = ports.filter { !$0.isUp }.map(\.name)
        return down.isEmpty ? "" : "\(down.joined(separator: ", ")) has no link"
    }

    private func alerts(_ now: Moment) async -> [StatusView.Alert] {
        var alerts = await cashier.alerts.sorted { $0.key < $1.key }.map { kind, what in
            StatusView.Alert(
                what: what,
                mend: kind == .storage
                    ? "free space on the state directory; service goes on, payments wait" : "see \"basestation diagnose\"")
        }
        alerts += await seams.chain?.alerts() ?? []
        alerts += await seams.mining?.alerts() ?? []
        alerts += await seams.pool?.alerts() ?? []
        alerts += await seams.boardAlerts().map { StatusView.Alert(what: $0, mend: "see \"basestation diagnose\"") }
        if let failure = await seams.wireless?.failure {
            alerts.append(StatusView.Alert(what: failure.what, mend: failure.mend))
        }
        if !now.wall.isCredible {
            alerts.append(
                StatusView.Alert(
                    what: "the clock stands at \(now.wall)",
                    mend: "connect to a time server; base prices hold until then"))
        }
        return alerts
    }

    func sessions(activeOnly: Bool, since: WallTime?) async throws -> [SessionView] {
        let now = clocks.now()
        let open = await cashier.read { engine in engine.sessions.values.map { engine.view($0, at: now) } }
        guard !activeOnly else { return open }
        return try await ended(since: since ?? WallTime(secondsSince1970: 0)).map { SessionView($0) } + open
    }

    /// The newest that ended since then, oldest first.
    private func ended(since: WallTime) async throws -> [UsageRecord] {
        var newest: [UsageRecord] = []
        while true {
            let page = try await store.usage(since: since, after: newest.last, limit: Self.usagePage)
            newest = (newest + page.map(\.claim)).suffix(Self.sessionsShown)
            if page.count < Self.usagePage { return newest }
        }
    }

    static let usagePage = 1_000
    private static let sessionsShown = 10_000

    /// The record of an ended session, with its place in a commitment on the chain.
    func usage(of session: SessionID) async throws -> UsageProof {
        guard let proof = try await store.proof(of: session) else {
            throw Problem(.unknown, "session \(session) has no usage record: it goes on, or there was none")
        }
        return proof
    }

    /// A page of usage records, those after the one of `last`.
    func usage(since: WallTime, after last: SessionID?) async throws -> [Signed<UsageRecord>] {
        var record: UsageRecord?
        if let last {
            record = try await store.usage(of: last)?.claim
            guard record != nil else { throw Problem(.unknown, "session \(last) has no usage record to go on from") }
        }
        return try await store.usage(since: since, after: record, limit: Self.usagePage)
    }

    func clients() async -> [ClientView] {
        let neighbours = Dictionary(grouping: await directory.all(), by: \.mac)
        let (sessions, blocked) = await cashier.read { engine in
            (Dictionary(engine.sessions.values.filter(\.isActive).map { ($0.mac, $0) }) { $1 }, engine.blocked)
        }
        return Set(neighbours.keys).union(sessions.keys).union(blocked).sorted().map { mac in
            ClientView(
                mac: mac, port: neighbours[mac]?.first?.port ?? sessions[mac]?.port ?? "",
                addresses: neighbours[mac]?.map(\.address) ?? sessions[mac]?.addresses ?? [],
                sessionId: sessions[mac]?.id.description, blocked: blocked.contains(mac))
        }
    }

    func createCodes(_ request: CodesRequest) async throws -> [CodeView] {
        guard (1...CodesRequest.countLimit).contains(request.count) else {
            throw Problem(.malformed, "\"count\" is 1 to \(CodesRequest.countLimit), not \(request.count)")
        }
        let allowance: AccessCode.Allowance
        switch (request.bytes, request.seconds) {
        case (let bytes?, nil) where bytes > 0: allowance = .bytes(bytes)
        case (nil, let seconds?) where seconds > 0: allowance = .seconds(seconds)
        default: throw Problem(.malformed, "give either \"bytes\" or \"seconds\", above zero")
        }
        let now = clocks.now()
        guard request.validSeconds == nil || now.wall.isCredible else {
            throw Problem(
                .conflict,
                "the clock stands at \(now.wall), so nobody can say when a code ends; set the clock, or leave out --valid")
        }
        let first = await cashier.read { ($0.codes.values.map(\.number).max() ?? 0) + 1 }
        let until = request.validSeconds.map { WallTime(secondsSince1970: now.wall.secondsSince1970 + Int64(clamping: $0)) }
        let made = await codes.make(
            count: request.count, first: first, allowance: allowance, createdAt: now.wall, validUntil: until)
        _ = try await cashier.submit(.codesCreated(made.map(\.code)))
        return made.map { CodeView($0.code, text: $0.text, state: "unused") }
    }

    func listCodes() async -> [CodeView] {
        let now = clocks.now()
        return await cashier.read { engine in
            engine.codes.values.map { code in
                var shown = code
                let session = engine.session(paidBy: .code(code.digest))
                shown.usedBytes += session?.usage.bytes ?? 0
                shown.usedTime += session?.usage.time ?? .zero
                return CodeView(shown, text: nil, state: shown.state(isInUse: session != nil, at: now.wall))
            }
        }
    }

    func openChannel(_ request: ChannelRequest) async throws -> ChannelView {
        guard request.depositQlc > .zero else { throw Problem(.malformed, "a deposit is above zero") }
        let now = clocks.now()
        var identity = request.payer.raw.bytes + id.raw.bytes
        for _ in 0..<16 { identity.append(.random(in: .min ... .max)) }
        let channel = Channel(
            id: TaggedHash.digest(tag: "qlink/channel", identity), payer: request.payer, payee: id,
            sessionKey: request.sessionKey ?? request.payer, deposit: request.depositQlc, openedAt: now.wall)
        return try await record(.opened(channel), of: channel.id)
    }

    /// Into the book first, then to the engine: what is not in the book is not money.
    func record(_ event: ChannelEvent, of id: ChannelID) async throws -> ChannelView {
        if case .opened = event {
        } else {
            guard let channel = await cashier.read({ $0.channels[id]?.channel }) else { throw ChargingError.channelUnknown(id) }
            guard channel.chainID == .zero else {
                throw Problem(.conflict, "channel \(id) is on the chain: its payer tops it up there")
            }
        }
        if case .toppedUp(_, let deposit) = event, let old = await cashier.read({ $0.channels[id]?.channel.deposit }),
            deposit < old
        {
            throw ChargingError.depositShrinks(id)
        }
        try await book.append(event)
        _ = try await cashier.submit(.channel(event))
        return try await channel(id)
    }

    func channel(_ id: ChannelID) async throws -> ChannelView {
        guard let view = await cashier.read({ engine in engine.channels[id].map(engine.channelView) }) else {
            throw ChargingError.channelUnknown(id)
        }
        return view
    }
}

extension ChargingEngine {
    func view(_ session: Session, at now: Moment) -> SessionView {
        let buyer: String? =
            switch session.funding {
            case .channel: session.buyer?.description
            case .code(let digest): codes[digest].map { "code \($0.number)" }
            case .free: nil
            }
        let granted = session.servedUntil.map { (session.usage.time + max(.zero, $0 - session.anchor)).wholeSeconds }
        return SessionView(
            sessionId: session.id.description, clientMac: session.mac, clientAddresses: session.addresses, buyer: buyer,
            tariffId: session.tariff.id, state: state(of: session, at: now), startedAt: session.openedAt, endedAt: nil,
            durationSeconds: session.usage.time.wholeSeconds, bytesUp: session.usage.bytesUp,
            bytesDown: session.usage.bytesDown, grantedBytes: session.grantedBytes, grantedSeconds: granted,
            chargeQlc: session.charge, paidQlc: balance(of: session), endReason: nil)
    }
}

extension SessionView {
    init(_ record: UsageRecord) {
        self.init(
            sessionId: record.session.description, clientMac: record.mac, clientAddresses: [],
            buyer: record.buyer?.description ?? record.accessCode.map { "code \($0)" }, tariffId: record.tariffID,
            state: "ended", startedAt: record.startedAt, endedAt: record.endedAt, durationSeconds: record.seconds,
            bytesUp: record.bytesUp, bytesDown: record.bytesDown, grantedBytes: nil, grantedSeconds: nil,
            chargeQlc: record.charge, paidQlc: record.paid, endReason: record.endReason.rawValue)
    }
}

extension CodeView {
    init(_ code: AccessCode, text: String?, state: String) {
        var (bytes, seconds): (UInt64?, UInt64?) = (nil, nil)
        switch code.allowance {
        case .bytes(let value): bytes = value
        case .seconds(let value): seconds = value
        }
        self.init(
            number: code.number, code: text, bytes: bytes, seconds: seconds, usedBytes: code.usedBytes,
            usedSeconds: code.usedTime.wholeSeconds, createdAt: code.createdAt, validUntil: code.validUntil, state: state)
    }
}

extension AccessCode {
    func state(isInUse: Bool, at wall: WallTime) -> String {
        if isRevoked { return "revoked" }
        if let validUntil, wall.isCredible, wall >= validUntil { return "expired" }
        let isSpent =
            switch allowance {
            case .bytes(let bytes): usedBytes >= bytes
            case .seconds(let seconds): usedTime >= .seconds(seconds)
            }
        if isSpent { return "used up" }
        return isInUse ? "in use" : usedBytes == 0 && usedTime == .zero ? "unused" : "partly used"
    }
}
