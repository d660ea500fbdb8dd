import Foundation
public import Lab
public import Ledger
public import Primitives
public import StationAPI
import StationClient

/// A network of chain nodes: each a real `basestationd` with a disk of its own, in a namespace of its own, on wires of some length.
///
/// ```
///  node 0 ── 10.88.0.1 ─┐
///  node 1 ── 10.88.0.2 ─┼─ labswitch: every frame comes out `delay` later
///     …                 │
///  node n ── 10.88.0.n ─┘
/// ```
public final class ChainNet: Sendable {
    public struct Node: Sendable {
        public let index: Int
        public let key: PrivateKey
        public let role: String
        public let namespace: Namespace
        public let folder: String
        public var socket: String { folder + "/run/control.sock" }
        public var chainFolder: String { folder + "/state/chain" }
    }

    public let genesis: Genesis
    public let nodes: [Node]
    private let hub: Namespace
    private let wires: LabProcess
    private let folder: String

    /// - Parameters:
    ///   - roles: of each node; the first keys of `keys` belong to them.
    ///   - delay: from any node to any other, one way.
    public init(genesis: Genesis, keys: [PrivateKey], roles: [String], delay: Duration) throws {
        self.genesis = genesis
        let hub = try Namespace(role: "hub")
        let folder = "/tmp/\(hub.name)"
        (self.hub, self.folder) = (hub, folder)
        nodes = try roles.enumerated().map { index, role in
            Node(
                index: index, key: keys[index], role: role, namespace: try Namespace(role: "node\(index)"),
                folder: "\(folder)/\(index)")
        }
        for node in nodes {
            let port = "port\(node.index)"
            // Addresses are usable at once.
            try node.namespace.set("net.ipv6.conf.default.accept_dad", to: "0")
            try hub.run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", node.namespace.name)
            try hub.run("ip", "link", "set", port, "up")
            try node.namespace.run("ip", "address", "add", "\(Self.address(node.index))/24", "dev", "eth0")
            try node.namespace.run("ip", "link", "set", "eth0", "up")
            try hub.setOffload(false, on: port)
            try node.namespace.setOffload(false, on: "eth0")
            // labswitch carries what is on the wire: the checksum must be there.
            try node.namespace.run("ethtool", "-K", "eth0", "tx", "off")
        }
        let milliseconds = Int64(delay / .milliseconds(1))
        let process = try hub.start(
            [try Products.url("labswitch").path, "\(milliseconds)"] + nodes.map { "port\($0.index)" })
        wires = process
        try waitUntil("labswitch to begin: \(process.stderr)") { process.stdout.contains("switching") || !process.isRunning }
        for node in nodes { try write(node) }
    }

    /// Removes all that it made.
    public func close() {
        wires.close()
        for node in nodes { node.namespace.close() }
        hub.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private static func address(_ index: Int) -> String { "10.88.0.\(index + 1)" }

    // MARK: Nodes

    private func write(_ node: Node, isCopy: Bool = false) throws {
        let files = FileManager.default
        try files.createDirectory(atPath: node.folder + "/state", withIntermediateDirectories: true)
        chmod(node.folder + "/state", 0o700)
        let key = node.folder + "/state/station.key"
        guard files.createFile(atPath: key, contents: Data(node.key.seed), attributes: [.posixPermissions: 0o600]) else {
            throw LabError.unreadable(what: key, text: "it cannot be written")
        }
        try JSONEncoder().encode(genesis).write(to: URL(fileURLWithPath: folder + "/genesis.json"))
        let peers = nodes.filter { $0.index != node.index }.map { "\"\(Self.address($0.index)):2053\"" }
        try """
        [station]
        name = "Node \(node.index)"
        hal = "simulated"
        state_directory = "\(node.folder)/state"
        runtime_directory = "\(node.folder)/run"
        [simulation]
        clients = 0
        [chain]
        genesis = "\(folder)/genesis.json"
        role = "\(node.role)"
        listen = "\(Self.address(node.index)):2053"
        peers = [\(peers.joined(separator: ", "))]
        private_addresses = true
        rpc_listen = "\(Self.address(node.index)):2052"
        disk_is_copy = \(isCopy)
        register = false
        [[tariff]]
        id = "free"
        """.write(toFile: node.folder + "/station.toml", atomically: true, encoding: .utf8)
    }

    /// Starts a node and waits until it answers.
    ///
    /// - Parameter prefix: what comes before the program, like `taskset --cpu-list 0`.
    public func start(_ index: Int, prefix: [String] = []) async throws -> LabProcess {
        let node = nodes[index]
        let daemon = try node.namespace.start(
            prefix + [try Products.url("basestationd").path, "--config", node.folder + "/station.toml"])
        try await waitUntil("node \(index) answers", timeout: .seconds(30)) {
            guard daemon.isRunning else { throw LabError.unreadable(what: "the end of node \(index)", text: daemon.stderr) }
            return (try? await self.status(of: index)) != nil  // not yet
        }
        return daemon
    }

    /// Another board takes a node's place: the same key, nothing else. Its owner says so.
    public func replaceDisk(of index: Int) throws {
        try FileManager.default.removeItem(atPath: nodes[index].chainFolder)
        try write(nodes[index], isCopy: true)
    }

    // MARK: Asking

    public func status(of index: Int) async throws -> StatusView { try await connection(index).get("/v1/status") }

    public func height(of index: Int) async throws -> UInt64 { try await status(of: index).chain?.height ?? 0 }

    /// What a `basestation` command prints.
    public func ask(_ index: Int, _ words: String...) throws -> String {
        try nodes[index].namespace.run([try Products.url("basestation").path] + words + ["--socket", nodes[index].socket]).stdout
    }

    /// The result of a JSON-RPC call to a node.
    public func call<Result: Decodable>(_ index: Int, _ method: String, _ params: [String: String] = [:], as: Result.Type)
        async throws -> Result
    {
        let reply: Reply<Result> = try await connection(index).post("/v1/chain/rpc", Call(method: method, params: params))
        guard let result = reply.result else {
            throw LabError.unreadable(what: "\(method) at node \(index)", text: reply.error?.message ?? "no result")
        }
        return result
    }

    private func connection(_ index: Int) -> StationConnection { StationConnection(.unix(nodes[index].socket)) }

    // MARK: Paying

    /// Signs what `key` wants done, with the next sequence that the node at `index` knows, and submits it there.
    public func submit(_ payload: Payload, by key: PrivateKey, at index: Int) async throws -> CheckedTransaction {
        struct Next: Decodable { var sequence: UInt64 }
        let next = try await call(index, "chain.next_sequence", ["address": address(key.publicKey)], as: Next.self)
        let transaction = Transaction(
            chainID: genesis.chainID, sender: key.publicKey, sequence: next.sequence, fee: QLC(units: 2_000_000),
            validUntil: UInt64(Date().timeIntervalSince1970 * 1_000) + 600_000, payload: payload)
        let checked = CheckedTransaction(signing: transaction, by: key)
        struct Submitted: Decodable { var id: String }
        _ = try await call(index, "chain.submit", ["transaction": Hex.encode(checked.bytes)], as: Submitted.self)
        return checked
    }

    public struct Outcome: Decodable, Sendable {
        public var status: String
        public var height: UInt64?
        public var reason: String?
        public var creates: String?
    }

    /// Waits until a transaction is final at a node; a refused one throws with its reason.
    @discardableResult
    public func wait(
        for transaction: CheckedTransaction, at index: Int, timeout: Duration = .seconds(60), every: Duration = .milliseconds(5)
    ) async throws -> Outcome {
        var outcome: Outcome?
        try await waitUntil("transaction \(transaction.id) at node \(index)", timeout: timeout, every: every) {
            do {
                outcome = try await self.call(index, "chain.transaction", ["id": "\(transaction.id)"], as: Outcome.self)
            } catch is LabError {}  // not heard of yet
            return outcome.map { $0.status != "waiting" } ?? false
        }
        guard let outcome, outcome.status == "done" else {
            throw LabError.unreadable(what: "transaction \(transaction.id)", text: outcome?.reason ?? "lost")
        }
        return outcome
    }

    public func address(_ key: PublicKey) -> String { Address(key, on: .init(ofChain: genesis.name)).description }
}

private struct Call: Encodable {
    var jsonrpc = "2.0"
    var id = 1
    var method: String
    var params: [String: String]
}

private struct Reply<Result: Decodable>: Decodable {
    struct Fault: Decodable { var message: String }
    var result: Result?
    var error: Fault?
}
