import CBench
import Foundation
import Lab
import LinuxHAL
import Logging
import Mining
import Primitives
import ProofOfWork

/// What mining costs a client, which is to be nothing, and what it loses against RandomX alone.
struct MiningFigures {
    var rounds: Int
    var say: (String) -> Void

    private static let bytes: Int64 = 1_500_000_000
    private static let (bursts, pings) = (8, 60)
    /// Milliseconds: the last advance of the miner's processor time is sought for so long.
    private static let watched: Int64 = 100

    func measure() async throws -> [Figure] {
        say("mining: a client's stream and its datagrams, with mining on and off; a busy neighbour; RandomX alone")
        return try await clients() + [neighbour(), hashrate()]
    }

    // MARK: Clients

    private func clients() async throws -> [Figure] {
        let site = try await MiningSite()
        do {
            var (throughput, latency, yields): ([Double], [Double], [Double]) = ([], [], [])
            var reference = (gigabits: [Double](), microseconds: [Double]())
            for round in 0...rounds {
                var (times, delays) = ([Bool: Double](), [Bool: Double]())
                // Forth and back, so that what drifts does so for both.
                for isOn in round.isMultiple(of: 2) ? [false, true] : [true, false] {
                    if isOn { _ = try await site.mine() } else { try await site.pause() }
                    times[isOn] = try stream(over: site)
                    delays[isOn] = try await p99(at: site, isOn: isOn, &yields)
                }
                guard round > 0 else {
                    yields = []
                    continue
                }
                throughput.append(times[false]! / times[true]!)
                latency.append(delays[true]! / delays[false]!)
                reference.gigabits.append(Double(Self.bytes) * 8 / times[false]! / 1e9)
                reference.microseconds.append(delays[false]! / 1e3)
            }
            await site.end()
            return [
                Figure(
                    "mining_client_throughput_ratio", "A client's stream while the board mined", unit: "ratio",
                    goal: .atLeast(0.99), reference: "the same with mining off: \(reference.gigabits.quantile(0.5).short) Gbit/s",
                    rounds: throughput, note: "from the first byte, which ends mining, to the last"),
                Figure(
                    "mining_client_p99_ratio", "  a datagram's way there and back, p99", unit: "ratio", goal: .atMost(1.05),
                    reference: "the same with mining off: \(reference.microseconds.quantile(0.5).short) µs", rounds: latency,
                    note: "\(Self.bursts) bursts of \(Self.pings), each ends mining with its first"),
                Figure(
                    "mining_yield_ms", "  from its first packet to mining's end", unit: "ms", goal: .atMost(50),
                    reference: "the miner's processor time stands still", rounds: yields,
                    note: "the longest: \(yields.max()!.short) ms"),
            ]
        } catch {
            await site.end()
            throw error
        }
    }

    /// Seconds. One stream, in one thread: whatever else runs on the board delays it.
    private func stream(over site: MiningSite) throws -> Double {
        let start = ContinuousClock.now
        let arrived = bench_pump(site.stream.client, site.stream.server, Self.bytes)
        guard arrived == Self.bytes else {
            throw LabError.unreadable(what: "the stream", text: "\(arrived) of \(Self.bytes) bytes arrived")
        }
        return (ContinuousClock.now - start).seconds
    }

    /// Nanoseconds.
    private func p99(at site: MiningSite, isOn: Bool, _ yields: inout [Double]) async throws -> Double {
        var delays: [Double] = []
        for _ in 0..<Self.bursts {
            var pid: Int32?
            if isOn { pid = try await site.mine() } else { try await Task.sleep(for: .milliseconds(1_500)) }
            for ping in 0..<Self.pings {
                let sent = ContinuousClock.now
                let delay = bench_ping(site.client)
                guard delay >= 0 else {
                    throw LabError.unreadable(what: "a datagram's way", text: "there was no answer in a second")
                }
                delays.append(Double(delay))
                if ping == 0, let pid { yields.append(Self.standstill(of: pid, since: sent)) } else { usleep(1_000) }
                if ping == 0, pid == nil { usleep(UInt32(Self.watched) * 1_000) }
            }
        }
        return delays.quantile(0.99)
    }

    /// Milliseconds from `start` to the last advance of a process's processor time.
    private static func standstill(of pid: Int32, since start: ContinuousClock.Instant) -> Double {
        var (last, at) = (bench_nanoseconds(pid), start)
        while ContinuousClock.now - start < .milliseconds(watched) {
            usleep(100)
            let time = bench_nanoseconds(pid)
            if time != last { (last, at) = (time, .now) }
        }
        return (at - start).milliseconds
    }

    // MARK: Others on the board

    /// Busy loops on every core, and the process that hashes, which has a session of its own and which nobody tells to stop.
    private func neighbour() async throws -> Figure {
        let autogroup = "/proc/sys/kernel/sched_autogroup_enabled"
        let before = try? String(contentsOfFile: autogroup, encoding: .utf8)  // a kernel without it has none
        try? "1\n".write(toFile: autogroup, atomically: false, encoding: .utf8)
        defer { if let before { try? before.write(toFile: autogroup, atomically: false, encoding: .utf8) } }
        let cores = ProcessInfo.processInfo.activeProcessorCount
        return try await withWorker(threads: UInt8(clamping: cores)) { worker, pid in
            let loops = try (0..<cores).map { _ in try Lab.start(["sh", "-c", "while :; do :; done"]) }
            defer { loops.forEach { $0.close() } }
            try await Task.sleep(for: .seconds(1))
            var shares: [Double] = []
            for _ in 0..<rounds {
                let (mined, others) = (bench_nanoseconds(pid), loops.map { bench_nanoseconds($0.pid) })
                try await Task.sleep(for: .seconds(2))
                let miner = Double(bench_nanoseconds(pid) - mined)
                let rest = zip(loops, others).reduce(0.0) { $0 + Double(bench_nanoseconds($1.0.pid) - $1.1) }
                shares.append(miner / (miner + rest) * 100)
            }
            return Figure(
                "mining_neighbour_cpu_percent", "Taken from busy programs of another session", unit: "%", goal: .atMost(1),
                reference: "a busy loop on each of \(cores) cores, autogroup \(before == nil ? "not in this kernel" : "on")",
                rounds: shares,
                note: await worker.figures.placement)
        }
    }

    // MARK: RandomX alone

    /// One thread of each, one after the other, by the processor time that each had.
    private func hashrate() async throws -> Figure {
        guard bench_randomx_prepare(OneJob.seed.bytes) == 0 else { throw LabError.system("RandomX's cache", errno: errno) }
        return try await withWorker(threads: 1) { worker, pid in
            var (ratios, bare): ([Double], [Double]) = ([], [])
            for round in 0...rounds {
                let own = try await Self.rate(of: worker, pid)
                await worker.rest()
                let alone = bench_randomx(5)
                await worker.hash(OneJob.job, by: Self.light(1))
                guard round > 0 else { continue }
                ratios.append(own / alone)
                bare.append(alone)
            }
            return Figure(
                "mining_hashrate_ratio", "Hashes in a second of processor time", unit: "ratio", goal: .atLeast(0.97),
                reference: "librandomx's own loop, light mode: \(bare.quantile(0.5).short) H/s", rounds: ratios)
        }
    }

    /// Hashes a second of processor time, from one report of them to another some seconds later.
    private static func rate(of worker: HashingWorker, _ pid: Int32) async throws -> Double {
        var reports: [(hashes: UInt64, time: Int64)] = []
        let deadline = ContinuousClock.now + .seconds(30)
        var last = await worker.figures.hashes
        while reports.count < 6, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
            let hashes = await worker.figures.hashes
            guard hashes != last else { continue }
            last = hashes
            reports.append((hashes, bench_nanoseconds(pid)))
        }
        guard let first = reports.dropFirst().first, let end = reports.last, end.time > first.time else {
            throw LabError.unreadable(what: "the miner's hashes", text: "\(reports)")
        }
        return Double(end.hashes - first.hashes) / (Double(end.time - first.time) / 1e9)
    }

    private static func light(_ threads: UInt8) -> WorkerPlan {
        WorkerPlan(isFast: false, threads: threads, usesHugePages: false)
    }

    private func withWorker(
        threads: UInt8, _ body: (HashingWorker, Int32) async throws -> Figure
    ) async throws -> Figure {
        let worker = HashingWorker(
            .program(try Products.url("basestation-miner").path), clocks: try LinuxClocks(),
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { await worker.run { _ in } }
        await worker.hash(OneJob.job, by: Self.light(threads))
        defer { running.cancel() }
        let deadline = ContinuousClock.now + .seconds(60)
        while await worker.figures.hashes == 0, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(50)) }
        guard let pid = await worker.processID else {
            throw LabError.unreadable(what: "the miner", text: await worker.trouble ?? "it is silent")
        }
        let figure = try await body(worker, pid)
        await worker.release()
        return figure
    }
}
