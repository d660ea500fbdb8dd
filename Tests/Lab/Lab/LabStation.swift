import Foundation

/// A real `basestationd` in a lab's router, and buyers with real wallets in its clients.
public final class LabStation: Sendable {
    public let lab: Topology
    public let directory: String
    private let configuration: String

    /// - Parameter configuration: `[charging]` and `[[tariff]]` sections; ports and directories are the lab's.
    public init(_ lab: Topology, configuration: String) throws {
        self.lab = lab
        directory = "/tmp/\(lab.router.name)"
        self.configuration = """
            [station]
            name = "Lab station"
            state_directory = "\(directory)/state"
            runtime_directory = "\(directory)/run"
            [network]
            client_ports = ["lan0"]
            uplink_port = "wan0"
            \(configuration)
            """
        try run(["mkdir", "-p", directory])
        try run(["tee", configurationPath], input: self.configuration)
    }

    public var configurationPath: String { directory + "/station.toml" }
    public var socket: String { directory + "/run/control.sock" }

    /// Starts the daemon and waits until it answers.
    /// - Parameter rules: the gate's rules; those that are shipped when nil.
    public func start(rules: String? = nil) throws -> LabProcess {
        let daemon = try lab.router.start([
            try Products.url("basestationd").path, "--config", configurationPath, "--rules", rules ?? Products.rules,
        ])
        try waitUntil("basestationd answers", timeout: .seconds(20)) {
            guard daemon.isRunning else { throw LabError.unreadable(what: "the daemon's end", text: daemon.stderr) }
            return (try? ask("wallet", "address")) != nil  // not yet
        }
        return daemon
    }

    /// What a `basestation` command prints.
    @discardableResult public func ask(_ words: String...) throws -> String {
        try lab.router.run([try Products.url("basestation").path] + words + ["--socket", socket]).stdout
    }

    /// A wallet on a client's device; its address.
    public func makeWallet(_ client: Int) throws -> String {
        try lab.clients[client].namespace.run([try Products.url("qlink").path, "wallet", "create", "--wallet", wallet(client)])
            .stdout.trimmed
    }

    public func wallet(_ client: Int) -> String { "\(directory)/wallet-\(client).key" }

    /// The station as a client reaches it.
    public func address(for client: Int) -> String { (lab.clients[client].preferred == .v4 ? "10.77.0.1" : "fd77::1") }

    /// A buyer that pays as it goes.
    public func connect(_ client: Int, channel: String, tariff: String, limit: String) throws -> LabProcess {
        try lab.clients[client].namespace.start([
            try Products.url("qlink").path, "connect", address(for: client), "--channel", channel, "--tariff", tariff, "--limit",
            limit,
            "--wallet", wallet(client), "--yes",
        ])
    }

    public func close() { _ = try? run(["rm", "-rf", directory]) }
}

extension String {
    public var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
