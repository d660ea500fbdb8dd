import BoundedJSON
import Foundation
import HAL
import Lab
import Logging
import Mining
import MiningPool
import MoneroLab
import NIOCore
import NIOPosix
import Primitives
import ProofOfWork
import Store
import Stratum
import Synchronization

/// A pool of our own over a real `monerod`, with a real store, in a folder that goes with it.
final class PoolLab: @unchecked Sendable {  // used by one test at a time
    static let key = PrivateKey(seed: Array(repeating: 7, count: 32))!

    let monero: MoneroLab
    let folder: URL
    let port: UInt16
    let terms: PoolTerms
    private let tls: (certificate: String, privateKey: String)?
    let pay: PoolServer.Pay
    private(set) var store: StationStore
    private(set) var server: PoolServer
    private var running: Task<Void, Never>?

    /// - Parameter pay: what pays; else nobody is paid
    init(
        difficulty: Int, fee: UInt64 = 100, confirmations: UInt64 = 2, usesTLS: Bool = false,
        pay: @escaping PoolServer.Pay = { _, _, _ in throw Unpaid() }
    ) async throws {
        monero = try await MoneroLab(difficulty: difficulty)
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("pool-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        port = UInt16(try freePort())
        tls = usesTLS ? (folder.path + "/pool.pem", folder.path + "/pool.key") : nil
        if let tls {
            try LabPool.Certificate.own.certificate.write(toFile: tls.certificate, atomically: true, encoding: .utf8)
            try LabPool.Certificate.own.privateKey.write(toFile: tls.privateKey, atomically: true, encoding: .utf8)
        }
        var terms = PoolTerms(qlcPerXMR: QLC(units: 12_345_678_901))
        (terms.feePermyriad, terms.confirmations, terms.leastPayout) = (fee, confirmations, QLC(units: 1))
        (self.terms, self.pay) = (terms, pay)
        store = try StationStore(directory: folder.path, key: Self.key)
        server = try await Self.server(port, terms, monero, store, tls, pay)
        start()
        try await listens()
    }

    struct Unpaid: Error {}

    deinit {
        running?.cancel()
        try? FileManager.default.removeItem(at: folder)  // it goes with the machine's other temporary files
    }

    /// Another one over the same monerod.
    func server(on disk: any PoolStore, port: UInt16) async throws -> PoolServer {
        try await Self.server(port, terms, monero, disk, tls, pay)
    }

    static func server(
        _ port: UInt16, _ terms: PoolTerms, _ monero: MoneroLab, _ store: any PoolStore,
        _ tls: (certificate: String, privateKey: String)?, _ pay: @escaping PoolServer.Pay
    ) async throws -> PoolServer {
        var settings = PoolSettings(
            listen: Endpoint("127.0.0.1:\(port)")!, terms: terms, wallet: MoneroLab.wallet, addresses: .test)
        (settings.leastDifficulty, settings.tls) = (2, tls)
        return try await PoolServer(
            settings, node: monero.node, launcher: .program(try Products.url("basestation-miner").path), store: store, key: key,
            clocks: QuickCare(), logger: Logger(label: "test"), pay: pay)
    }

    private func start() { running = Task { [server] in await server.run() } }

    private func listens() async throws {
        for _ in 0..<600 {
            let status = await server.status()
            if status.port != nil, status.tally.height > 0 { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Unready()
    }

    struct Unready: Error {}

    func stop() async {
        running?.cancel()
        await running?.value
    }

    /// As after a power cut: nothing is kept but what is on disk.
    func restart() async throws {
        await stop()
        server = try await Self.server(port, terms, monero, store, tls, pay)
        start()
        try await listens()
    }

    var address: PoolAddress {
        PoolAddress(
            host: "127.0.0.1", port: port, trust: tls == nil ? .plain : .fingerprint(Bytes32(LabPool.Certificate.own.sha256)!))
    }

    func login(_ member: PublicKey, difficulty: Int? = 2) -> StratumLogin {
        let asked = difficulty.map { "+\($0)" } ?? ""
        return StratumLogin(login: "\(Address(member, on: .test))\(asked)", password: "x", rig: "roof", agent: "test")
    }

    /// Waits for what is to become true.
    func wait(for what: String, within seconds: Int = 120, _ isTrue: (PoolStatus) -> Bool) async throws {
        for _ in 0..<seconds * 20 {
            if isTrue(await server.status()) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw LabError.unreadable(what: what, text: "\(await server.status())")
    }
}

/// Looks after blocks and payouts every half second; all else takes its time.
struct QuickCare: Clocks {
    private let real = RealClocks()
    var bootID: String { "test" }
    func now() -> Moment { real.now() }
    func sleep(_ interval: Nanoseconds) async throws {
        try await real.sleep(interval == .seconds(10) ? .milliseconds(500) : min(interval, .milliseconds(200)))
    }
}

/// A member with a process that hashes.
/// - Parameter tell: what else its pool tells it
func mine(
    at pool: PoolAddress, _ login: StratumLogin, _ tell: @escaping @Sendable (JobSourceEvent) -> Void = { _ in }
) async {
    let connection = StratumConnection(pool, login, clocks: RealClocks())
    guard let path = try? Products.url("basestation-miner").path else { return }
    let worker = HashingWorker(.program(path), clocks: RealClocks(), logger: Logger(label: "test"))
    await withTaskGroup(of: Void.self) { group in
        group.addTask { await worker.run { if case .share(let share) = $0 { await connection.submit(share) } } }
        group.addTask {
            try? await connection.run { event in
                tell(event)
                if case .job(let job) = event { await worker.hash(job, by: HashingWorkerTests.light) }
            }
        }
        await group.next()
        group.cancelAll()
    }
    await worker.release()
}

/// A connection without a protocol.
final class RawMiner: Sendable {
    struct Silent: Error { let after: [String] }
    private let channel: any Channel
    private let heard: Heard

    private final class Heard: ChannelInboundHandler, @unchecked Sendable {  // what changes is behind its lock
        typealias InboundIn = ByteBuffer
        let bytes = Mutex<[UInt8]>([])
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let new = unwrapInboundIn(data).readableBytesView
            bytes.withLock { $0 += new }
        }
    }

    init(_ port: UInt16, reads: Bool = true) async throws {
        let heard = Heard()
        self.heard = heard
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: reads)
            .channelInitializer { $0.pipeline.addHandler(heard) }
            .connect(host: "127.0.0.1", port: Int(port)).get()
    }

    deinit { channel.close(promise: nil) }

    /// To who may be gone already.
    func say(_ words: String) async throws { try? await channel.writeAndFlush(ByteBuffer(string: words)) }

    func isLetGo() async throws {
        for _ in 0..<600 where channel.isActive { try await Task.sleep(for: .milliseconds(20)) }
        guard !channel.isActive else { throw Silent(after: lines) }
    }

    private var lines: [String] {
        heard.bytes.withLock { String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init) }
    }

    /// - Parameter id: the request's
    func answer(to id: Int = 1) async throws -> JSONValue {
        for _ in 0..<1_500 {
            for line in lines {
                guard let message = try? JSONValue(bytes: Array(line.utf8)), message["method"] == nil else { continue }
                if message["id"] == .count(UInt64(id)), message["error"] != nil || message["result"] != nil { return message }
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Silent(after: lines)
    }

    static func text(_ value: JSONValue?) -> String { if case .text(let text)? = value { text } else { "" } }
}

/// A pool's disk that is full until it is not.
final class FailingDisk: PoolStore {
    let isBroken = Atomic(true)
    private let store: StationStore
    init(_ store: StationStore) { self.store = store }
    func pool() async throws -> PoolRecord { try await store.pool() }
    func poolBlock(_ number: UInt64) async throws -> PoolBlock? { try await store.poolBlock(number) }
    func keep(_ changes: PoolChanges) async throws {
        guard !isBroken.load(ordering: .relaxed) else { throw LabError.unreadable(what: "the disk", text: "it is full") }
        try await store.keep(changes)
    }
}
