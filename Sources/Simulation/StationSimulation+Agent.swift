import Charging
import HAL
import OrderedCollections
import Primitives
import SimulatedHAL

/// The agent: what `Station.Cashier` does with its till, and where it can die.
extension StationSimulation {
    struct Killed: Error {}

    static let beforeGranting = "killed between persisting and granting"

    // MARK: life and death

    mutating func kill(_ how: String) {
        meet(how)
        note { _ in how }
        if how == Self.beforeGranting { mayHoldOlderLease = true }
        till = nil
        (pins, stale) = ([:], [:])
        restartAt =
            world.elapsed + (random.chance(1, in: 2) ? random.milliseconds(50...2_000) : random.milliseconds(2_000...30_000))
    }

    mutating func notePower() {
        guard engine != nil, !world.isPowered || world.boots != bootsAtStart else { return }
        kill("killed by loss of power")
        restartAt = world.elapsed + random.milliseconds(100...5_000)
    }

    /// Kills the agent here, perhaps.
    private mutating func surviveMoment(_ point: String) throws(Killed) {
        notePower()
        guard engine != nil else { throw Killed() }
        guard !isClosing, let odds = settings.killWithinBatch, random.chance(1, in: odds) else { return }
        kill(point)
        throw Killed()
    }

    /// Recovery, which is the only start.
    mutating func start() {
        guard !world.isDiskFull else {
            restartAt = world.elapsed + .seconds(1)
            return
        }
        let marks: [ClientMark]
        do { marks = try world.openGate() } catch {
            meet("could not open the gate")
            restartAt = world.elapsed + .seconds(1)
            return
        }
        let sameBoot = disk.enter(bootID: world.bootID)
        meet(sameBoot ? "started in the same boot" : "started after a boot")
        note { "start: same boot \(sameBoot), marks \(marks.map(\.value)), gate life \($0.world.gateLife)" }
        bootsAtStart = world.boots
        startedAt = world.elapsed
        restore(disk.state, marks: marks, sameBoot: sameBoot)
        guard engine != nil else { return }
        var batch: [SimulatedRequest] = []
        for port in world.settings.ports {
            for neighbour in (try? world.neighbours(on: port)) ?? [] { batch += seen(neighbour) }  // the ports are there
        }
        turn(batch)
    }

    /// The gate was flushed under a living agent.
    private mutating func recoverGate() {
        guard let engine, let marks = try? world.openGate() else { return }  // refused: the next sample comes here again
        meet("recovered the gate")
        note { "recovered the gate, life \($0.world.gateLife), marks \(marks)" }
        if settings.mutations.contains(.keepsRefusalsForNewGates) {
            for change in stale.values { try? world.apply([change]) }
        }
        stale = [:]
        restore(engine.state, marks: marks, sameBoot: true)
    }

    private mutating func restore(_ stored: StoredState, marks: [ClientMark], sameBoot: Bool) {
        var limits = ChargingLimits()
        limits.saveInterval = settings.saveInterval
        let (restored, actions) = ChargingEngine.restore(
            station: station, tariffs: SimulatedTariffs.all, limits: limits, from: stored, marks: marks.map(\.value),
            sameBoot: sameBoot, at: world.now)
        let (recovered, first) = Till.recover(restored, first: actions)
        till = recovered
        checkRestored()
        do throws(Killed) {
            // What recovery wants must be done: as a service that fails to start, it is started again.
            if try carryOut(first) == nil, try takeTurn([]).isRead { return }
            kill("could not recover")
            restartAt = world.elapsed + .seconds(1)
        } catch {}
    }

    // MARK: batches

    func seen(_ neighbour: Neighbour) -> [SimulatedRequest] {
        guard let engine, engine.session(of: neighbour.mac) != nil else { return [] }
        return [
            SimulatedRequest(event: .seen(port: neighbour.port, mac: neighbour.mac, addresses: [neighbour.address]))
        ]
    }

    mutating func linkEvents() -> [SimulatedRequest] {
        let events = world.takeLinkEvents()
        guard engine != nil else { return [] }
        return events.flatMap { event -> [SimulatedRequest] in
            guard case .neighbour(let neighbour) = event else { return [] }
            return seen(neighbour)
        }
    }

    /// One batch: all that follows from it is on disk and in the gate afterwards, or it did not happen.
    mutating func turn(_ batch: [SimulatedRequest]) {
        do throws(Killed) {
            let (results, failure, _) = try takeTurn(batch)
            for (request, result) in zip(batch, results) {
                switch result {
                case .success(let outcome): answer(request, failure.map { .failure($0) } ?? .success(outcome))
                case .failure(let error): answer(request, .failure(error))
                }
            }
        } catch {}
    }

    private typealias Turn = (results: [Result<Outcome, ChargingError>], failure: StorageError?, isRead: Bool)

    private mutating func takeTurn(_ requests: [SimulatedRequest]) throws(Killed) -> Turn {
        let readings = readCounters()
        var events = requests.map(\.event)
        if world.isDiskFull, settings.mutations.contains(.forgetsAddresses) {
            events.removeAll { if case .seen = $0 { true } else { false } }
        }
        guard let before = till, let batch = till?.decide(events, readings: readings, at: world.now) else { throw Killed() }
        report.events += requests.count + 1
        if readings != nil { checkCounted() }
        let failure = try carryOut(batch)
        if failure == nil { try closeAccounts(before) }
        if readings != nil { mayHoldOlderLease = false }
        return (batch.results, failure, readings != nil)
    }

    /// Reads the counters at regular times.
    mutating func sample() {
        guard till != nil else { return }
        turn([])
        if till != nil, isGateGone { recoverGate() }
    }

    private mutating func readCounters() -> [MeterReading]? {
        let readings: [GateReading]
        isGateGone = false
        do throws(HALError) { readings = try world.readings() } catch {
            meet("could not read the counters: \(error.kind.rawValue)")
            isGateGone = error.kind == .missing
            return nil
        }
        note { _ in "readings \(readings)" }
        for reading in readings { report.mix(reading.bytesUp &* 3 &+ reading.bytesDown &* 5 &+ UInt64(reading.mark.value)) }
        guard settings.mutations.contains(.forgetsCounters), world.elapsed - startedAt < .seconds(2) else {
            let plain = readings.map { MeterReading(mark: $0.mark.value, bytesUp: $0.bytesUp, bytesDown: $0.bytesDown) }
            lastReadings = plain
            return plain
        }
        let sessions = engine.map { Array($0.sessions.values) } ?? []
        return readings.map { reading in
            let session = sessions.first { $0.mark == reading.mark.value }
            return MeterReading(
                mark: reading.mark.value, bytesUp: reading.bytesUp + (session?.countedUp ?? 0),
                bytesDown: reading.bytesDown + (session?.countedDown ?? 0))
        }
    }

    // MARK: actions

    /// Persists, then changes the gate.
    private mutating func carryOut(_ batch: Till.Batch) throws(Killed) -> StorageError? {
        guard let orders = till?.orders(batch) else { throw Killed() }
        let records = batch.records
        let grantsFirst = settings.mutations.contains(.grantsBeforePersisting)
        if grantsFirst {
            _ = apply(orders)
            try delay("killed between granting and persisting")
        }
        if !records.isEmpty {
            try surviveMoment("killed before a commit")
            note { "commit\($0.world.isDiskFull ? " FAILS" : "") \(records)" }
            do throws(StorageError) {
                let fails = !isClosing && settings.failsCommit.map { random.chance(1, in: $0) } ?? false
                try disk.commit(records, isFull: world.isDiskFull || fails)
                committed(records)
            } catch {
                meet("failed commits")
                guard settings.mutations.contains(.keepsFailedBatches) else {
                    till?.failed(batch)
                    checker.forgetCharges()
                    return error
                }
            }
            try delay(Self.beforeGranting)
        }
        var refused = grantsFirst ? [] : apply(orders)
        if settings.mutations.contains(.drainsUnstopped) {
            refused.removeAll { if case .stop = $0 { true } else { false } }
        }
        till?.given(batch, refused: refused)
        return nil
    }

    private mutating func closeAccounts(_ before: Till) throws(Killed) {
        while let marks = till?.closing, !marks.isEmpty {
            let old = settings.mutations.contains(.drainsUnread) ? lastReadings : nil
            try delay("killed between stopping and draining")
            guard let readings = old ?? readCounters() else { return }
            guard let batch = till?.close(marks, readings: readings, at: world.now) else { throw Killed() }
            report.events += 2
            guard try carryOut(batch) != nil else { continue }
            if settings.mutations.contains(.rollsBackWhatIsCommitted) { till = before }
            return
        }
    }

    /// Time passes while the disk and the kernel work; the agent may die in it.
    private mutating func delay(_ point: String) throws(Killed) {
        if random.chance(1, in: 4) { world.advance(by: random.milliseconds(0...40)) }
        try surviveMoment(point)
    }

    /// All at once; and one by one if the gate refuses one of them, so that one client cannot hold up the others.
    private mutating func apply(_ orders: [Action]) -> [Action] {
        let isStale = settings.mutations.contains(.retriesStaleLeases)
        let changes = orders.map { order in (order, (isStale ? stale[order] : nil) ?? Self.change(order, at: world.boot)!) }
        guard !changes.isEmpty else { return [] }
        stale = [:]
        note { "apply \(changes.map(\.1)) faults \($0.world.faults.keys)" }
        do throws(HALError) {
            try world.apply(changes.map(\.1))
            for (_, change) in changes { applied(change) }
            return []
        } catch {
            meet("the gate refused a transaction: \(error.kind.rawValue)")
            var refused: [Action] = []
            for (order, change) in changes {
                do throws(HALError) {
                    try world.apply([change])
                    applied(change)
                } catch {
                    stale[order] = change
                    refused.append(order)
                }
            }
            return refused
        }
    }

    private mutating func applied(_ change: GateChange) {
        report.mix(UInt64(Self.mark(change).value))
        noteOwner(change)
        var wanted: Set<Neighbour> = []
        if case .serve(let entry) = change {
            wanted = Set(entry.addresses.map { Neighbour(port: entry.port, mac: entry.mac, address: $0) })
        }
        let mark = Self.mark(change).value
        let held = pins[mark] ?? []
        pins[mark] = wanted.isEmpty ? nil : wanted
        if !settings.mutations.contains(.pinsNobody) {
            let order = { (left: Neighbour, right: Neighbour) in left.address < right.address }
            do throws(HALError) {
                for neighbour in held.subtracting(wanted).sorted(by: order) { try world.unpin(neighbour) }
                for neighbour in wanted.subtracting(held).sorted(by: order) { try world.pin(neighbour) }
            } catch { preconditionFailure("the ports are there: \(error)") }
        }
        if case .forget(let mark) = change { checkForgotten(mark) }
    }

    static func change(_ action: Action, at now: Instant) -> GateChange? {
        switch action {
        case .persist: return nil
        case .stop(let mark): return .stop(ClientMark(mark)!)
        case .forget(let mark): return .forget(ClientMark(mark)!)
        case .serve(let bearer):
            let lease = bearer.servedUntil.map { $0 - now }
            // Nothing left to use: as if unknown, so that it is sent to the portal, where it can pay.
            let isServed = bearer.byteLimit != 0 && (lease.map { $0 >= .milliseconds(1) } ?? true)
            return .serve(
                GateEntry(
                    mark: ClientMark(bearer.mark)!, port: bearer.port, mac: bearer.mac,
                    addresses: isServed ? Set(bearer.addresses) : [], byteLimit: bearer.byteLimit,
                    lease: isServed ? lease : nil))
        }
    }

    static func mark(_ change: GateChange) -> ClientMark {
        switch change {
        case .serve(let entry): entry.mark
        case .stop(let mark), .forget(let mark): mark
        }
    }
}
