public import Primitives

/// IPv4 or IPv6.
public enum Family: String, Hashable, Sendable, CaseIterable {
    case v4, v6

    /// Bytes of the IP header without options.
    public var headerBytes: UInt64 { self == .v4 ? 20 : 40 }
}

/// What to build.
public struct Plan: Hashable, Sendable {
    public enum Stack: Hashable, Sendable {
        case dual, ipv4, ipv6

        public func has(_ family: Family) -> Bool { self == .dual || (self == .ipv4) == (family == .v4) }
    }

    /// One entry a client, 1 to 240.
    public var clients: [Stack]
    /// The one client is wired straight to the router, without the bridge between: for measuring throughput.
    public var isDirect: Bool
    /// Segmentation and receive offload on every interface; off, what is counted is what the air carries.
    public var offload: Bool
    /// Neighbours known beforehand everywhere, so that interfaces carry nothing but the traffic of the test.
    public var pinsNeighbours: Bool

    public init(
        clients: [Stack] = [.dual, .dual], isDirect: Bool = false, offload: Bool = false, pinsNeighbours: Bool = false
    ) {
        precondition(
            (1...Topology.clientsMax).contains(clients.count), "1 to \(Topology.clientsMax) clients, not \(clients.count)")
        precondition(!isDirect || clients.count == 1, "only one client fits on a direct wire")
        self.clients = clients
        self.isDirect = isDirect
        self.offload = offload
        self.pinsNeighbours = pinsNeighbours
    }

    public init(clients: Int, isDirect: Bool = false, offload: Bool = false, pinsNeighbours: Bool = false) {
        self.init(
            clients: Array(repeating: .dual, count: clients), isDirect: isDirect, offload: offload, pinsNeighbours: pinsNeighbours
        )
    }
}

/// Clients, the air, a router and the internet. Addresses follow from a client's index alone; see `Client`.
///
/// The router's interfaces are `lan0` (10.77.0.1/20, fd77::1/64) and `wan0` (198.18.0.1/24, fd78::1/64), the server's is `srv0`
/// (198.18.0.2, fd78::2), a client's is `eth0`. The router forwards; it neither translates nor filters until it is told.
public final class Topology: Sendable {
    /// What 198.18.0.0/24 holds above 198.18.0.10.
    public static let clientsMax = 240

    /// Client `index` is 02:00:00:00:00:10+index, 10.77.0.(10+index) and fd77::10+index (hexadecimal, as in its MAC).
    public struct Client: Sendable {
        public let index: Int
        public let stack: Plan.Stack
        public let namespace: Namespace
        public let mac: MACAddress

        /// Its address; nil when it does not speak that family.
        public func address(_ family: Family) -> IPAddress? { stack.has(family) ? Addresses.client(index, family) : nil }
        /// The server's address that only this client uses, by which its traffic is known also behind NAT.
        public func server(_ family: Family) -> IPAddress { Addresses.server(client: index, family) }
        public init(index: Int, stack: Plan.Stack, namespace: Namespace, mac: MACAddress) {
            (self.index, self.stack, self.namespace, self.mac) = (index, stack, namespace, mac)
        }

        /// IPv4 where it has it.
        public var preferred: Family { stack.has(.v4) ? .v4 : .v6 }
    }

    public enum Port: String, Sendable, CaseIterable {
        case lan0, wan0, srv0, eth0
    }

    public let plan: Plan
    public let router: Namespace
    public let server: Namespace
    /// The bridge between clients and router; nil on a direct wire.
    public let air: Namespace?
    public let clients: [Client]

    let internet = Internet()

    public init(_ plan: Plan = Plan()) throws {
        self.plan = plan
        router = try Namespace(role: "router")
        server = try Namespace(role: "server")
        air = plan.isDirect ? nil : try Namespace(role: "air")
        clients = try plan.clients.enumerated().map { index, stack in
            Client(
                index: index, stack: stack, namespace: try Namespace(role: "client\(index)"), mac: Addresses.mac(client: index))
        }
        do { try build() } catch {
            close()
            throw error
        }
    }

    deinit { close() }

    /// Removes all of it: processes first, then the namespaces.
    public func close() { namespaces.forEach { $0.close() } }

    public var namespaces: [Namespace] { clients.map(\.namespace) + [server, router] + (air.map { [$0] } ?? []) }

    /// Plain NAT as any router does it, in both families: the measure to compare the gate with.
    public func masquerade() throws {
        try router.run(
            ["nft", "-f", "-"],
            input: """
                table inet lab_nat {
                    chain out {
                        type nat hook postrouting priority srcnat; policy accept;
                        oifname "wan0" masquerade
                    }
                }

                """)
    }

    /// Waits until no interface of the router moved for `calm`: what the kernel says on its own at start has been said.
    public func settle(calm: Duration = .milliseconds(200), timeout: Duration = .seconds(10)) throws {
        var last = try [router.statistics(of: "lan0"), router.statistics(of: "wan0")]
        try waitUntil("the lab to be quiet", timeout: timeout, every: calm) {
            let reading = try [router.statistics(of: "lan0"), router.statistics(of: "wan0")]
            defer { last = reading }
            return reading == last
        }
    }
}

/// Makes a topology, gives it to `body`, and closes it, also when `body` throws.
public func withTopology<Result>(_ plan: Plan = Plan(), _ body: (Topology) throws -> Result) throws -> Result {
    let topology = try Topology(plan)
    defer { topology.close() }
    return try body(topology)
}

/// The same for an async body.
public func withTopology<Result>(
    _ plan: Plan = Plan(), isolation: isolated (any Actor)? = #isolation, _ body: (Topology) async throws -> Result
) async throws -> Result {
    let topology = try Topology(plan)
    defer { topology.close() }
    return try await body(topology)
}
