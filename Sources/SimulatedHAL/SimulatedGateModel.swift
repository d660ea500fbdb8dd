public import HAL
public import Primitives

/// The packet gate as the kernel would be: it decides packet by packet, whoever is alive.
///
/// ```
///  port · MAC · address ─▶ mark ─▶ in service? ─▶ lease? ─▶ quota? ─▶ counted, carried
///                           none ─▶ dropped      out ─▶ latched: dropped until served again
/// ```
/// Follows datapath.md and the Linux gate: one quota for both directions, a transaction is judged by what it comes to,
/// an address leads to one client only, a lease lapses 3 to 12 ms late.
public struct SimulatedGateModel: Sendable {
    public enum Direction: Sendable { case up, down }

    /// Ways in which a gate could break its promises: for tests that show that someone would notice.
    public enum Flaw: String, Hashable, Sendable, CaseIterable {
        /// What is dropped after the cut eats up the next top-up.
        case noLatch
        /// The packet that crosses the limit still passes.
        case crossingPacketPasses
        case leasesNeverLapse
        /// Only the address is looked at.
        case bindsAddressAlone
    }

    struct Binding: Hashable {
        var port: String
        var mac: MACAddress
        var address: IPAddress
    }

    struct Held {
        var entry: GateEntry
        var isServed = false
        /// A packet was refused for the quota: nothing passes until it is served again.
        var isLatched = false
        /// When the lease is over, and when the kernel gets round to it.
        var leaseDue: Instant?
        var leaseEnd: Instant?
        var bytesUp: UInt64 = 0, bytesDown: UInt64 = 0, packetsUp: UInt64 = 0, packetsDown: UInt64 = 0
        /// What the kernel's quota object has counted: more than what passed where dropped packets went in.
        var quotaUse: UInt64 = 0

        var counted: UInt64 { bytesUp + bytesDown }
    }

    public static let leaseLateness: ClosedRange<Int> = 3...12  // milliseconds, measured (datapath.md)

    public let flaws: Set<Flaw>
    private var held: [ClientMark: Held] = [:]
    private var bindings: [Binding: ClientMark] = [:]
    private var owners: [IPAddress: ClientMark] = [:]
    private var used: Set<ClientMark> = []
    /// Marks that came back after they were forgotten, which they never should in one gate's life.
    public private(set) var marksReused = 0

    public init(flaws: Set<Flaw> = []) { self.flaws = flaws }

    public var marks: [ClientMark] { held.keys.sorted() }

    public var readings: [GateReading] {
        marks.map { mark in
            let client = held[mark]!
            return GateReading(
                mark: mark, bytesUp: client.bytesUp, bytesDown: client.bytesDown, packetsUp: client.packetsUp,
                packetsDown: client.packetsDown)
        }
    }

    /// Whether the client is cut off for its quota.
    public func isLatched(_ mark: ClientMark) -> Bool { held[mark]?.isLatched ?? false }

    public func entry(_ mark: ClientMark) -> GateEntry? { held[mark]?.entry }

    /// Whether the client's next small packet would pass.
    public func isServing(_ mark: ClientMark, at now: Instant) -> Bool {
        guard let client = held[mark] else { return false }
        return isLeased(client, at: now) && !client.isLatched && client.entry.byteLimit.map { client.quotaUse < $0 } ?? true
    }

    /// How much of a stretch of time the client was served for; the kernel's lateness is not service.
    func served(_ mark: ClientMark, from start: Instant, to end: Instant) -> Nanoseconds {
        guard let client = held[mark], isLeased(client, at: start) else { return .zero }
        return max(.zero, (client.leaseDue.map { min($0, end) } ?? end) - start)
    }

    private func isLeased(_ client: Held, at now: Instant) -> Bool {
        client.isServed && !client.entry.addresses.isEmpty && client.leaseEnd.map { now < $0 } ?? true
    }

    // MARK: changes

    /// All or nothing.
    public mutating func apply(
        _ changes: [GateChange], ports: [String], at now: Instant, random: inout SplitMix64
    ) throws(HALError) {
        var after: [ClientMark: Held?] = [:]
        var order: [ClientMark] = []
        for change in changes {
            let mark = change.mark
            let before = after[mark] ?? held[mark]
            if after[mark] == nil { order.append(mark) }
            switch change {
            case .serve(let entry):
                guard after[mark] == nil || before != nil else {
                    throw HALError(
                        .busy, "client \(mark.value) is forgotten and served in one step",
                        mend: "a mark is never used twice: take a new one")
                }
                after[mark] = .some(try serve(entry, before: before, ports: ports, at: now, &random))
            case .stop:
                guard var client = before else { continue }
                client.isServed = false
                client.entry.addresses = []
                after[mark] = .some(client)
            case .forget: after[mark] = .some(nil)
            }
        }
        try refuseTakenAddresses(after, order)
        for mark in order {
            guard let client = after[mark] else { continue }
            set(mark, client)
        }
    }

    private func serve(
        _ entry: GateEntry, before: Held?, ports: [String], at now: Instant, _ random: inout SplitMix64
    ) throws(HALError) -> Held {
        guard ports.contains(entry.port) else {
            throw HALError(.missing, "there is no interface \(entry.port)", mend: "use one of \(ports)")
        }
        guard entry.addresses.count <= GateEntry.addressLimit else {
            throw HALError(
                .full, "client \(entry.mark.value) has \(entry.addresses.count) addresses",
                mend: "serve at most \(GateEntry.addressLimit) of them")
        }
        guard entry.addresses.allSatisfy(\.isUnicast) else {
            throw HALError(.broken, "client \(entry.mark.value) cannot own one of its addresses", mend: "")
        }
        var client = before ?? Held(entry: entry)
        client.entry = entry
        client.isServed = entry.lease.map { $0 >= .milliseconds(1) } ?? true
        let lateness = random.milliseconds(Self.leaseLateness)
        client.leaseDue = flaws.contains(.leasesNeverLapse) ? nil : entry.lease.map { now + $0 }
        client.leaseEnd = flaws.contains(.leasesNeverLapse) ? nil : entry.lease.map { now + $0 + lateness }
        client.isLatched = false
        if !flaws.contains(.noLatch) { client.quotaUse = client.counted }
        return client
    }

    /// The former owner must let go of an address in the same step or before.
    private func refuseTakenAddresses(_ after: [ClientMark: Held?], _ order: [ClientMark]) throws(HALError) {
        var claimed: [IPAddress: ClientMark] = [:]
        for mark in order {
            for address in after[mark]??.entry.addresses.sorted() ?? [] {
                let owner = claimed[address] ?? owners[address].flatMap { after[$0] == nil ? $0 : nil }
                if let owner, owner != mark {
                    throw HALError(
                        .busy, "\(address) belongs to client \(owner.value); client \(mark.value) cannot have it too",
                        mend: "stop client \(owner.value) first")
                }
                claimed[address] = mark
            }
        }
    }

    private mutating func set(_ mark: ClientMark, _ client: Held?) {
        if let old = held[mark] {
            for address in old.entry.addresses {
                let binding = Binding(port: old.entry.port, mac: old.entry.mac, address: address)
                if bindings[binding] == mark { bindings[binding] = nil }
                if owners[address] == mark { owners[address] = nil }
            }
        } else if client != nil, !used.insert(mark).inserted {
            marksReused += 1
        }
        held[mark] = client
        guard let client else { return }
        for address in client.entry.addresses {
            bindings[Binding(port: client.entry.port, mac: client.entry.mac, address: address)] = mark
            owners[address] = mark
        }
    }

    // MARK: packets

    /// Whose packet this is; nil: an unknown device's.
    public func mark(port: String, mac: MACAddress, address: IPAddress) -> ClientMark? {
        if flaws.contains(.bindsAddressAlone) { return owners[address] }
        return bindings[Binding(port: port, mac: mac, address: address)]
    }

    /// `count` packets of `size` bytes, spread evenly over a stretch of time. Returns how many passed: the first so many.
    mutating func pass(
        _ mark: ClientMark, _ direction: Direction, count: UInt64, size: UInt64, from start: Instant, to end: Instant
    ) -> UInt64 {
        guard var client = held[mark], client.isServed, !client.isLatched else { return 0 }
        var passed = count
        if let leaseEnd = client.leaseEnd, leaseEnd < end {
            guard leaseEnd > start else { return 0 }
            let share = count.multipliedFullWidth(by: UInt64((leaseEnd - start).count))
            passed = UInt64((end - start).count).dividingFullWidth((share.high, share.low)).quotient
        }
        if let limit = client.entry.byteLimit {
            let left = limit > client.quotaUse ? limit - client.quotaUse : 0
            var fitting = left / size
            if flaws.contains(.crossingPacketPasses), left > fitting * size { fitting += 1 }
            if fitting < passed {
                client.quotaUse += flaws.contains(.noLatch) ? (passed - fitting) * size : size
                client.isLatched = !flaws.contains(.noLatch)
                passed = fitting
            }
        }
        client.quotaUse += passed * size
        switch direction {
        case .up: (client.bytesUp, client.packetsUp) = (client.bytesUp + passed * size, client.packetsUp + passed)
        case .down: (client.bytesDown, client.packetsDown) = (client.bytesDown + passed * size, client.packetsDown + passed)
        }
        held[mark] = client
        return passed
    }
}

extension GateChange {
    var mark: ClientMark {
        switch self {
        case .serve(let entry): entry.mark
        case .stop(let mark), .forget(let mark): mark
        }
    }
}
