import Foundation
import Lab
public import Mining
public import Primitives

/// A real `monerod` with a chain of its own (`--regtest`), on loopback, in a folder that goes with it.
public final class MoneroLab: @unchecked Sendable {  // used by one test at a time
    /// A primary address of the main network, whose format a chain of one's own has too: one that the Monero project took gifts at.
    public static let wallet =
        "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A"

    private let folder: URL
    public let address: Endpoint
    private let port: Int
    private let difficulty: Int
    private var daemon: LabProcess?

    public var node: MoneroNode { MoneroNode(at: address) }

    public init(difficulty: Int = 1) async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("monerod-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        self.difficulty = difficulty
        port = try freePort()
        address = Endpoint("127.0.0.1:\(port)")!
        try await start()
    }

    deinit {
        daemon?.close()
        try? FileManager.default.removeItem(at: folder)  // it goes with the machine's other temporary files
    }

    public func start() async throws {
        daemon = try Lab.start([
            "monerod", "--regtest", "--offline", "--fixed-difficulty", "\(difficulty)", "--data-dir", folder.path,
            "--rpc-bind-ip", "127.0.0.1", "--rpc-bind-port", "\(port)", "--p2p-bind-ip", "127.0.0.1", "--p2p-bind-port",
            "\(try freePort())",
            "--no-zmq", "--no-igd", "--check-updates", "disabled", "--disable-dns-checkpoints", "--non-interactive",
            "--log-level", "0",
        ])
        for _ in 0..<600 {
            if (try? await node.info()) != nil { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw LabError.unreadable(what: "the start of monerod", text: "it does not answer on \(address)")
    }

    public func stop() { daemon?.close() }

    public func height() async throws -> UInt64 { try await node.info().height }
}
