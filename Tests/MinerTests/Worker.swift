import Foundation
import CMiner
import Glibc
import Lab
import Primitives
import ProofOfWork
import Testing

/// The real program, started as the daemon starts it.
final class Worker {
    struct Silent: Error { let after: [WorkerReport] }

    let end: Int32
    let pid: Int32
    private var frames = WorkerFrames()

    init(_ plan: WorkerPlan = WorkerPlan(isFast: false, threads: 1, usesHugePages: false)) throws {
        var (end, pid) = (Int32(-1), Int32(0))
        var arguments = [strdup("basestation-miner"), nil]
        defer { free(arguments[0]) }
        try #require(try cminer_spawn(Products.url("basestation-miner").path, &arguments, &end, &pid) == 0)
        (self.end, self.pid) = (end, pid)
        tell(.begin(plan))
    }

    deinit {
        close(end)
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    /// Several arrive at once, as they do at a process that was given no processor for a while.
    func tell(_ orders: WorkerOrder...) {
        let frames = orders.flatMap { WorkerFrames.frame($0) }
        _ = send(end, frames, frames.count, Int32(MSG_NOSIGNAL))
    }

    /// The first report that `pick` takes, within `seconds`; nil when the process has ended.
    func next<Found>(within seconds: Int = 60, _ pick: (WorkerReport) -> Found?) throws -> Found? {
        var passed: [WorkerReport] = []
        let deadline = time(nil) + seconds
        while time(nil) <= deadline {
            while let payload = try frames.next() {
                let report = try WorkerReport(canonicalBytes: payload)
                if let found = pick(report) { return found }
                if case .progress = report { continue }
                passed.append(report)
            }
            var waiting = pollfd(fd: end, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, 200) > 0 else { continue }
            var bytes = [UInt8](repeating: 0, count: 4_096)
            let count = recv(end, &bytes, bytes.count, 0)
            guard count > 0 else { return nil }
            frames.append(bytes[..<count])
        }
        throw Silent(after: passed)
    }

    func hash(_ blob: [UInt8], seed: Bytes32) throws -> Bytes32? {
        tell(.check(number: 7, seedHash: seed, blob: blob))
        return try next { if case .checked(7, let hash) = $0 { hash } else { nil } }
    }

    /// Processor time it has used, in ticks.
    var ticks: Int {
        guard let file = fopen("/proc/\(pid)/stat", "r") else { return -1 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 1_024)
        guard fgets(&line, 1_024, file) != nil else { return -1 }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let fields = text.drop { $0 != ")" }.split(separator: " ")
        return (Int(fields[12]) ?? 0) + (Int(fields[13]) ?? 0)
    }
}
