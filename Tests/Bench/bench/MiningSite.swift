import CBench
import Foundation
import HAL
import Idleness
import Lab
import LinuxHAL
import Logging
import Mining
import Netlink
import Primitives
import ProofOfWork

/// A router that mines while its one client is quiet: the miner as the daemon has it, with the shipped program and the kernel's own packets.
final class MiningSite: Sendable {
    static let quiet = Nanoseconds.seconds(1)
    /// After the last packet: until mining goes on, and some.
    private static let patience = Duration.seconds(60)

    private let lab: Topology
    private let worker: HashingWorker
    private let miner: Miner
    private let running: Task<Void, Never>
    let client: Int32
    let stream: (client: Int32, server: Int32)

    init() async throws {
        lab = try Topology(Plan(clients: 1, isDirect: true, offload: true, pinsNeighbours: true))
        do {
            try lab.masquerade()
            let host = lab.clients[0].server(.v4).description
            let (server, device) = (lab.server, lab.clients[0].namespace)
            let echo = try server.inside { try Self.checked("an echo server", bench_udp(host, 7, 1)) }
            guard bench_echo(echo) == 0 else { throw LabError.system("an echo server", errno: errno) }
            client = try device.inside { try Self.checked("a client's socket", bench_udp(host, 7, 0)) }
            let listener = try server.inside { try Self.checked("listening", bench_listen(host, 5301)) }
            defer { close(listener) }
            let end = try device.inside { try Self.checked("connecting", bench_connect(host, 5301)) }
            stream = (end, try Self.checked("accepting", bench_accept(listener)))

            let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
            worker = HashingWorker(
                .program(try Products.url("basestation-miner").path), clocks: try LinuxClocks(), logger: logger)
            var settings = MinerSettings()
            settings.threads = UInt8(clamping: ProcessInfo.processInfo.activeProcessorCount)
            settings.usesHugePages = false
            (settings.idle.quiet, settings.idle.quietMax, settings.idle.breath) = (Self.quiet, Self.quiet, Self.quiet)
            (settings.idle.allowsFast, settings.idle.worthMultiple) = (false, 0)
            // The measuring itself is no other program's load.
            (settings.idle.loadStop, settings.idle.loadResume) = (1_000, 999)
            let sensor = LinuxIdleSensor(
                ports: ["lan0"], uplink: "wan0", in: NetworkNamespace(name: lab.router.name), logger: logger)
            miner = Miner(settings, worker: worker, source: OneJob(), sensor: sensor, clocks: try LinuxClocks(), logger: logger)
        } catch {
            lab.close()
            throw error
        }
        running = Task { [miner] in await miner.run() }
    }

    func end() async {
        running.cancel()
        await running.value
        for socket in [client, stream.client, stream.server] { close(socket) }
        lab.close()
    }

    private static func checked(_ what: String, _ result: Int32) throws -> Int32 {
        guard result >= 0 else { throw LabError.system(what, errno: errno) }
        return result
    }

    // MARK: Mining on and off

    /// With mining off, as long a rest as with it on.
    func pause() async throws {
        await miner.pause(until: nil)
        try await Task.sleep(for: Self.quiet.duration + .milliseconds(1_500))
    }

    /// Returns while it hashes.
    func mine() async throws -> Int32 {
        await miner.resume()
        let deadline = ContinuousClock.now + Self.patience
        var before = await worker.figures.hashes
        while ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(50))
            let (status, hashes) = (await miner.status(), await worker.figures.hashes)
            if status.idle.isMining, hashes > before, let pid = await worker.processID { return pid }
            before = min(before, hashes)
        }
        throw LabError.unreadable(what: "the miner's start", text: await miner.status().idle.why)
    }
}

extension Nanoseconds {
    fileprivate var duration: Duration { .nanoseconds(count) }
}

/// One job that no hash ends.
struct OneJob: JobSource {
    static let seed = Bytes32(Array(0..<32))!
    static let job = Job(id: "bench", blob: Array(repeating: 7, count: 76), target: Target(bound: 0), seedHash: seed)!

    var name: String { "bench" }
    func run(_ tell: @escaping @Sendable (JobSourceEvent) async -> Void) async throws {
        await tell(.connected(name))
        await tell(.job(Self.job))
        try await Task.sleep(for: .seconds(86_400))
    }
    func submit(_ share: Share) {}
}
