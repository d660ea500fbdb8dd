import HAL
import Netlink
import Primitives

/// The difference between what the kernel holds and what it shall hold, as one batch. Pure: reads and writes nothing.
struct GatePlan {
    /// What the kernel holds when the batch is through.
    private(set) var after: [(mark: ClientMark, client: HeldClient?)] = []
    /// Clients whose limit rose: a packet may meet the old limit after its mark is live again, and take it out.
    private(set) var raised: [(mark: ClientMark, service: GateIntent.Client.Service)] = []

    private var dead: [SetElement] = []
    private var unbound: (v4: [SetElement], v6: [SetElement]) = ([], [])
    private var undirected: (v4: [SetElement], v6: [SetElement]) = ([], [])
    private var unlimited: [SetElement] = []
    private var dropped: [String] = []
    private var unaccounted: [SetElement] = []

    private var quotas: [(name: String, limit: UInt64, consumed: UInt64)] = []
    private var limited: [SetElement] = []
    private var accounted: [SetElement] = []
    private var bound: (v4: [SetElement], v6: [SetElement]) = ([], [])
    private var directed: (v4: [SetElement], v6: [SetElement]) = ([], [])
    private var live: [SetElement] = []

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
        var isRenewed = false
        if let limit = target.byteLimit, held?.byteLimit != limit {
            isRenewed = setLimit(mark, limit, use: use)
            client.byteLimit = limit
            if held != nil, target.service != .none { raised.append((mark, target.service)) }
        }
        change(mark, from: client, bindings: target.bindings, downs: target.addresses)
        client.port = target.port
        client.bindings = target.bindings
        client.downs = target.addresses
        // A client whose quota is made anew was cut off: whatever we held, it is out of `live`.
        client.service = serve(mark, target.service, was: isRenewed ? .unknown : client.service)
        after.append((mark, client))
    }

    /// Whether the quota is made anew.
    private mutating func setLimit(_ mark: ClientMark, _ limit: UInt64, use: GateUse?) -> Bool {
        let name = GateTable.quotaName(mark)
        let keys = GateTable.keys(mark)
        limited += keys.map { SetElement(key: $0, object: name) }
        switch GateQuota(byteLimit: limit, after: use) {
        case .set(let kernelLimit):
            quotas.append((name, kernelLimit, 0))
            return false
        case .renew(let kernelLimit, let consumed):
            unlimited += keys.map { SetElement(key: $0) }
            dropped.append(name)
            quotas.append((name, kernelLimit, consumed))
            return true
        }
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
        let bare = GateTable.keys(mark).map { SetElement(key: $0) }
        switch service {
        case .none:
            if was != .stopped { dead += bare }
            return .stopped
        case .forever where was == .forever:
            return .forever
        case .forever:
            if was != .stopped { dead += bare }
            live += bare
            return .forever
        case .milliseconds(let time):
            if was != .stopped { dead += bare }
            live += GateTable.keys(mark).map { SetElement(key: $0, timeoutMilliseconds: time) }
            return .leased
        }
    }

    private mutating func forget(_ mark: ClientMark, _ client: HeldClient) {
        let bare = GateTable.keys(mark).map { SetElement(key: $0) }
        if client.service != .stopped { dead += bare }
        change(mark, from: client, bindings: [], downs: [])
        unlimited += bare
        dropped.append(GateTable.quotaName(mark))
        unaccounted += bare
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
        batch.clearLive(dead)
        batch.delete(unbound.v4, from: GateTable.bind.v4)
        batch.delete(unbound.v6, from: GateTable.bind.v6)
        batch.delete(undirected.v4, from: GateTable.down.v4)
        batch.delete(undirected.v6, from: GateTable.down.v6)
        batch.delete(unlimited, from: GateTable.quotaOf)
        for name in dropped { batch.deleteQuota(name) }
        batch.delete(unaccounted, from: GateTable.account)
        for quota in quotas { batch.setQuota(quota.name, limit: quota.limit, consumed: quota.consumed) }
        batch.add(limited, to: GateTable.quotaOf)
        batch.add(accounted, to: GateTable.account)
        batch.add(bound.v4, to: GateTable.bind.v4)
        batch.add(bound.v6, to: GateTable.bind.v6)
        batch.add(directed.v4, to: GateTable.down.v4)
        batch.add(directed.v6, to: GateTable.down.v6)
        batch.add(live, to: GateTable.live)
        return batch
    }
}

extension NetfilterBatch {
    /// Takes elements out of `live` whether they are there or not: only the kernel knows, and deleting what is not there fails.
    mutating func clearLive(_ elements: [SetElement]) {
        add(elements, to: GateTable.live)
        delete(elements, from: GateTable.live)
    }
}
