/// IP bytes that arrived: an independent measure, for the gate's to be compared with.
public struct Carried: Hashable, Sendable {
    /// Bytes that arrived at the server from the client.
    public var up: UInt64
    /// Bytes that arrived at the client from the server.
    public var down: UInt64
    public var packetsUp: UInt64
    public var packetsDown: UInt64

    public init(up: UInt64 = 0, down: UInt64 = 0, packetsUp: UInt64 = 0, packetsDown: UInt64 = 0) {
        self.up = up
        self.down = down
        self.packetsUp = packetsUp
        self.packetsDown = packetsDown
    }

    public static func + (left: Self, right: Self) -> Self {
        Carried(
            up: left.up + right.up, down: left.down + right.down, packetsUp: left.packetsUp + right.packetsUp,
            packetsDown: left.packetsDown + right.packetsDown)
    }

    public static func - (later: Self, earlier: Self) -> Self {
        Carried(
            up: later.up - earlier.up, down: later.down - earlier.down, packetsUp: later.packetsUp - earlier.packetsUp,
            packetsDown: later.packetsDown - earlier.packetsDown)
    }
}

/// Measures what each client was carried, at the two ends and not in the router: what the gate counts wrongly, this does not.
///
/// Counted is traffic between a client and its own server address, as whole IP packets, before anything else in the kernel of
/// that end sees them (fragments one by one). With offload on, a super-packet counts one header.
public struct WireCounter: Sendable {
    private let server: Namespace
    private let clients: [Topology.Client]
    private static let table = "lab_wire"
    // Before defragmentation (-400): a fragment counts with its own header, as it was carried.
    private static let hook = "type filter hook prerouting priority -500; policy accept;"

    /// Counts from now on.
    public init(_ topology: Topology) throws { try self.init(server: topology.server, clients: topology.clients) }

    public init(server: Namespace, clients: [Topology.Client]) throws {
        (self.server, self.clients) = (server, clients)
        try Self.load(
            into: server, counters: clients.map { "up\($0.index)" },
            rules: Family.allCases.map { family in
                let elements = clients.map { "\($0.server(family)) : \"up\($0.index)\"" }
                return "counter name \(family.word) daddr map { \(elements.joined(separator: ", ")) }"
            })
        for client in clients {
            try Self.load(
                into: client.namespace, counters: ["down"],
                rules: Family.allCases.map { "\($0.word) saddr \(client.server($0)) counter name \"down\"" })
        }
    }

    public func carried(client index: Int) throws -> Carried {
        let up = try server.count(of: "up\(index)", in: Self.table)
        let down = try clients[index].namespace.count(of: "down", in: Self.table)
        return Carried(up: up.bytes, down: down.bytes, packetsUp: up.packets, packetsDown: down.packets)
    }

    /// Bytes that arrived at the server alone: also known when the client's namespace is gone.
    public func bytesUp(client index: Int) throws -> UInt64 { try server.count(of: "up\(index)", in: Self.table).bytes }

    /// The same once nothing arrived for `calm`: what was under way has arrived.
    public func carriedAtLast(client index: Int, calm: Duration = .milliseconds(200), timeout: Duration = .seconds(10)) throws
        -> Carried
    {
        var last = try carried(client: index)
        try waitUntil("client \(index)'s traffic to rest", timeout: timeout, every: calm) {
            let reading = try carried(client: index)
            defer { last = reading }
            return reading == last
        }
        return last
    }

    private static func load(into namespace: Namespace, counters: [String], rules: [String]) throws {
        let text =
            ["table inet \(table) {"] + counters.map { "counter \($0) { }" } + ["chain arrival {", hook] + rules + ["}", "}", ""]
        try namespace.run(["nft", "-f", "-"], input: text.joined(separator: "\n"))
    }
}

extension Namespace {
    /// What a named nftables counter holds.
    public struct Count: Hashable, Sendable, Decodable {
        public var packets: UInt64
        public var bytes: UInt64
    }

    /// Reads a named counter of a table of the family inet.
    public func count(of counter: String, in table: String) throws -> Count {
        struct Listing: Decodable {
            struct Item: Decodable { var counter: Count? }
            var nftables: [Item]
        }
        let output = try run(["nft", "-j", "list", "counter", "inet", table, counter])
        guard let count = try output.json(as: Listing.self).nftables.compactMap(\.counter).first else {
            throw LabError.unreadable(what: "nft counter \(counter)", text: output.stdout)
        }
        return count
    }
}

extension Family {
    fileprivate var word: String { self == .v4 ? "ip" : "ip6" }
}
