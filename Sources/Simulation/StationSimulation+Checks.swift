import Charging
import HAL
import OrderedCollections
import Primitives
import SimulatedHAL

/// The promises, checked at every step against the world's own truth and the disk.
extension StationSimulation {
    // MARK: what the checker is told

    /// A change is through: whose mark is it?
    mutating func noteOwner(_ change: GateChange) {
        guard case .serve(let entry) = change,
            let session = engine?.sessions.values.first(where: { $0.mark == entry.mark.value })
        else { return }
        let account = SimulatedTruth.Account(gateLife: world.gateLife, mark: entry.mark)
        guard checker.owners[account] != session.id else { return }
        let now = world.truth.carried[account] ?? .init()
        if let former = checker.owners[account] {
            meet("marks used again in one gate's life")
            checker.change(former) { seen in
                for index in seen.holdings.indices where seen.holdings[index].account == account {
                    seen.holdings[index].end = seen.holdings[index].end ?? now
                }
            }
        }
        checker.owners[account] = session.id
        register(session)
        checker.change(session.id) { $0.holdings.append(.init(account: account, base: now)) }
    }

    private mutating func register(_ session: Session) {
        guard checker[session.id] == nil else { return }
        let number: Int?
        switch session.funding {
        case .channel(let id): number = wallets.first { $0.channel.id == id }?.number
        case .code(let digest): number = wallets.first { $0.codes.contains { $0.digest == digest } }?.number
        case .free: number = wallets.first { world.client($0.number)?.mac == session.mac }?.number
        }
        checker[session.id] = .init(number: number ?? 0, tariff: session.tariff, funding: session.funding)
        meet("sessions under \(session.tariff.id)")
    }

    /// These are on disk now.
    mutating func committed(_ records: [Record]) {
        for record in records {
            switch record {
            case .session(let session):
                register(session)
                let bytes = session.usage.bytes
                let now = world.elapsed
                guard let seen = checker[session.id] else { continue }
                let isBehind = checker.carried(seen, in: world.truth).bytes - seen.lostUp - seen.lostDown > bytes
                checker.change(session.id) { ($0.savedBytes, $0.unsavedSince) = (bytes, isBehind ? now : nil) }
            case .ended(let record, _): checkRecord(record)
            case .channel(let account):
                if account.charged > account.paid {
                    violated(.chargeIsPaid, "\(account.charged) QLC charged, \(account.paid) paid in all")
                }
                let known = paidDurably[account.channel.id] ?? .zero
                if account.paid < known {
                    violated(.voucherIsKept, "a voucher for \(known) QLC was on disk, now it is \(account.paid)")
                }
                paidDurably[account.channel.id] = max(known, account.paid)
                for id in checker.order.reversed() {
                    guard let seen = checker[id], seen.funding == .channel(account.channel.id) else { continue }
                    if seen.record == nil, seen.tariff.acceptsDonations, account.paid > known {
                        checker.change(id) { $0.donated += account.paid - known }
                    }
                    break
                }
            case .code, .key, .blocked: break
            }
        }
    }

    // MARK: recovery

    mutating func checkRestored() {
        guard let engine else { return }
        checker.forgetCharges()
        for session in engine.sessions.values {
            guard let seen = checker[session.id] else {
                violated(.oneRecord, "session \(session.id) came from nowhere")
                continue
            }
            let account = SimulatedTruth.Account(gateLife: world.gateLife, mark: ClientMark(session.mark)!)
            if checker.owners[account] != session.id { checkLoss(session, seen) }
        }
        for id in checker.order where checker[id]?.record == nil && engine.sessions[id] == nil {
            // Granted before it was on disk, or forgotten.
            violated(.oneRecord, "session \(id) is gone without a usage record")
        }
    }

    /// The session goes on under a new mark: what the old one carried beyond what is known is lost, once.
    private mutating func checkLoss(_ session: Session, _ seen: SimulationChecker.Seen) {
        let carried = checker.carried(seen, in: world.truth)
        guard carried.up >= session.usage.bytesUp, carried.down >= session.usage.bytesDown else {
            violated(
                .countedIsCarried,
                "session \(session.id) has \(session.usage.bytes) bytes on record, \(carried.bytes) were carried")
            return
        }
        let (lostUp, lostDown) = (carried.up - session.usage.bytesUp, carried.down - session.usage.bytesDown)
        let isNewLoss = lostUp + lostDown > seen.lostUp + seen.lostDown
        if isNewLoss {
            meet("bytes lost with the gate")
            if seen.holdings.last?.account.gateLife == world.gateLife {
                violated(.countedIsCarried, "session \(session.id) lost \(lostUp + lostDown) bytes although the gate had them")
            }
            if let since = seen.unsavedSince, since > checker.lastTrouble,
                world.elapsed - since > settings.saveInterval + .seconds(4)
            {
                let age = (world.elapsed - since).count / 1_000_000
                violated(.countedIsCarried, "session \(session.id) lost bytes that were unsaved for \(age) ms")
            }
        }
        let lostTime = max(seen.lostTime, carried.served - session.usage.time)
        checker.change(session.id) { ($0.lostUp, $0.lostDown, $0.lostTime) = (lostUp, lostDown, lostTime) }
    }

    // MARK: counting

    /// Just after counters were read and taken in: the engine knows what the world saw.
    mutating func checkCounted() {
        guard let engine else { return }
        for session in engine.sessions.values {
            guard let seen = checker[session.id], seen.record == nil else { continue }
            let carried = checker.carried(seen, in: world.truth)
            if mayHoldOlderLease, carried.served - session.usage.time > seen.lostTime {
                // Known limit: recovery accounts for time up to the lease on disk, and cannot know of a longer one.
                meet("time lost with a shortened lease")
                let lost = carried.served - session.usage.time
                checker.change(session.id) { $0.lostTime = lost }
            }
            if let since = session.awaySince { checkAway(session, seen, carried, since: since) }
            let isTrue =
                session.usage.bytesUp + seen.lostUp == carried.up && session.usage.bytesDown + seen.lostDown == carried.down
            guard !isTrue else { continue }
            violated(
                .countedIsCarried,
                "session \(session.id) counted \(session.usage.bytesUp)+\(session.usage.bytesDown) bytes; "
                    + "carried \(carried.up)+\(carried.down), lost \(seen.lostUp)+\(seen.lostDown)")
        }
    }

    /// Until the kernel has been told, it would still serve a device that is away. That time is the station's loss.
    private mutating func checkAway(
        _ session: Session, _ seen: SimulationChecker.Seen, _ carried: SimulatedTruth.Carried, since: Instant
    ) {
        let lost = carried.served - session.usage.time
        guard lost > seen.lostTime else { return }
        meet("time of a device that was away")
        if lost - seen.lostTime > world.now.boot - since + settings.sampleInterval {
            violated(.countedIsCarried, "session \(session.id) lost \(lost.count / 1_000_000) ms while its device was away")
        }
        checker.change(session.id) { $0.lostTime = lost }
    }

    private mutating func checkRecord(_ record: UsageRecord) {
        guard let seen = checker[record.session] else {
            violated(.oneRecord, "a usage record of the unknown session \(record.session)")
            return
        }
        if seen.record != nil { violated(.oneRecord, "session \(record.session) has two usage records") }
        meet("ended: \(record.endReason.rawValue)")
        checker.change(record.session) { $0.record = record }
        checkSum(record, seen)
        guard case .channel(let id) = seen.funding, !report.violations.contains(where: { $0.promise == .voucherIsKept }) else {
            return
        }
        let charged = disk.channels[id]?.charged ?? .zero  // includes this session's: the batch is on disk
        if charged > (paidDurably[id] ?? .zero) {
            violated(
                .chargeIsPaid, "session \(record.session) ended with \(charged) QLC charged, \(paidDurably[id] ?? .zero) paid")
        }
        guard seen.tariff.windows.isEmpty, seen.tariff.capPerDay == nil else { return }
        var usage = Usage()
        usage.add(
            bytesUp: record.bytesUp, bytesDown: record.bytesDown, time: .seconds(record.seconds),
            in: Usage.Key(day: 0, window: Usage.Key.noWindow))
        let worth = seen.tariff.charge(for: usage) + seen.donated
        let balance = record.paid - (charged - record.charge)
        // Not even connected for a nanosecond: nothing is charged.
        if record.charge != min(worth, balance),
            record.seconds > 0 || record.bytesUp + record.bytesDown > 0 || record.charge > .zero
        {
            violated(
                .oneRecord,
                "session \(record.session) charged \(record.charge) QLC for what is worth \(worth), \(balance) was there")
        }
    }

    private mutating func checkSum(_ record: UsageRecord, _ seen: SimulationChecker.Seen) {
        let carried = checker.carried(seen, in: world.truth)
        guard record.bytesUp + seen.lostUp != carried.up || record.bytesDown + seen.lostDown != carried.down else { return }
        violated(
            .oneRecord,
            "the usage record of \(record.session) says \(record.bytesUp)+\(record.bytesDown) bytes; "
                + "carried \(carried.up)+\(carried.down), lost \(seen.lostUp)+\(seen.lostDown)")
    }

    /// Its counters are gone: nothing may have passed since they were read.
    mutating func checkForgotten(_ mark: ClientMark) {
        let account = SimulatedTruth.Account(gateLife: world.gateLife, mark: mark)
        guard let id = checker.owners[account], let seen = checker[id], let record = seen.record, !seen.isClosed else { return }
        checkSum(record, seen)
        checker.change(id) { $0.isClosed = true }
    }

    // MARK: every step

    mutating func check() {
        if engine == nil || !world.faults.isEmpty { checker.lastTrouble = world.elapsed }
        for id in checker.order {
            guard let seen = checker[id], seen.record == nil else { continue }
            let carried = checker.carried(seen, in: world.truth)
            report.mix(carried.bytes)
            if carried.byClient.contains(where: { $0.key != seen.number && $0.value > 0 }) {
                violated(.rightBuyer, "session \(id) of client \(seen.number) carried bytes of \(carried.byClient.keys.sorted())")
            }
            checkPaid(id, seen, carried)
            if carried.bytes - seen.lostUp - seen.lostDown > seen.savedBytes, seen.unsavedSince == nil {
                let now = world.elapsed
                checker.change(id) { $0.unsavedSince = now }
            }
        }
        for mark in world.gate.marks {
            let account = SimulatedTruth.Account(gateLife: world.gateLife, mark: mark)
            if checker.owners[account] == nil, let carried = world.truth.carried[account], carried.bytes > 0 {
                violated(.paidFirst, "\(carried.bytes) bytes were carried under mark \(mark.value), which is nobody's")
            }
        }
        guard let engine else { return }
        for session in engine.sessions.values {
            report.mix(session.charge.units)
            checkCharge(session, engine)
            checkService(session, engine)
        }
        report.mix(UInt64(disk.commits))
    }

    private mutating func checkPaid(_ id: SessionID, _ seen: SimulationChecker.Seen, _ carried: SimulatedTruth.Carried) {
        let bytes = carried.bytes - seen.lostUp - seen.lostDown
        let time = max(.zero, carried.served - seen.lostTime)
        switch seen.funding {
        case .free: return
        case .code(let digest):
            guard let code = disk.codes[digest] else { return }
            switch code.allowance {
            case .bytes(let allowed) where code.usedBytes + bytes > allowed:
                violated(.paidFirst, "code \(code.number) allows \(allowed) bytes, \(code.usedBytes + bytes) were carried")
            case .seconds(let allowed) where code.usedTime + time > .seconds(allowed):
                let used = (code.usedTime + time).count / 1_000_000
                violated(.paidFirst, "code \(code.number) allows \(allowed) s, it was served for \(used) ms")
            default: return
            }
        case .channel(let channel):
            let account = disk.channels[channel]
            let available = account?.balance ?? .zero
            let days = disk.sessions[id]?.usage.segments.map(\.key.day) ?? []
            let worth =
                ([seen.tariff.segment(at: world.now.wall).day] + days).map { day in
                    var usage = Usage()
                    usage.add(
                        bytesUp: carried.up - seen.lostUp, bytesDown: carried.down - seen.lostDown, time: time,
                        in: Usage.Key(day: day, window: Usage.Key.noWindow))
                    return seen.tariff.cheapest.charge(for: usage, earlier: account?.days ?? [])
                }.min() ?? .zero
            // Each window of the day is rounded down by itself.
            let rounding = QLC(units: UInt64(seen.tariff.windows.count))
            // A flat price, or a package begun, is owed by whoever connects; nothing is carried for it.
            if worth > available + rounding, bytes > 0 || time > .zero {
                violated(
                    .paidFirst,
                    "session \(id) under \(seen.tariff.id) carried \(bytes) bytes in \(time.count / 1_000_000) ms worth \(worth) QLC, "
                        + "\(available) was paid")
            }
        }
    }

    private mutating func checkCharge(_ session: Session, _ engine: ChargingEngine) {
        guard case .channel = session.funding, let seen = checker[session.id] else { return }
        if session.charge > engine.balance(of: session) {
            violated(
                .chargeIsPaid, "session \(session.id) is charged \(session.charge) QLC of \(engine.balance(of: session)) paid")
        }
        guard session.isActive else { return }
        if session.charge < seen.lastCharge {
            violated(
                .chargeIsPaid,
                "the charge of session \(session.id) under \(seen.tariff.id) fell from \(seen.lastCharge) to \(session.charge)")
        }
        let charge = session.charge
        checker.change(session.id) { $0.lastCharge = charge }
    }

    private mutating func checkService(_ session: Session, _ engine: ChargingEngine) {
        guard let seen = checker[session.id] else { return }
        guard isWronglyCut(session, seen, engine) else {
            checker.change(session.id) { $0.cutSince = nil }
            return
        }
        let now = world.elapsed
        guard let since = seen.cutSince else {
            checker.change(session.id) { $0.cutSince = now }
            return
        }
        guard now - since > settings.sampleInterval + settings.sampleInterval + .milliseconds(200) else { return }
        violated(
            .serviceIsKept,
            "session \(session.id) of client \(seen.number) under \(seen.tariff.id) is cut off since "
                + "\(since.nanoseconds / 1_000_000) ms; granted \(session.grantedBytes.map(String.init) ?? "all") of which "
                + "\(session.usage.bytes) used, \(engine.balance(of: session)) paid, \(session.charge) charged; uses \(world.client(seen.number)?.addresses ?? []), "
                + "has \(session.addresses)")
        checker.change(session.id) { $0.cutSince = nil }
    }

    private func isWronglyCut(_ session: Session, _ seen: SimulationChecker.Seen, _ engine: ChargingEngine) -> Bool {
        let quiet = Nanoseconds.seconds(3)
        guard session.isActive, world.faults.isEmpty, world.lastFault.map({ world.elapsed - $0 > quiet }) ?? true,
            world.elapsed - startedAt > quiet, let client = world.client(seen.number), client.isPresent, client.disguise == nil,
            client.mac == session.mac, client.port == session.port
        else { return false }
        let mark = ClientMark(session.mark)!
        let isServed = client.addresses.allSatisfy { address in
            world.gate.mark(port: client.port, mac: client.mac, address: address) == mark
                // A spoofer answers for it: the station has not heard the client yet.
                || world.neighbour(at: address) != Neighbour(port: client.port, mac: client.mac, address: address)
                || session.addresses.count >= GateEntry.addressLimit && !session.addresses.contains(address)
                || engine.sessions.values.contains { $0.id != session.id && $0.addresses.contains(address) }
        }
        if isServed, world.gate.isServing(mark, at: world.elapsed) { return false }
        return canAffordMore(session, client, engine)
    }

    /// Whether there is money for two more packets and three more seconds. Less than a packet may stay unused (datapath.md).
    private func canAffordMore(_ session: Session, _ client: SimulatedClient, _ engine: ChargingEngine) -> Bool {
        let bytes = max(4_096, 2 * client.largestPacket)
        let time = Nanoseconds.seconds(3)
        switch session.funding {
        case .free: return true
        case .code(let digest):
            guard let code = engine.codes[digest], !code.isRevoked else { return false }
            switch code.allowance {
            case .bytes(let allowed): return code.usedBytes + session.usage.bytes + bytes <= allowed
            case .seconds(let allowed): return code.usedTime + session.usage.time + time <= .seconds(allowed)
            }
        case .channel(let id):
            guard let account = engine.channels[id], !account.isClosed else { return false }
            let key = session.tariff.segment(at: world.now.wall)
            let dearest =
                [true, false].map { up in
                    var usage = session.usage
                    usage.add(bytesUp: up ? bytes : 0, bytesDown: up ? 0 : bytes, time: time, in: key)
                    return session.tariff.charge(for: usage, earlier: account.days)
                }.max() ?? .zero
            return dearest + QLC(units: 2) <= account.balance
        }
    }

    // MARK: the end

    /// All have left, all accounts are closed.
    mutating func checkEnd() {
        if let engine, !engine.sessions.isEmpty { violated(.oneRecord, "\(engine.sessions.count) sessions never ended") }
        var recorded: UInt64 = 0
        for id in checker.order {
            guard let seen = checker[id] else { continue }
            guard let record = seen.record else {
                violated(.oneRecord, "session \(id) has no usage record")
                continue
            }
            checkSum(record, seen)
            recorded += record.bytesUp + record.bytesDown + seen.lostUp + seen.lostDown
        }
        if recorded != world.truth.bytes {
            violated(.oneRecord, "all records and losses make \(recorded) bytes, \(world.truth.bytes) were carried")
        }
        for wallet in wallets {
            guard let account = disk.channels[wallet.channel.id] else { continue }
            let sum = disk.usage.reduce(QLC.zero) { $0 + ($1.buyer == wallet.channel.payer ? $1.charge : .zero) }
            if account.charged != sum { violated(.oneRecord, "\(account.charged) QLC charged in all, \(sum) on usage records") }
        }
    }
}
