import Foundation
import Glibc
import HAL
import Idleness
import Lab
import Logging
import Mining
import Primitives
import ProofOfWork
import SimulatedHAL
import Synchronization
import Testing

/// The whole miner but its pool: the shipped program hashes, on a simulated board whose time runs ten times as fast.
@Suite(.serialized, .timeLimit(.minutes(3))) struct IdleMiningTests {
    @Test func itMinesWhileNobodyComesAndStandsStillWhenSomebodyDoes() async throws {
        try await withMiner { lab in
            try await lab.until("it mines") { $0.idle.isMining && $0.tally.accepted > 0 }
            let pid = try #require(await lab.worker.processID)
            lab.board.perform(.move(1, SimulatedTraffic(rateUp: 1_000_000, rateDown: 1_000_000)))
            let status = try await lab.until("it yields") { !$0.idle.isMining }
            #expect(status.tally.yields == 1 && status.worker.kills == 0, "\(status)")
            #expect(status.idle.why.contains("client"), "\(status.idle.why)")
            let before = HashingWorkerTests.ticks(of: pid)
            try await Task.sleep(for: .milliseconds(300))
            #expect(HashingWorkerTests.ticks(of: pid) - before <= 1)

            lab.board.perform(.move(1, SimulatedTraffic(rateUp: 0, rateDown: 0)))
            let again = try await lab.until("it mines again") { $0.idle.isMining && $0.tally.accepted > status.tally.accepted }
            #expect(again.worker.starts == 1)  // what was prepared was kept
            #expect(await lab.worker.processID == pid)
            #expect(lab.source.nonces.count == Set(lab.source.nonces).count, "a nonce came twice")
        }
    }

    @Test func theOwnersWordCountsAndGivesTheMemoryBack() async throws {
        try await withMiner { lab in
            try await lab.until("it mines") { $0.tally.accepted > 0 }
            let pid = try #require(await lab.worker.processID)
            await lab.miner.pause(until: nil)
            let status = await lab.miner.status()
            #expect(!status.idle.isMining && status.idle.isPausedByOwner && status.holds == nil, "\(status)")
            #expect(kill(pid, 0) == -1 && errno == ESRCH)
            await lab.miner.resume()
            try await lab.until("it mines again") { $0.tally.accepted > status.tally.accepted }
            await lab.miner.pause(until: lab.board.clocks.now().boot + .seconds(20))
            try await lab.until("the pause is over") { $0.idle.isMining && !$0.idle.isPausedByOwner }
        }
    }

    @Test func withoutAJobNothingIsHashedAndItIsSaidWhy() async throws {
        try await withMiner { lab in
            try await lab.until("it mines") { $0.tally.accepted > 0 }
            await lab.source.tell(.lost("the pool does not answer"))
            let status = await lab.miner.status()
            #expect(!status.idle.isMining && status.idle.why.contains("the pool does not answer"), "\(status.idle.why)")
            await lab.source.tell(.job(try HashingWorkerTests.job("other")))
            try await lab.until("it mines again") { $0.idle.isMining && $0.tally.accepted > status.tally.accepted }
        }
    }

    @Test func aProgramThatCannotRunIsTriedAgainLaterAndNothingElseFails() async throws {
        try await withMiner(program: "/bin/true") { lab in
            let status = try await lab.until("it gives up for now") { $0.idle.why.contains("the worker cannot run") }
            #expect(!status.idle.isMining && status.holds == nil && status.worker.starts >= 4, "\(status)")
            #expect(status.idle.why.contains("tried again in"), "\(status.idle.why)")
        }
    }

    /// The miner starts and its cache does not fit: it says so, and is tried again later.
    @Test func whereTheCacheHasNoRoomItSaysSo() async throws {
        let script = FileManager.default.temporaryDirectory.appendingPathComponent("miner-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: script) }
        let program = try Products.url("basestation-miner").path
        try "#!/bin/sh\nulimit -v 250000\nexec \(program)\n".write(to: script, atomically: true, encoding: .utf8)
        chmod(script.path, 0o700)
        try await withMiner(program: script.path) { lab in
            let status = try await lab.until("it gives up for now") { $0.idle.why.contains("the worker cannot run") }
            #expect(status.idle.why.contains("256 MiB of memory for RandomX's cache"), "\(status.idle.why)")
            #expect(!status.idle.isMining && status.holds == nil)
        }
    }

    @Test func aBoardThatCannotBeReadIsNotMinedOn() async throws {
        try await withMiner { lab in
            try await lab.until("it mines") { $0.idle.isMining }
            lab.sensor.begin(.countersUnreadable)
            let status = try await lab.until("it stops") { !$0.idle.isMining }
            #expect(status.idle.why.contains("last read"), "\(status.idle.why)")
            lab.sensor.end(.countersUnreadable)
            try await lab.until("it mines again") { $0.idle.isMining }
        }
    }

    @Test func whereNobodyCanListenForPacketsItDoesNotMine() async throws {
        // Before it mines for the first time.
        try await withMiner(before: { $0.sensor.begin(.listeningNotPermitted) }) { lab in
            let status = try await lab.until("it says so") { $0.idle.why.contains("cannot be seen") }
            #expect(!status.idle.isMining)
        }
    }

    @Test func whatIdleTimeThereWasIsKept() async throws {
        let kept = Mutex<[UInt8]>([])
        try await withMiner(keep: { memory in kept.withLock { $0 = memory.history } }) { lab in
            try await lab.until("it mines") { $0.tally.accepted > 0 }
            lab.board.advance(by: .seconds(30))
            try await lab.until("a reading came") { $0.week.mined >= 10 }
        }
        let history = try IdleHistory(canonicalBytes: kept.withLock { $0 })
        #expect(history.totals.mined >= 10 && history.totals.idle >= history.totals.mined)
    }

    // MARK: Running it

    private func withMiner(
        program: String? = nil, keep: @escaping @Sendable (Miner.Memory) async -> Void = { _ in },
        before: (MinerLab) -> Void = { _ in }, running body: (MinerLab) async throws -> Void
    ) async throws {
        let lab = try await MinerLab(program: program ?? Products.url("basestation-miner").path, keep: keep)
        before(lab)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await lab.miner.run() }
            group.addTask {
                while !Task.isCancelled {
                    lab.board.advance(by: .milliseconds(50))
                    try? await Task.sleep(for: .milliseconds(5))  // cancelled: the loop ends
                }
            }
            defer { group.cancelAll() }
            try await body(lab)
        }
        #expect(await lab.worker.processID == nil)
    }
}

struct MinerLab: Sendable {
    struct Never: Error, CustomStringConvertible {
        let description: String
    }

    let board = SimulatedStation(seed: 7, wall: WallTime(secondsSince1970: 1_790_000_000), clients: 1)
    let sensor: SimulatedIdleSensor
    let source: GivenJob
    let worker: HashingWorker
    let miner: Miner

    init(program: String, keep: @escaping @Sendable (Miner.Memory) async -> Void) async throws {
        _ = try await board.gate.open()
        board.advance(by: .seconds(60))
        sensor = SimulatedIdleSensor(board)
        source = GivenJob(try HashingWorkerTests.job("first"))
        let logger = Logger(label: "test")
        worker = HashingWorker(.program(program), clocks: board.clocks, logger: logger)
        var settings = MinerSettings()
        (settings.usesHugePages, settings.idle.allowsFast) = (false, false)
        miner = Miner(
            settings, worker: worker, source: source, sensor: sensor, clocks: board.clocks, keep: keep, logger: logger)
    }

    @discardableResult
    func until(_ what: String, _ isSo: (MinerStatus) -> Bool) async throws -> MinerStatus {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            let status = await miner.status()
            if isSo(status) { return status }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Never(description: "waited for: \(what); \(await miner.status())")
    }
}

/// Gives what a test wants, and takes every share.
final class GivenJob: JobSource {
    let name = "the test"
    private let first: Job
    private let held = Mutex<(tell: (@Sendable (JobSourceEvent) async -> Void)?, shares: [Share])>((nil, []))

    init(_ job: Job) { first = job }

    var nonces: [String] { held.withLock { $0.shares.map { "\($0.jobID) \($0.nonce)" } } }

    func run(_ tell: @escaping @Sendable (JobSourceEvent) async -> Void) async throws {
        held.withLock { $0.tell = tell }
        await tell(.connected(name))
        await tell(.job(first))
        try await Task.sleep(for: .seconds(3_600))
    }

    func tell(_ event: JobSourceEvent) async { await held.withLock { $0.tell }?(event) }

    func submit(_ share: Share) async {
        held.withLock { $0.shares.append(share) }
        let tell = held.withLock { $0.tell }
        // As a pool does: later, and from somewhere else.
        Task { await tell?(.accepted(jobID: share.jobID, nonce: share.nonce, blockFound: false)) }
    }
}
