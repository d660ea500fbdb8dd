import Foundation
import Glibc
import HAL
import Lab
import Logging
import Mining
import Primitives
import ProofOfWork
import PublishedVectors
import Synchronization
import Testing

/// The shipped program under the daemon's supervision.
@Suite(.serialized) struct HashingWorkerTests {
    static let light = WorkerPlan(isFast: false, threads: 1, usesHugePages: false)

    static func job(_ id: String, difficulty: UInt64 = 1) throws -> Job {
        struct Vectors: Decodable {
            struct Vector: Decodable { var seed, blob: String }
            var hashes: [Vector]
        }
        let first = PublishedVectors.load("randomx-hashes.json", as: Vectors.self).hashes[0]
        return try #require(
            Job(id: id, blob: Hex.decode(first.blob)!, target: Target(difficulty: difficulty), seedHash: Bytes32(first.seed)!))
    }

    @Test func sharesComeForTheJobThatWasGiven() async throws {
        try await withWorker { worker, events in
            await worker.hash(try Self.job("a"), by: Self.light)
            #expect(try await events.next { if case .share(let share) = $0 { share.jobID } else { nil } } == "a")
            await worker.hash(try Self.job("b"), by: Self.light)
            #expect(
                try await events.next { if case .share(let share) = $0, share.jobID != "a" { share.jobID } else { nil } } == "b")
        }
    }

    /// Killed as often as the board's memory may demand: each time it hashes again, and nobody else notices.
    @Test(.timeLimit(.minutes(5))) func aWorkerKilledFiftyTimesHashesOn() async throws {
        try await withWorker(clocks: HastyClocks()) { worker, events in
            await worker.hash(try Self.job("a"), by: Self.light)
            for round in 0..<50 {
                _ = try await events.next { if case .share = $0 { true } else { nil } }
                let pid = try #require(await worker.processID)
                #expect(kill(pid, SIGKILL) == 0, "round \(round)")
                let why = try await events.next { if case .trouble(let why) = $0 { why } else { nil } }
                #expect(why?.contains("started again") == true)
            }
            _ = try await events.next { if case .share = $0 { true } else { nil } }
            #expect(await worker.figures.starts == 51)
        }
    }

    @Test func whoRestsUsesNoProcessorAndHashesOnAfterwards() async throws {
        try await withWorker { worker, events in
            await worker.hash(try Self.job("a"), by: Self.light)
            _ = try await events.next { if case .share = $0 { true } else { nil } }
            let pid = try #require(await worker.processID)
            let clock = ContinuousClock.now
            #expect(await worker.rest())
            #expect(ContinuousClock.now - clock < .milliseconds(500))
            let ticks = Self.ticks(of: pid)
            try await Task.sleep(for: .milliseconds(300))
            #expect(Self.ticks(of: pid) - ticks <= 1)
            await worker.hash(try Self.job("b"), by: Self.light)
            #expect(try await events.next { if case .share(let share) = $0, share.jobID == "b" { true } else { nil } } == true)
            #expect(await worker.processID == pid)
        }
    }

    /// A program that says hello as a miner does, and then hears nothing and computes for ever.
    @Test func whoDoesNotStandStillIsKilled() async throws {
        let frames = [Int32(0), 1].map {
            WorkerFrames.frame(WorkerReport.hello(WorkerHello(pid: $0, isCompiled: true, hasAES: true)))
        }
        let place = try #require(frames[0].indices.first { frames[0][$0] != frames[1][$0] })
        let number = "$(printf '\\\\x%02x\\\\x%02x\\\\x%02x\\\\x%02x' $(($$&255)) $(($$>>8&255)) $(($$>>16&255)) 0)"
        let hex = { (bytes: ArraySlice<UInt8>) in bytes.map { "\\x" + Hex.encode([$0]) }.joined() }
        let script = FileManager.default.temporaryDirectory.appendingPathComponent("deaf-\(UUID().uuidString).sh")
        try """
        #!/bin/bash
        printf "\(hex(frames[0][..<place]))\(number)\(hex(frames[0][(place + 4)...]))" >&0
        while :; do :; done
        """.write(to: script, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: script) }
        chmod(script.path, 0o755)
        try await withWorker(path: script.path) { worker, _ in
            await worker.hash(try Self.job("a"), by: Self.light)
            let pid = try await Self.process(of: worker)
            #expect(await worker.rest() == false)
            #expect(kill(pid, 0) == -1 && errno == ESRCH)
            #expect(await worker.figures.kills == 1)
        }
    }

    /// Others have all the processor, which stopping it stands in for: it cannot say that it stands, and has not hashed either. What it was
    /// told meanwhile comes all at once.
    @Test func whoIsGivenNoProcessorIsNotKilledForItsSilence() async throws {
        try await withWorker { worker, events in
            await worker.hash(try Self.job("0"), by: Self.light)
            _ = try await events.next { if case .share = $0 { true } else { nil } }
            let pid = try #require(await worker.processID)
            for round in 1...10 {
                kill(pid, SIGSTOP)
                #expect(await worker.rest())
                await worker.hash(try Self.job("\(round)"), by: Self.light)
                kill(pid, SIGCONT)
                let found = try await events.next {
                    if case .share(let share) = $0, share.jobID == "\(round)" { true } else { nil }
                }
                #expect(found == true, "round \(round)")
            }
            #expect(await worker.figures.kills == 0)
            #expect(await worker.processID == pid)
        }
    }

    private static func process(of worker: HashingWorker) async throws -> Int32 {
        for _ in 0..<1_000 {
            if let pid = await worker.processID { return pid }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Events.Silent(after: [])
    }

    @Test func whoIsReleasedGivesItsMemoryBack() async throws {
        try await withWorker { worker, events in
            await worker.hash(try Self.job("a"), by: Self.light)
            _ = try await events.next { if case .share = $0 { true } else { nil } }
            let pid = try #require(await worker.processID)
            await worker.release()
            #expect(kill(pid, 0) == -1 && errno == ESRCH)
        }
    }

    @Test(arguments: ["/nowhere/basestation-miner", "/bin/true", "/bin/cat"]) func aProgramThatIsNoMinerIsTrouble(path: String)
        async throws
    {
        try await withWorker(path: path) { worker, events in
            await worker.hash(try Self.job("a"), by: Self.light)
            let why = try await events.next { if case .trouble(let why) = $0 { why } else { nil } }
            #expect(why?.isEmpty == false)
        }
    }

    // MARK: Running it

    private func withWorker(
        path: String? = nil, clocks: any Clocks = RealClocks(), _ body: (HashingWorker, Events) async throws -> Void
    ) async throws {
        let path = try path ?? Products.url("basestation-miner").path
        let worker = HashingWorker(.program(path), clocks: clocks, logger: Logger(label: "test"))
        let events = Events()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await worker.run { events.add($0) } }
            defer { group.cancelAll() }
            try await body(worker, events)
        }
        #expect(await worker.processID == nil)
    }

    static func ticks(of pid: Int32) -> Int {
        guard let file = fopen("/proc/\(pid)/stat", "r") else { return -1 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 1_024)
        guard fgets(&line, 1_024, file) != nil else { return -1 }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let fields = text.drop { $0 != ")" }.split(separator: " ")
        return (Int(fields[12]) ?? 0) + (Int(fields[13]) ?? 0)
    }
}

/// What a worker told, in order.
final class Events: Sendable {
    struct Silent: Error { let after: [HashingWorker.Event] }
    private let told = Mutex<[HashingWorker.Event]>([])

    func add(_ event: HashingWorker.Event) { told.withLock { $0.append(event) } }

    /// The next event that `pick` takes; those before it are passed over.
    func next<Found: Sendable>(within seconds: Int = 30, _ pick: (HashingWorker.Event) -> Found?) async throws -> Found? {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline {
            let event = told.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let event, let found = pick(event) { return found }
            if event == nil { try await Task.sleep(for: .milliseconds(5)) }
        }
        throw Silent(after: told.withLock { $0 })
    }
}

struct RealClocks: Clocks {
    var bootID: String { "test" }
    func now() -> Moment {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        let boot = Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
        return Moment(boot: boot, wall: WallTime(secondsSince1970: 0))
    }
    func sleep(_ interval: Nanoseconds) async throws { try await Task.sleep(for: interval.duration) }
}

/// A second lasts two milliseconds: pauses are not what a test waits for. What is short stays as it is.
struct HastyClocks: Clocks {
    private let real = RealClocks()
    var bootID: String { "test" }
    func now() -> Moment { real.now() }
    func sleep(_ interval: Nanoseconds) async throws {
        try await real.sleep(interval < .seconds(1) ? interval : Nanoseconds(interval.count / 500))
    }
}
