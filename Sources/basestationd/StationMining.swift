import Charging
import HAL
import Idleness
import Logging
import Mining
import MiningPool
import OrderedCollections
import Primitives
import ProofOfWork
import ServiceLifecycle
import Station
import StationAPI
import StationConfiguration
import Store

/// The station's miner, joined: where jobs come from, the process that hashes, what says that the board is idle, and what is kept of it.
/// When it fails clients are served all the same.
actor StationMining: Service {
    private let miner: Miner
    private let store: StationStore
    private let clocks: any Clocks
    private let logger: Logger

    /// nil where mining is off.
    init?(
        _ configuration: StationConfiguration, hardware: Hardware, cashier: Cashier, store: StationStore, logger: Logger
    ) async {
        let held = await Self.membership(store, logger)
        guard let source = MiningSource.make(configuration.mining, held: held, clocks: hardware.clocks) else { return nil }
        let clocks = hardware.clocks
        let worker = HashingWorker(WorkerLauncher(configuration.mining), clocks: clocks, logger: logger)
        let (isSharing, thermal) = (configuration.sharing, hardware.parts.thermal)
        miner = Miner(
            MinerSettings(configuration.mining, cores: Hardware.cores), worker: worker, source: source,
            sensor: hardware.idleSensor,
            clocks: clocks, history: await Self.history(store, logger),
            facts: {
                var facts = MinerFacts()
                if let thermal {
                    facts.temperatures = try? await thermal.temperatures()  // unreadable: said by the board's keeper
                    facts.power = (try? await thermal.power()) ?? facts.power
                }
                (facts.sessions, facts.isSharing) = (await cashier.read { $0.sessions.count }, isSharing)
                return facts
            },
            keep: { memory in
                do {
                    try await store.keep(memory.history, of: .history)
                    if let membership = memory.membership { try await store.keep(membership, of: .membership) }
                } catch { logger.warning("what mining remembers is not kept: \(error)") }
            }, logger: logger)
        (self.store, self.clocks, self.logger) = (store, clocks, logger)
    }

    /// What does not read as a history is of another version: it begins anew.
    private static func history(_ store: StationStore, _ logger: Logger) async -> IdleHistory {
        do {
            guard let bytes = try await store.mining(.history) else { return IdleHistory() }
            return try IdleHistory(canonicalBytes: bytes)
        } catch {
            logger.warning("what was known of idle time is lost: \(error)")
            return IdleHistory()
        }
    }

    private static func membership(_ store: StationStore, _ logger: Logger) async -> [PoolMembership] {
        do { return try await store.mining(.membership).map { [try PoolMembership(canonicalBytes: $0)] } ?? [] } catch {
            logger.warning("what the pool has signed is lost: \(error)")
            return []
        }
    }

    func run() async throws {
        await restorePause()
        await cancelWhenGracefulShutdown { [miner] in await miner.run() }
    }

    // MARK: The owner's pause

    private static let forever = Int64.max

    private func restorePause() async {
        do {
            guard let until = try await store.mining(.pause).flatMap(Self.seconds) else { return }
            let now = clocks.now()
            if until == Self.forever { return await miner.pause(until: nil) }
            // A board without a clock does not know whether it is over; the owner's word counts.
            let rest = now.wall.isCredible ? until - now.wall.secondsSince1970 : Int64(MiningPause.longest)
            if rest > 0 { await miner.pause(until: now.boot + .seconds(min(rest, Int64(MiningPause.longest)))) }
        } catch { logger.warning("whether mining was paused is not known: \(error)") }
    }

    private func pause(_ time: Nanoseconds?) async throws {
        let now = clocks.now()
        await miner.pause(until: time.map { now.boot + $0 })
        let until = time.map { now.wall.secondsSince1970 + Int64($0.wholeSeconds) } ?? Self.forever
        try await store.keep((0..<8).map { UInt8(truncatingIfNeeded: until >> (8 * $0)) }, of: .pause)
    }

    private func resume() async throws {
        await miner.resume()
        try await store.keep(nil, of: .pause)
    }

    private static func seconds(_ bytes: [UInt8]) -> Int64? {
        bytes.count == 8 ? bytes.reversed().reduce(0) { $0 << 8 | Int64($1) } : nil
    }

    // MARK: What the station asks

    nonisolated var seam: MiningSeam {
        MiningSeam(
            view: { [miner, clocks] in MiningView(await miner.status(), at: clocks.now().boot) },
            pause: { try await self.pause($0) }, resume: { try await self.resume() },
            alerts: { [miner] in
                let status = await miner.status()
                guard let trouble = status.workerTrouble else { return [] }
                return [.init(what: "the miner: \(trouble)", mend: "clients are served; see \"basestation mining status\"")]
            })
    }
}

extension WorkerLauncher {
    /// Where systemd starts it for the daemon, whose own unit has neither the memory nor the right to write code.
    private static let socket = "/run/basestation-miner.sock"
    private static let program = "/usr/libexec/basestation-miner"

    init(_ mining: MiningConfiguration) {
        if !mining.miner.isEmpty {
            self = mining.miner.hasSuffix(".sock") ? .socket(mining.miner) : .program(mining.miner)
        } else if Directories.exists(Self.socket) {
            self = .socket(Self.socket)
        } else {
            // Built, and not installed: beside the daemon.
            let beside = Directories.ownFolder + "/basestation-miner"
            self = .program(Directories.exists(beside) ? beside : Self.program)
        }
    }
}
