import Glibc
import Logging
import NIOCore
import Primitives
import Synchronization
import Testing

@testable import Peering

/// A node on loopback and everything that happened to it.
final class Node: Sendable {
    static let chain = Bytes32([UInt8](repeating: 7, count: 32))!
    static let note: UInt8 = 16, large: UInt8 = 17
    static let frames = FrameLimits([note: 1000, large: 300_000])
    static let loopback = Endpoint(address: .v4(0x7f00_0001), port: 0)

    let network: PeerNetwork
    let book: PeerBook
    private let log = Mutex<[PeerEvent]>([])
    private let readsEvents: Bool

    var id: PeerID { network.id }
    var events: [PeerEvent] { log.withLock { $0 } }

    /// `dials` are addresses; `change` the configuration before the node is made.
    init(
        _ seed: UInt8, listens: Bool = true, dials: [ConfiguredPeer] = [], book path: String? = nil, readsEvents: Bool = true,
        change: (inout PeerNetwork.Configuration) -> Void = { _ in }
    ) throws {
        var configuration = PeerNetwork.Configuration(chainID: Self.chain, frames: Self.frames, software: "node \(seed)")
        configuration.listen = listens ? Self.loopback : nil
        configuration.configuredPeers = dials
        configuration.acceptsPrivateAddresses = true
        configuration.limits.redialFirst = .milliseconds(50)
        configuration.limits.tick = .milliseconds(20)
        configuration.limits.inboundPerAddress = 10
        configuration.limits.inboundPerGroup = 20
        change(&configuration)
        let logger = Logger(label: "node \(seed)") { _ in SwiftLogNoOpLogHandler() }
        book = PeerBook(path: path, at: .now, logger: logger)
        network = PeerNetwork(
            configuration, identity: try PeerIdentity(key(seed)), book: book,
            now: { Moment(boot: .now, wall: WallTime(secondsSince1970: 100)) }, logger: logger)
        self.readsEvents = readsEvents
    }

    func run() async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { try await self.network.run() }
            if readsEvents {
                group.addTask { for await event in self.network.events { self.log.withLock { $0.append(event) } } }
            }
            try await group.waitForAll()
        }
    }

    var port: UInt16 {
        get async {
            await eventually("the node listens") { await self.network.port != nil }
            return await network.port ?? 0
        }
    }

    var address: ConfiguredPeer { get async { await ConfiguredPeer(host: "127.0.0.1", port: port) } }

    func isLinked(to peer: PeerID) async -> Bool { await network.peers.contains { $0.peer == peer } }

    /// Payloads of `type` from `peer`, in order.
    func received(from peer: PeerID, type: UInt8 = note) -> [[UInt8]] {
        events.compactMap { if case .received(peer, type, let payload) = $0 { payload } else { nil } }
    }

    func goodbyes(of peer: PeerID) -> [DisconnectReason] {
        events.compactMap { if case .disconnected(peer, let reason) = $0 { reason } else { nil } }
    }
}

func key(_ seed: UInt8) -> PrivateKey { PrivateKey(seed: [UInt8](repeating: seed, count: 32))! }

/// Runs nodes while `body` runs, and waits for them to be gone.
func withNodes<T: Sendable>(_ nodes: Node..., body: @escaping @Sendable () async throws -> T) async throws -> T {
    try await withThrowingTaskGroup(of: T?.self) { group in
        for node in nodes {
            group.addTask {
                try await node.run()
                return nil
            }
        }
        group.addTask { try await body() }
        while let result = try await group.next() {
            if let result {
                group.cancelAll()
                try await group.waitForAll()
                return result
            }
        }
        throw CancellationError()
    }
}

/// Looks until `condition` holds; after ten seconds the test has failed.
func eventually(
    _ promise: Comment, at location: SourceLocation = #_sourceLocation, _ condition: @Sendable () async throws -> Bool
) async rethrows {
    for _ in 0..<3000 {
        if try await condition() { return }
        try? await Task.sleep(for: .milliseconds(10))
    }
    Issue.record(promise, sourceLocation: location)
}

func areLinked(_ one: Node, _ two: Node) async -> Bool {
    let there = await one.isLinked(to: two.id)
    return await two.isLinked(to: one.id) && there
}

/// A file that is gone with the test.
final class ScratchFile: Sendable {
    let path = "/tmp/qlink-peers-\(UInt64.random(in: 0 ... .max))"
    deinit { unlink(path) }
}
