import Charging
import OrderedCollections
import Primitives
import Testing

/// What is on disk: the records alone, each replacing its earlier version by key, as Store does it.
struct ModelDisk {
    var sessions: [SessionID: Session] = [:]
    var channels: [ChannelID: ChannelAccount] = [:]
    var codes: [Bytes32: AccessCode] = [:]
    var keys: [UInt32: WirelessKey] = [:]
    var blocked: Set<MACAddress> = []
    var ended: [UsageRecord] = []
    var visitKeys: [SessionID: SealingKey] = [:]

    mutating func keep(_ record: Record) {
        switch record {
        case .session(let session): sessions[session.id] = session
        case .ended(let record, let visitKey):
            sessions[record.session] = nil
            visitKeys[record.session] = visitKey
            ended.append(record)
        case .channel(let account): channels[account.channel.id] = account
        case .code(let code): codes[code.digest] = code
        case .key(let key): keys[key.number] = key
        case .blocked(let mac, let isBlocked): if isBlocked { blocked.insert(mac) } else { blocked.remove(mac) }
        }
    }

    var state: StoredState {
        var state = StoredState()
        state.sessions = Array(sessions.values)
        state.channels = Array(channels.values)
        state.codes = Array(codes.values)
        state.keys = Array(keys.values)
        state.blocked = Array(blocked)
        return state
    }
}

/// The kernel's part: passes bytes up to the limit and up to the lease's end, and counts what passed.
struct ModelGate {
    struct Client {
        var bearer: Bearer
        var isServed: Bool
        var up: UInt64 = 0
        var down: UInt64 = 0
    }
    var clients: [UInt32: Client] = [:]

    /// - Returns: how many of the offered bytes passed.
    mutating func carry(up: UInt64, down: UInt64, under mark: UInt32, at now: Instant) -> (up: UInt64, down: UInt64) {
        guard var client = clients[mark], client.isServed, !client.bearer.addresses.isEmpty,
            client.bearer.servedUntil.map({ now < $0 }) ?? true
        else {
            return (0, 0)
        }
        var left = client.bearer.byteLimit.map { $0.saturatingSubtract(client.up + client.down) } ?? .max
        let passedUp = min(up, left)
        left -= passedUp
        let passedDown = min(down, left)
        client.up += passedUp
        client.down += passedDown
        clients[mark] = client
        return (passedUp, passedDown)
    }

    var readings: [MeterReading] {
        clients.keys.sorted().map { MeterReading(mark: $0, bytesUp: clients[$0]!.up, bytesDown: clients[$0]!.down) }
    }
}

/// A station with its disk, kernel and clocks, and the truth about every byte. It does with actions what the station does.
struct World {
    static let station = PrivateKey(seed: [UInt8](repeating: 1, count: 32))!.publicKey

    enum Crash { case none, beforeDisk, betweenDiskAndKernel }

    var engine: ChargingEngine
    var disk = ModelDisk()
    var gate = ModelGate()
    var boot = Instant(nanoseconds: 5_000_000_000)
    /// Wall time when the board was switched on.
    var wallAtZero = WallTime("2026-11-23T21:50:00Z")!.secondsSince1970
    var limits = ChargingLimits()
    /// Bytes that passed the gate, and those of them that a power cut took from the station.
    var carried: [SessionID: (up: UInt64, down: UInt64)] = [:]
    var lost: [SessionID: (up: UInt64, down: UInt64)] = [:]
    var sessionOfMark: [UInt32: SessionID] = [:]
    /// Bytes that passed under an old grant were read under new prices: the one moment when the last guard, min(charge, balance), acts.
    var hasCrashedMidway = false
    var serves = 0

    init() {
        (engine, _) = ChargingEngine.restore(
            station: Self.station, tariffs: [], from: StoredState(), marks: [UInt32](), sameBoot: false,
            at: Moment(boot: boot, wall: WallTime(secondsSince1970: 0)))
    }

    var now: Moment {
        Moment(boot: boot, wall: WallTime(secondsSince1970: wallAtZero + boot.nanoseconds / 1_000_000_000))
    }

    mutating func pass(_ time: Nanoseconds) { boot = boot + time }

    @discardableResult
    mutating func handle(_ event: ChargingEvent, crash: Crash = .none) throws -> Outcome {
        let outcome = try engine.handle(event, at: now)
        guard crash != .beforeDisk else { return outcome }
        perform(outcome.actions, reachesKernel: crash == .none)
        return outcome
    }

    mutating func perform(_ actions: [Action], reachesKernel: Bool = true) {
        for case .persist(let record) in actions { disk.keep(record) }
        guard reachesKernel else { return }
        var stopped: [UInt32] = []
        for action in actions {
            switch action {
            case .persist: break
            case .serve(let bearer):
                expectPaid(bearer)
                serves += 1
                gate.clients[bearer.mark, default: .init(bearer: bearer, isServed: true)].bearer = bearer
                gate.clients[bearer.mark]!.isServed = true
                sessionOfMark[bearer.mark] = engine.sessions.values.first { $0.mark == bearer.mark }?.id
            case .stop(let mark):
                gate.clients[mark]?.isServed = false
                stopped.append(mark)
            case .forget(let mark): gate.clients[mark] = nil
            }
        }
        guard !stopped.isEmpty else { return }
        for event in [ChargingEvent.sampled(gate.readings), .drained(stopped)] {
            do { try handle(event) } catch { Issue.record("\(error)") }
        }
    }

    /// Persist, then grant: what the kernel is told to let pass is paid by what is on disk now, however it is used up.
    func expectPaid(_ bearer: Bearer) {
        guard let session = disk.sessions.values.first(where: { $0.mark == bearer.mark }) else {
            Issue.record("mark \(bearer.mark) is served, and nobody on disk has it")
            return
        }
        guard case .channel(let id) = session.funding, !hasCrashedMidway, let account = disk.channels[id] else { return }
        let live = engine.sessions[session.id]!
        let rest = bearer.byteLimit.map { $0.saturatingSubtract(live.countedUp).saturatingSubtract(live.countedDown) } ?? 1 << 40
        for up in [0, rest] {
            var usage = live.usage
            let time = max(.zero, bearer.servedUntil.map { $0 - boot } ?? .seconds(864_000))
            guard rest > 0 || time > .zero else { continue }
            usage.add(bytesUp: up, bytesDown: rest - up, time: time, in: live.grantedIn!)
            let charge = session.tariff.charge(for: usage, earlier: account.days)
            #expect(charge <= account.balance, "granted without a voucher on disk")
        }
    }

    mutating func carry(up: UInt64, down: UInt64, for id: SessionID) {
        guard let session = engine.sessions[id] else { return }
        let passed = gate.carry(up: up, down: down, under: session.mark, at: boot)
        let before = carried[id] ?? (0, 0)
        carried[id] = (before.up + passed.up, before.down + passed.down)
    }

    /// The program starts again: from what is on disk and what the kernel still holds.
    mutating func restart(sameBoot: Bool) {
        if !sameBoot {
            gate = ModelGate()
            wallAtZero += boot.nanoseconds / 1_000_000_000
            boot = Instant(nanoseconds: 2_000_000_000)
        }
        restore(sameBoot: sameBoot)
        sampleAfterStart()
    }

    mutating func restore(sameBoot: Bool) {
        let (restored, actions) = ChargingEngine.restore(
            station: Self.station, tariffs: [], limits: limits, from: disk.state, marks: Array(gate.clients.keys),
            sameBoot: sameBoot, at: now)
        engine = restored
        for session in engine.sessions.values where gate.clients[session.mark] == nil {
            let truth = carried[session.id] ?? (0, 0)
            lost[session.id] = (truth.up - session.usage.bytesUp, truth.down - session.usage.bytesDown)
        }
        perform(actions)
    }

    mutating func sampleAfterStart() {
        do { try handle(.sampled(gate.readings)) } catch { Issue.record("\(error)") }
    }

    /// Somebody flushed the ruleset; the daemon lives.
    mutating func loseGate() {
        gate = ModelGate()
        disk.sessions = Dictionary(uniqueKeysWithValues: engine.sessions.map { ($0.key, $0.value) })
        restart(sameBoot: true)
    }
}

// MARK: - what always holds

extension World {
    func expectInvariants() {
        var byMAC: Set<MACAddress> = [], byAddress: Set<IPAddress> = [], byFunding: Set<Funding> = []
        for session in engine.sessions.values {
            if session.isActive {
                #expect(byMAC.insert(session.mac).inserted, "two active sessions of \(session.mac)")
                for address in session.addresses { #expect(byAddress.insert(address).inserted, "two sessions hold \(address)") }
                #expect(engine.session(of: session.mac)?.id == session.id)
            }
            if session.funding != .free { #expect(byFunding.insert(session.funding).inserted, "two sessions of one payment") }
            expectCharge(of: session)
            let (truth, gone) = (carried[session.id] ?? (0, 0), lost[session.id] ?? (0, 0))
            #expect(session.usage.bytesUp <= truth.up - gone.up && session.usage.bytesDown <= truth.down - gone.down)
        }
        for account in engine.channels.values {
            #expect(account.charged <= account.paid && account.paid <= account.channel.deposit)
            let records = disk.ended.filter { $0.buyer == account.channel.payer }
            #expect(records.reduce(QLC.zero) { $0 + $1.charge } == account.charged, "records and account disagree")
        }
        for record in disk.ended {
            let (truth, gone) = (carried[record.session] ?? (0, 0), lost[record.session] ?? (0, 0))
            #expect(record.bytesUp == truth.up - gone.up && record.bytesDown == truth.down - gone.down, "\(record.endReason)")
        }
        #expect(Set(disk.ended.map(\.session)).count == disk.ended.count, "a session has two records")
    }

    private func expectCharge(of session: Session) {
        guard case .channel(let id) = session.funding else {
            #expect(session.charge == .zero)
            return
        }
        let account = engine.channels[id]!
        #expect(session.charge <= account.balance)
        let full = session.tariff.charge(for: session.usage, earlier: account.days)
        if !hasCrashedMidway { #expect(full <= account.balance, "more was used than paid") }
    }

    /// After every counter was read: all that passed is in the usage, to the byte.
    func expectAllCounted() {
        for session in engine.sessions.values {
            let (truth, gone) = (carried[session.id] ?? (0, 0), lost[session.id] ?? (0, 0))
            #expect(session.usage.bytesUp == truth.up - gone.up && session.usage.bytesDown == truth.down - gone.down)
        }
    }

    /// The disk alone, with the kernel's counters, gives the same charges: nothing that matters is only in memory.
    func expectDiskKnowsAsMuch() {
        var (live, shadow) = (self, self)
        live.sampleAfterStart()
        shadow.restore(sameBoot: true)
        shadow.sampleAfterStart()
        #expect(shadow.engine.sessions.keys.sorted() == live.engine.sessions.keys.sorted())
        for session in live.engine.sessions.values {
            #expect(shadow.engine.sessions[session.id]?.charge == session.charge)
            #expect(shadow.engine.sessions[session.id]?.usage.bytes == session.usage.bytes)
            #expect(shadow.engine.sessions[session.id]?.isActive == session.isActive)
        }
        #expect(shadow.engine.channels == live.engine.channels)
        #expect(shadow.engine.codes == live.engine.codes)
        #expect(shadow.engine.blocked == live.engine.blocked)
    }
}

/// All of an engine that can be seen from outside.
struct Visible: Equatable {
    var sessions: [Session], channels: [ChannelID: ChannelAccount], codes: [AccessCode], blocked: Set<MACAddress>

    init(_ engine: ChargingEngine) {
        sessions = Array(engine.sessions.values)
        channels = engine.channels
        codes = Array(engine.codes.values)
        blocked = engine.blocked
    }
}
