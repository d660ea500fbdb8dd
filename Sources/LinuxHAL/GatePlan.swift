import HAL
import Netlink
import Primitives

/// The difference between what the kernel holds and what it shall hold, as one batch. Pure: reads and writes nothing.
struct GatePlan {
    /// A client without service and without limit, for as long as it takes to read what its quota refused.
    struct Shut {
        var mark: ClientMark
        var byteLimit: UInt64
        var service: GateIntent.Client.Service
    }

    /// What the kernel holds when the batch is through.
    private(set) var after: [(mark: ClientMark, client: HeldClient?)] = []
    /// Clients whose limit rose: each may have been cut off just before, and the bytes it was refused be counted against it.
    private(set) var raised: [Shut] = []
    /// Clients that must be opened again.
    private(set) var shut: [Shut] = []
    /// Quotas of clients that are forgotten.
    private(set) var orphans: [String] = []

    private var closed: [SetElement] = []
    private var unbound: (v4: [SetElement], v6: [SetElement]) = ([], [])
    private var undirected: (v4: [SetElement], v6: [SetElement]) = ([], [])
    private var unaccounted: [SetElement] = []

    private var limits: [(name: String, limit: UInt64)] = []
    private var accounted: [SetElement] = []
    private var bound: (v4: [SetElement], v6: [SetElement]) = ([], [])
    private var directed: (v4: [SetElement], v6: [SetElement]) = ([], [])
    private var opened: [SetElement] = []

    /// - Parameter use: what was read of the clients that `needsUse` named
    init(_ intent: GateIntent, holding held: GateHoldings, use: [ClientMark: GateUse]) {
        for (mark, target) in intent.clients {
            if let target {
                keep(mark, target, held: held[mark], use: use[mark])
            } else if let client = held[mark] {
                forget(mark, client)
            }
        }
    }

    /// Shuts those of `raised` that were refused something that their new limit does not make good.
    init(shutting raised: [Shut], holding held: GateHoldings, use: [ClientMark: GateUse]) {
        for client in raised {
            guard let use = use[client.mark], var held = held[client.mark] else { continue }
            guard use.isCutOff(before: client.byteLimit) || use.refused > held.excess else { continue }
            shut(client, &held)
            after.append((client.mark, held))
        }
    }

    /// Opens clients with the limits they were to have; `use` was read while they were shut.
    init(opening shut: [Shut], holding held: GateHoldings, use: [ClientMark: GateUse]) {
        for client in shut {
            guard let use = use[client.mark], var held = held[client.mark] else { continue }
            limit(client.mark, client.byteLimit, excess: use.refused, &held)
            held.service = serve(client.mark, client.service, was: .stopped)
            after.append((client.mark, held))
        }
    }

    /// The clients whose bytes must be read before their limit can be changed.
    static func needsUse(_ intent: GateIntent, holding held: GateHoldings) -> [ClientMark] {
        intent.clients.compactMap { mark, target in
            guard let limit = target?.byteLimit, let client = held[mark], client.byteLimit != limit else { return nil }
            return mark
        }
    }

    private mutating func keep(_ mark: ClientMark, _ target: GateIntent.Client, held: HeldClient?, use: GateUse?) {
        var client = held ?? HeldClient(port: target.port, service: .stopped)
        if held == nil { accounted += GateTable.keys(mark).map { SetElement(key: $0) } }
        change(mark, from: client, bindings: target.bindings, downs: target.addresses)
        client.port = target.port
        client.bindings = target.bindings
        client.downs = target.addresses
        if let byteLimit = target.byteLimit, held?.byteLimit != byteLimit {
            let wanted = Shut(mark: mark, byteLimit: byteLimit, service: target.service)
            if let use, use.isCutOff(before: byteLimit) {
                shut(wanted, &client)
                after.append((mark, client))
                return
            }
            // What was refused stays refused: a reading under traffic may only show too little of it.
            limit(mark, byteLimit, excess: max(client.excess, use?.refused ?? 0), &client)
            if held != nil { raised.append(wanted) }
        }
        client.service = serve(mark, target.service, was: client.service)
        after.append((mark, client))
    }

    private mutating func shut(_ wanted: Shut, _ client: inout HeldClient) {
        limits.append((GateTable.quotaName(wanted.mark), GateTable.noLimit))
        client.byteLimit = nil
        client.service = serve(wanted.mark, .none, was: client.service)
        shut.append(wanted)
    }

    private mutating func limit(_ mark: ClientMark, _ byteLimit: UInt64, excess: UInt64, _ client: inout HeldClient) {
        let (sum, overflow) = byteLimit.addingReportingOverflow(excess)
        limits.append((GateTable.quotaName(mark), overflow ? GateTable.noLimit : min(sum, GateTable.noLimit)))
        client.byteLimit = byteLimit
        client.excess = excess
    }

    private mutating func change(_ mark: ClientMark, from client: HeldClient, bindings: Set<GateBinding>, downs: Set<IPAddress>) {
        for binding in client.bindings.subtracting(bindings) {
            Self.sort(SetElement(key: GateTable.key(binding)), binding.address, into: &unbound)
        }
        for address in client.downs.subtracting(downs) {
            Self.sort(SetElement(key: address.bytes), address, into: &undirected)
        }
        for binding in bindings.subtracting(client.bindings) {
            let element = SetElement(key: GateTable.key(binding), data: GateTable.key(mark.value))
            Self.sort(element, binding.address, into: &bound)
        }
        for address in downs.subtracting(client.downs) {
            let element = SetElement(key: address.bytes, data: GateTable.key(mark.value | GateTable.downBit))
            Self.sort(element, address, into: &directed)
        }
    }

    private mutating func serve(
        _ mark: ClientMark, _ service: GateIntent.Client.Service, was: HeldClient.Service
    ) -> HeldClient.Service {
        if service == .forever, was == .forever { return .forever }
        if was != .stopped { closed += GateTable.service(mark) }
        switch service {
        case .none: return .stopped
        case .forever:
            opened += GateTable.service(mark)
            return .forever
        case .milliseconds(let time):
            opened += GateTable.service(mark, milliseconds: time)
            return .leased
        }
    }

    private mutating func forget(_ mark: ClientMark, _ client: HeldClient) {
        _ = serve(mark, .none, was: client.service)
        change(mark, from: client, bindings: [], downs: [])
        unaccounted += GateTable.keys(mark).map { SetElement(key: $0) }
        orphans.append(GateTable.quotaName(mark))
        after.append((mark, nil))
    }

    private static func sort(
        _ element: SetElement, _ address: IPAddress, into lists: inout (v4: [SetElement], v6: [SetElement])
    ) {
        if address.isIPv6 { lists.v6.append(element) } else { lists.v4.append(element) }
    }

    /// What goes comes before what comes: an address may change hands within one batch.
    func batch() -> NetfilterBatch {
        var batch = NetfilterBatch(table: GateTable.name)
        // They are there or not: only the kernel knows, and deleting what is not there fails.
        batch.add(closed, to: GateTable.quotaOf)
        batch.delete(closed, from: GateTable.quotaOf)
        batch.delete(unbound.v4, from: GateTable.bind.v4)
        batch.delete(unbound.v6, from: GateTable.bind.v6)
        batch.delete(undirected.v4, from: GateTable.down.v4)
        batch.delete(undirected.v6, from: GateTable.down.v6)
        batch.delete(unaccounted, from: GateTable.account)
        for (name, limit) in limits { batch.setQuota(name, limit: limit) }
        batch.add(accounted, to: GateTable.account)
        batch.add(bound.v4, to: GateTable.bind.v4)
        batch.add(bound.v6, to: GateTable.bind.v6)
        batch.add(directed.v4, to: GateTable.down.v4)
        batch.add(directed.v6, to: GateTable.down.v6)
        batch.add(opened, to: GateTable.quotaOf)
        return batch
    }
}
