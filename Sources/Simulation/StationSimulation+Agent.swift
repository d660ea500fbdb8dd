import Charging
import HAL
import OrderedCollections
import Primitives
import SimulatedHAL

/// The agent: what `Station.Cashier` does, and where it can die.
extension StationSimulation {
    /// A change that the gate refused, with the lease it would have had then.
    struct Unapplied {
        var action: Action
        var change: GateChange
    }

    enum Failure: Error {
        case killed
        case storage(StorageError)
        case gate(HALError)
    }

    static let beforeGranting = "killed between persisting and granting"

    // MARK: life and death

    mutating func kill(_ how: String) {
        meet(how)
        note { _ in how }
        if how == Self.beforeGranting { mayHoldOlderLease = true }
        (engine, unlearned) = (nil, [])
        unapplied = []
        undrained = []
        pins = [:]
        restartAt =
            world.elapsed + (random.chance(1, in: 2) ? random.milliseconds(50...2_000) : random.milliseconds(2_000...30_000))
    }

    mutating func notePower() {
        guard engine != nil, !world.isPowered || world.boots != bootsAtStart else { return }
        kill("killed by loss of power")
        restartAt = world.elapsed + random.milliseconds(100...5_000)
    }

    /// Kills the agent here, perhaps.
    private mutating func surviveMoment(_ point: String) throws(Failure) {
        notePower()
        guard engine != nil else { throw .killed }
        guard !isClosing, let odds = settings.killWithinBatch, random.chance(1, in: odds) else { return }
        kill(point)
        throw .killed
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
        // What waits is of marks that are gone.
        if !settings.mutations.contains(.keepsRefusalsForNewGates) { (unapplied, undrained) = ([], []) }
        restore(engine.state, marks: marks, sameBoot: true)
    }

    private mutating func restore(_ stored: StoredState, marks: [ClientMark], sameBoot: Bool) {
        var limits = ChargingLimits()
        limits.saveInterval = settings.saveInterval
        let (restored, actions) = ChargingEngine.restore(
            station: station, tariffs: SimulatedTariffs.all, limits: limits, from: stored, marks: marks.map(\.value),
            sameBoot: sameBoot, at: world.now)
        engine = restored
        checkRestored()
        do throws(Failure) {
            try perform(actions)
            try takeSample()
        } catch {
            // What recovery wanted is not done: as a service that fails to start, it is started again.
            guard engine != nil else { return }
            kill("could not recover")
            restartAt = world.elapsed + .seconds(1)
        }
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
        defer { unlearned = [] }
        return (unlearned.map(LinkEvent.neighbour) + events).flatMap { event -> [SimulatedRequest] in
            guard case .neighbour(let neighbour) = event else { return [] }
            return seen(neighbour)
        }
    }

    /// One batch: all that follows from it is on disk and in the gate afterwards, or it did not happen.
    mutating func turn(_ batch: [SimulatedRequest]) {
        guard var working = engine else { return }
        let before = working
        let now = world.now
        var results: [Result<Outcome, any Error>] = []
        var actions: [Action] = []
        for request in batch {
            report.events += 1
            do throws(ChargingError) {
                let outcome = try working.handle(request.event, at: now)
                actions += outcome.actions
                results.append(.success(outcome))
            } catch {
                results.append(.failure(error))
            }
        }
        engine = working
        do throws(Failure) {
            try perform(actions, before: before)
        } catch {
            switch error {
            case .killed: return
            case .storage(let failure):
                results = results.map { if case .failure = $0 { $0 } else { .failure(failure) } }
                if !settings.mutations.contains(.forgetsAddresses) { unlearned = batch.flatMap(\.neighbours) }
                if settings.mutations.contains(.rollsBackWhatIsCommitted) { engine = before }
            case .gate: break
            }
        }
        for (request, result) in zip(batch, results) { answer(request, result) }
    }

    /// Reads the counters at regular times.
    mutating func sample() {
        guard engine != nil else { return }
        do throws(Failure) {
            try takeSample()
        } catch {
            guard case .gate(let failure) = error else { return }
            meet("could not read the counters: \(failure.kind.rawValue)")
            if failure.kind == .missing { recoverGate() }
        }
    }

    private mutating func takeSample() throws(Failure) {
        let readings = try readCounters()
        guard var working = engine else { throw .killed }
        let before = working
        report.events += 1
        guard let outcome = try? working.handle(.sampled(readings), at: world.now) else {
            preconditionFailure("a sample was refused")
        }
        engine = working
        checkCounted()
        try perform(outcome.actions, before: before)
        mayHoldOlderLease = false
    }

    private mutating func readCounters() throws(Failure) -> [MeterReading] {
        let readings: [GateReading]
        do throws(HALError) { readings = try world.readings() } catch { throw .gate(error) }
        note { _ in "readings \(readings)" }
        for reading in readings { report.mix(reading.bytesUp &* 3 &+ reading.bytesDown &* 5 &+ UInt64(reading.mark.value)) }
        guard settings.mutations.contains(.forgetsCounters), world.elapsed - startedAt < .seconds(2) else {
            return readings.map { MeterReading(mark: $0.mark.value, bytesUp: $0.bytesUp, bytesDown: $0.bytesDown) }
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

    /// Persists, then changes the gate, then closes the accounts of those whose service was stopped.
    private mutating func perform(_ actions: [Action], before: ChargingEngine? = nil) throws(Failure) {
        let records = actions.compactMap { if case .persist(let record) = $0 { record } else { nil } }
        let grantsFirst = settings.mutations.contains(.grantsBeforePersisting)
        if grantsFirst {
            apply(actions)
            try delay("killed between granting and persisting")
        }
        if !records.isEmpty {
            try surviveMoment("killed before a commit")
            note { "commit\($0.world.isDiskFull ? " FAILS" : "") \(records)" }
            do throws(StorageError) {
                try disk.commit(records, isFull: world.isDiskFull)
            } catch {
                meet("failed commits")
                if settings.mutations.contains(.keepsFailedBatches) {
                    apply(actions)
                } else if let before {
                    engine = before  // what is not on disk did not happen
                    checker.forgetCharges()
                }
                throw .storage(error)
            }
            committed(records)
            try delay(Self.beforeGranting)
        }
        if !grantsFirst { apply(actions) }
        for case .stop(let mark) in actions where !undrained.contains(mark) { undrained.append(mark) }
        try drain()
    }

    private mutating func drain() throws(Failure) {
        let isReady = { (simulation: Self, mark: UInt32) in
            simulation.settings.mutations.contains(.drainsUnstopped)
                || !simulation.unapplied.contains { if case .stop(mark) = $0.action { true } else { false } }
        }
        let ready = undrained.filter { isReady(self, $0) }
        guard !ready.isEmpty else { return }
        try delay("killed between stopping and draining")
        let readings = try readCounters()
        guard var working = engine else { throw .killed }
        let before = working
        let now = world.now
        var following: [Action] = []
        do throws(ChargingError) {
            if !settings.mutations.contains(.drainsUnread) {
                following += try working.handle(.sampled(readings), at: now).actions
            }
            following += try working.handle(.drained(ready), at: now).actions
        } catch { preconditionFailure("a sample was refused: \(error)") }
        report.events += 2
        let waiting = undrained
        engine = working
        undrained.removeAll(where: ready.contains)
        do throws(Failure) {
            try perform(following, before: before)
        } catch {
            if case .storage = error { undrained = waiting }  // tried again with the next batch
            throw error
        }
    }

    /// Time passes while the disk and the kernel work; the agent may die in it.
    private mutating func delay(_ point: String) throws(Failure) {
        if random.chance(1, in: 4) { world.advance(by: random.milliseconds(0...40)) }
        try surviveMoment(point)
    }

    /// All at once; and one by one if the gate refuses one of them, so that one client cannot hold up the others.
    private mutating func apply(_ actions: [Action]) {
        let fresh = actions.compactMap { action in
            Self.change(action, at: world.boot).map { Unapplied(action: action, change: $0) }
        }
        let again = unapplied.map { old in
            let isStale = settings.mutations.contains(.retriesStaleLeases)
            return isStale ? old : Unapplied(action: old.action, change: Self.change(old.action, at: world.boot)!)
        }
        let all = again + fresh
        guard !all.isEmpty else { return }
        unapplied = []
        note { "apply \(all.map(\.change)) faults \($0.world.faults.keys)" }
        do throws(HALError) {
            try world.apply(all.map(\.change))
            for item in all { applied(item.change) }
        } catch {
            meet("the gate refused a transaction: \(error.kind.rawValue)")
            for item in all {
                do throws(HALError) {
                    try world.apply([item.change])
                    applied(item.change)
                } catch {
                    unapplied.removeAll { Self.mark($0.change) == Self.mark(item.change) && !Self.isStop($0.change) }
                    unapplied.append(item)
                }
            }
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

    private static func isStop(_ change: GateChange) -> Bool { if case .stop = change { true } else { false } }
}
