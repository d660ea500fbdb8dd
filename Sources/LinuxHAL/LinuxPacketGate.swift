import CLinux
import CNetlink
import Glibc
public import HAL
import Netlink
public import Primitives

/// The packet gate on nftables (datapath.md). Its rules are a readable file, loaded once by `nft`; all that changes with
/// clients goes by raw nfnetlink, in transactions of set elements and quota objects.
///
/// A raise takes two transactions: limits first, leases after. In one, the kernel would show the renewed lease before
/// the new limit, and a packet between the two would cut the client off again (docs/decisions/002-gate.md).
public actor LinuxPacketGate: PacketGate {
    /// How the gate is set up on this board.
    public struct Setup: Sendable {
        /// Text of board/gate.nft.
        public var rules: String
        /// Where the rules in force are kept for people to read.
        public var rulesPath: String
        public var clientPorts: [String]
        public var uplinkPort: String
        /// Off where IP-layer bytes are billed as carried: super-packets count one header for many.
        public var keepsOffload: Bool
        /// For tests: the network namespace to work in, by name.
        public var namespace: String?

        public init(
            rules: String, rulesPath: String, clientPorts: [String], uplinkPort: String, keepsOffload: Bool = false,
            namespace: String? = nil
        ) {
            self.rules = rules
            self.rulesPath = rulesPath
            self.clientPorts = clientPorts
            self.uplinkPort = uplinkPort
            self.keepsOffload = keepsOffload
            self.namespace = namespace
        }
    }

    /// What was last told to the kernel about a client.
    struct Installed {
        var bindings: Set<Binding> = []
        /// The limit as asked for, in bytes since the mark was first used; nil: not known, since somebody else told the kernel.
        var byteLimit: UInt64?
        /// Bytes that were counted before the kernel's quota object began.
        var quotaBase: UInt64?
        var isUnlimited = false
    }

    struct Binding: Hashable {
        var index: Int32
        var mac: MACAddress
        var address: IPAddress

        var bindKey: [UInt8] { GateTable.key(port: index, mac: mac, address: address) }
    }

    private let setup: Setup
    private var netfilter: NetlinkSocket?
    private var route: NetlinkSocket?
    var installed: [UInt32: Installed] = [:]

    public init(_ setup: Setup) { self.setup = setup }

    var namespacePath: String? { setup.namespace.map { "/run/netns/\($0)" } }

    // MARK: opening

    public func open() async throws(HALError) -> [ClientMark] {
        do {
            netfilter = try NetlinkSocket(NETLINK_NETFILTER, namespace: namespacePath)
            route = try NetlinkSocket(NETLINK_ROUTE, namespace: namespacePath)
        } catch { throw HALError(error, doing: "opening the packet gate") }
        for port in setup.clientPorts + [setup.uplinkPort] { _ = try index(of: port) }
        try RulesLoader(setup).load()
        if !setup.keepsOffload, setup.namespace == nil {
            for port in setup.clientPorts + [setup.uplinkPort] { clinux_set_offload(port, 0) }
        }
        return try adopt()
    }

    /// Learns what the kernel holds: who is bound, and who has been counted.
    private func adopt() throws(HALError) -> [ClientMark] {
        installed = [:]
        let socket = try socket()
        do {
            try GateReader.dump(GateTable.account, on: socket) { element in
                let mark = element.key.native(UInt32.self)
                if mark & GateTable.downlinkBit == 0 { installed[mark] = installed[mark] ?? Installed() }
            }
            for map in GateTable.bindMaps {
                try GateReader.dump(map, on: socket) { element in
                    guard let mark = element.mark, let binding = Binding(bindKey: element.key) else { return }
                    installed[mark]?.bindings.insert(binding)
                }
            }
        } catch { throw HALError(error, doing: "reading the packet gate") }
        return installed.keys.sorted().compactMap(ClientMark.init)
    }

    func socket() throws(HALError) -> NetlinkSocket {
        guard let netfilter else { throw HALError(.missing, "the packet gate is not open", mend: "call open() first") }
        return netfilter
    }

    /// The interface's index now: it changes when an interface is made anew.
    func index(of port: String) throws(HALError) -> Int32 {
        guard let route else { throw HALError(.missing, "the packet gate is not open", mend: "call open() first") }
        do {
            guard let link = try RouteReader.link(named: port, on: route) else { throw HALError(.missing, port: port) }
            return link.index
        } catch let error as NetlinkError { throw HALError(error, doing: "looking for \(port)") } catch let error as HALError {
            throw error
        } catch { throw HALError(.broken, "\(error)", mend: "") }
    }

    // MARK: reading

    public func readings() async throws(HALError) -> [GateReading] {
        let socket = try socket()
        var up: [UInt32: GateReader.Counted] = [:]
        var down: [UInt32: GateReader.Counted] = [:]
        up.reserveCapacity(installed.count)
        down.reserveCapacity(installed.count)
        do {
            try GateReader.dump(GateTable.account, on: socket) { element in
                let mark = element.key.native(UInt32.self)
                guard let counted = element.counted else { return }
                if mark & GateTable.downlinkBit == 0 { up[mark] = counted } else { down[mark & ~GateTable.downlinkBit] = counted }
            }
        } catch { throw HALError(error, doing: "reading the counters") }
        return up.compactMap { mark, sent in
            guard let mark = ClientMark(mark) else { return nil }
            let received = down[mark.value] ?? GateReader.Counted()
            return GateReading(
                mark: mark, bytesUp: sent.bytes, bytesDown: received.bytes, packetsUp: sent.packets,
                packetsDown: received.packets)
        }
    }

    // MARK: changing

    public func apply(_ changes: [GateChange]) async throws(HALError) {
        guard !changes.isEmpty else { return }
        let socket = try socket()
        var next = installed
        var limits = NetfilterBatch(table: GateTable.name, family: GateTable.family)
        var leases = NetfilterBatch(table: GateTable.name, family: GateTable.family)
        let cutOff = try cutOff(among: changes)
        // What is let go comes first: an address may move from one client to another in one transaction.
        for change in changes { try release(change, &limits, &next) }
        var lively: [(UInt32, Nanoseconds?)] = []
        for case .serve(let entry) in changes {
            try serve(entry, frozenAt: cutOff[entry.mark.value], &limits, &next)
            if !entry.addresses.isEmpty { lively.append((entry.mark.value, entry.lease)) }
        }
        renew(lively, &leases)
        do throws(NetlinkError) {
            try limits.commit(on: socket)
            installed = next
            try leases.commit(on: socket)
        } catch { throw HALError(error, doing: "changing the packet gate") }
    }

    /// Those whose quota the kernel has seen used up: they are taken out, and their counters, now final, are read.
    /// Their quota starts anew with exactly what is left, so that packets which were refused cost nobody anything.
    private func cutOff(among changes: [GateChange]) throws(HALError) -> [UInt32: UInt64] {
        let socket = try socket()
        var frozen: [UInt32: UInt64] = [:]
        do {
            var cut: [UInt32] = []
            for case .serve(let entry) in changes {
                guard let known = installed[entry.mark.value], needsNewLimit(entry, known) else { continue }
                let quota = try GateReader.quota(entry.mark.value, on: socket)
                if quota == nil || quota!.isDepleted || known.quotaBase == nil { cut.append(entry.mark.value) }
            }
            guard !cut.isEmpty else { return [:] }
            var batch = NetfilterBatch(table: GateTable.name, family: GateTable.family)
            batch.clear(cut.flatMap(liveElements), outOf: GateTable.live, subject: "pausing \(cut.count) clients")
            try batch.commit(on: socket)
            for mark in cut { frozen[mark] = try GateReader.counted(mark, on: socket) }
        } catch { throw HALError(error, doing: "reading the quotas") }
        return frozen
    }

    private func needsNewLimit(_ entry: GateEntry, _ known: Installed) -> Bool {
        known.quotaBase == nil || known.isUnlimited != (entry.byteLimit == nil) || known.byteLimit != entry.byteLimit
    }

    private func release(_ change: GateChange, _ batch: inout NetfilterBatch, _ next: inout [UInt32: Installed]) throws(HALError)
    {
        let mark = change.mark.value
        guard let known = next[mark] else { return }
        let subject = "client \(mark)"
        var kept: Set<Binding> = []
        if case .serve(let entry) = change { kept = try bindings(of: entry) }
        let gone = known.bindings.subtracting(kept)
        if kept.isEmpty { batch.clear(liveElements(mark), outOf: GateTable.live, subject: subject) }
        for binding in gone {
            batch.take([GateElement(binding.bindKey)], outOf: GateTable.bindMap(binding.address), subject: subject)
            batch.take([GateElement(binding.address.bytes)], outOf: GateTable.downMap(binding.address), subject: subject)
        }
        next[mark]?.bindings.subtract(gone)
        guard case .forget = change else { return }
        batch.take(markElements(mark), outOf: GateTable.quotaOf, subject: subject)
        batch.deleteQuota(mark, subject: subject)
        batch.take(markElements(mark), outOf: GateTable.account, subject: subject)
        next[mark] = nil
    }

    private func serve(
        _ entry: GateEntry, frozenAt counted: UInt64?, _ batch: inout NetfilterBatch, _ next: inout [UInt32: Installed]
    ) throws(HALError) {
        let mark = entry.mark.value
        let subject = "client \(mark) (\(entry.mac))"
        let known = next[mark]
        var state = known ?? Installed(quotaBase: 0)
        if let counted {
            batch.take(markElements(mark), outOf: GateTable.quotaOf, subject: subject)
            batch.deleteQuota(mark, subject: subject)
            state.quotaBase = counted
        }
        if known == nil || counted != nil || needsNewLimit(entry, state) {
            batch.setQuota(mark, limit: Self.kernelLimit(entry.byteLimit, base: state.quotaBase ?? 0), subject: subject)
        }
        if known == nil || counted != nil {
            let name = GateTable.quotaName(mark)
            batch.put(markElements(mark).map { GateElement($0.key, object: name) }, into: GateTable.quotaOf, subject: subject)
        }
        if known == nil { batch.put(markElements(mark), into: GateTable.account, subject: subject) }
        for binding in try bindings(of: entry).subtracting(state.bindings) {
            let address = "\(subject) at \(binding.address)"
            batch.put([GateElement(binding.bindKey, mark: mark)], into: GateTable.bindMap(binding.address), subject: address)
            batch.put(
                [GateElement(binding.address.bytes, mark: mark | GateTable.downlinkBit)],
                into: GateTable.downMap(binding.address), subject: address)
            state.bindings.insert(binding)
        }
        state.byteLimit = entry.byteLimit
        state.isUnlimited = entry.byteLimit == nil
        next[mark] = state
    }

    /// Fresh leases: there, gone, there again with the new time; in one transaction no packet sees it.
    private func renew(_ marks: [(UInt32, Nanoseconds?)], _ batch: inout NetfilterBatch) {
        let subject = "the leases of \(marks.count) clients"
        batch.clear(marks.flatMap { liveElements($0.0) }, outOf: GateTable.live, subject: subject)
        let fresh = marks.flatMap { mark, lease in
            liveElements(mark).map { GateElement($0.key, timeout: lease ?? Self.forever) }
        }
        batch.put(fresh, into: GateTable.live, subject: subject)
    }

    /// A year: the set wants a timeout for each element, and a station that was not told anything for a year is off.
    private static let forever = Nanoseconds.seconds(365 * 86_400)

    /// The largest limit that the kernel takes stands for none.
    private static func kernelLimit(_ byteLimit: UInt64?, base: UInt64) -> UInt64 {
        guard let byteLimit else { return UInt64(Int64.max) }
        return min(byteLimit > base ? byteLimit - base : 0, UInt64(Int64.max))
    }

    private func bindings(of entry: GateEntry) throws(HALError) -> Set<Binding> {
        guard !entry.addresses.isEmpty else { return [] }
        let index = try index(of: entry.port)
        return Set(entry.addresses.map { Binding(index: index, mac: entry.mac, address: $0) })
    }

    private func markElements(_ mark: UInt32) -> [GateElement] {
        [mark, mark | GateTable.downlinkBit].map { GateElement(GateTable.key($0)) }
    }

    private func liveElements(_ mark: UInt32) -> [GateElement] { markElements(mark) }
}

extension LinuxPacketGate.Binding {
    init?(bindKey key: Bytes) {
        guard key.count == 16 || key.count == 28, let mac = MACAddress(octets: key.slice(4, 6).array),
            let address = IPAddress(bytes: key.dropping(12).array)
        else { return nil }
        self.init(index: key.native(Int32.self), mac: mac, address: address)
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
