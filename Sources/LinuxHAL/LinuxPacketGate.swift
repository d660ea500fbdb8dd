public import HAL
public import Netlink
import Primitives

/// The gate in the kernel's packet filter: see board/gate.nft for the rules, docs/datapath for why.
///
///     open ──▶ nft -f gate.nft (once) ──▶ dump: who is there already
///     apply ─▶ GateIntent (what it comes to) ─▶ GatePlan (the difference) ─▶ one netlink batch
///     readings ─▶ one dump of the set `account`
///
/// Everything that meters or cuts is in the kernel. This actor may die at any time: the next one finds all of it.
public actor LinuxPacketGate: PacketGate {
    public struct Configuration: Sendable {
        /// The ports that clients are on, and the way out.
        public var lan: [String]
        public var wan: String
        /// Those of `lan` that may be absent: access points. Whoever makes them turns their offloads off.
        public var comeAndGo: Set<String> = []
        public var portalPort: UInt16 = 2050
        /// The text of board/gate.nft.
        public var template: String
        /// Where the rules are written for `nft` and for people to read.
        public var rulesPath = "/run/basestation/gate.nft"
        /// Turn off GRO, TSO and GSO on all ports, so that bytes are counted as the air carries them.
        public var turnsOffloadsOff = true
        /// For tests; nil is the process's own.
        public var namespace: NetworkNamespace?

        public init(lan: [String], wan: String, template: String) {
            self.lan = lan
            self.wan = wan
            self.template = template
        }
    }

    private let configuration: Configuration
    private var tables: Tables?
    private var held = GateHoldings()
    /// Quotas that no client has any more.
    private var orphans: Set<String> = []

    private struct Tables {
        let netfilter: NetfilterSocket
        let route: RouteSocket
        var reader: GateReader { GateReader(socket: netfilter) }
    }

    public init(_ configuration: Configuration) { self.configuration = configuration }

    /// Loads the rules and adopts the clients that the kernel serves already. Throws `.missing` when a port or nft is not there.
    public func open() throws(HALError) -> [ClientMark] {
        let tables = try connect()
        let links = try netlink("read the interfaces") { () throws(NetlinkError) in try tables.route.links() }
        let rules = try GateRules(
            template: configuration.template, lan: configuration.lan, wan: configuration.wan,
            portalPort: configuration.portalPort)
        let standing = (configuration.lan + [configuration.wan]).filter { !configuration.comeAndGo.contains($0) }
        for port in standing where !links.contains(where: { $0.name == port }) {
            throw .missing(interface: port, among: links.map(\.name))
        }
        try rules.load(by: configuration.rulesPath, in: configuration.namespace)
        if configuration.turnsOffloadsOff {
            for port in standing { try Offloads.turnOff(port, in: configuration.namespace) }
        }
        try Conntrack.refuseStrayTCP(in: configuration.namespace)
        try adopt(tables)
        self.tables = tables
        return held.clients.keys.sorted()
    }

    /// One batch. When a limit rose it is followed by a look whether it came too late: see ``GateUse``.
    public func apply(_ changes: [GateChange]) throws(HALError) {
        let tables = try opened()
        let plan: GatePlan
        do throws(HALError) {
            plan = try change(changes, tables)
        } catch {
            // Somebody changed the table by hand: look what there is, and do it from there. A conflict of our own comes again.
            guard error.kind == .missing || error.kind == .busy else { throw error }
            try adopt(tables)
            plan = try change(changes, tables)
        }
        var shut = plan.shut
        if !plan.raised.isEmpty {
            let use = try tables.reader.use(of: plan.raised.map(\.mark))
            shut += try commit(GatePlan(shutting: plan.raised, holding: held, use: use), tables).shut
        }
        if !shut.isEmpty {
            let use = try tables.reader.use(of: shut.map(\.mark))
            try commit(GatePlan(opening: shut, holding: held, use: use), tables)
        }
        orphans.formUnion(plan.orphans)
        sweep(tables)
    }

    private func change(_ changes: [GateChange], _ tables: Tables) throws(HALError) -> GatePlan {
        let intent = try GateIntent(changes, holding: held, indices: try indices(of: changes, tables.route))
        let use = try tables.reader.use(of: GatePlan.needsUse(intent, holding: held))
        return try commit(GatePlan(intent, holding: held, use: use), tables)
    }

    @discardableResult
    private func commit(_ plan: GatePlan, _ tables: Tables) throws(HALError) -> GatePlan {
        try netlink("change the gate") { () throws(NetlinkError) in try tables.netfilter.commit(plan.batch()) }
        for (mark, client) in plan.after { held[mark] = client }
        return plan
    }

    /// Deletes the quotas of clients that are forgotten. The kernel refuses while an element whose lease has ended still waits
    /// for its collector, a second or two: then the next change tries again.
    private func sweep(_ tables: Tables) {
        guard !orphans.isEmpty else { return }
        if (try? tables.netfilter.commit(.deleting(quotas: orphans))) != nil { return orphans.removeAll() }
        for name in orphans.prefix(GateReader.singleReads) where (try? tables.netfilter.commit(.deleting(quotas: [name]))) != nil
        {
            orphans.remove(name)
        }
    }

    private func adopt(_ tables: Tables) throws(HALError) {
        let links = try netlink("read the interfaces") { () throws(NetlinkError) in try tables.route.links() }
        let ports = Dictionary(links.map { ($0.index, $0.name) }) { first, _ in first }
        // Swift 6.2 lets no closure that holds the actor itself into the reader.
        let adoption = try tables.reader.again("adopt the clients") { [orphans] () throws(NetlinkError) in
            try GateAdoption(tables.netfilter, ports: ports, orphans: orphans)
        }
        try netlink("repair the gate") { () throws(NetlinkError) in try tables.netfilter.commit(adoption.repairs) }
        held = adoption.holdings
    }

    public func readings() throws(HALError) -> [GateReading] { try opened().reader.readings(count: held.clients.count) }

    public func newcomers() throws(HALError) -> [Neighbour] {
        let tables = try opened()
        let found = try tables.reader.newcomers()
        guard !found.isEmpty else { return [] }
        let links = try netlink("read the interfaces") { () throws(NetlinkError) in try tables.route.links() }
        let ports = Dictionary(links.map { ($0.index, $0.name) }) { first, _ in first }
        return found.compactMap { binding in
            ports[binding.index].map { Neighbour(port: $0, mac: binding.mac, address: binding.address) }
        }
    }

    /// Binds a port's clients to the interface that has its name now: call it when a port was made anew.
    public func rebind(port: String) throws(HALError) {
        let tables = try opened()
        let index = try self.index(of: port, tables.route)
        var batch = NetfilterBatch(table: GateTable.name)
        var moved: [(mark: ClientMark, client: HeldClient)] = []
        for (mark, client) in held.clients where client.port == port {
            let stale = client.bindings.filter { $0.index != index }
            guard !stale.isEmpty else { continue }
            var client = client
            client.bindings = Set(client.bindings.map { GateBinding(index: index, mac: $0.mac, address: $0.address) })
            for (isIPv6, set) in [(false, GateTable.bind.v4), (true, GateTable.bind.v6)] {
                batch.delete(
                    stale.filter { $0.address.isIPv6 == isIPv6 }.map { SetElement(key: GateTable.key($0)) }, from: set)
                batch.add(
                    client.bindings.filter { $0.address.isIPv6 == isIPv6 }
                        .map { SetElement(key: GateTable.key($0), data: GateTable.key(mark.value)) }, to: set)
            }
            moved.append((mark, client))
        }
        try netlink("bind the clients of \(port) anew") { () throws(NetlinkError) in try tables.netfilter.commit(batch) }
        for (mark, client) in moved { held[mark] = client }
    }

    private func connect() throws(HALError) -> Tables {
        let namespace = configuration.namespace
        return try netlink("open the packet filter") { () throws(NetlinkError) in
            Tables(netfilter: try NetfilterSocket(in: namespace), route: try RouteSocket(in: namespace))
        }
    }

    private func opened() throws(HALError) -> Tables {
        guard let tables else { throw HALError(.broken, "the gate is not open", mend: "open it first") }
        return tables
    }

    private func indices(of changes: [GateChange], _ route: RouteSocket) throws(HALError) -> [String: Int32] {
        var indices: [String: Int32] = [:]
        for case .serve(let entry) in changes where indices[entry.port] == nil && !entry.addresses.isEmpty {
            indices[entry.port] = try index(of: entry.port, route)
        }
        return indices
    }

    private func index(of port: String, _ route: RouteSocket) throws(HALError) -> Int32 {
        let link = try netlink("look for \(port)") { () throws(NetlinkError) in try route.link(port) }
        if let link { return link.index }
        let names = try netlink("read the interfaces") { () throws(NetlinkError) in try route.links().map(\.name) }
        throw .missing(interface: port, among: names)
    }
}

extension NetfilterBatch {
    fileprivate static func deleting(quotas: Set<String>) -> NetfilterBatch {
        var batch = NetfilterBatch(table: GateTable.name)
        for name in quotas { batch.deleteQuota(name) }
        return batch
    }
}
