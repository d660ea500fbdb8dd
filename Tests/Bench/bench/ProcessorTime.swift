import CBench
import Foundation
import Lab

/// The time that work costs, not the time it takes: other programs on the machine make it wait, but not longer.
struct ProcessorTime {
    private let clocks: [clockid_t]

    /// Of one process, all its threads.
    init(process: Int32) throws {
        clocks = [try Self.clock(of: process)]
    }

    /// Of the calling thread, and of the kernel's helper on `processor` that takes over when packets come fast.
    init(threadOn processor: Int) throws {
        clocks = try [CLOCK_THREAD_CPUTIME_ID] + Self.helper(of: processor).map { [try Self.clock(of: $0)] }.joined()
    }

    var nanoseconds: Int64 {
        clocks.reduce(0) { sum, clock in
            var time = timespec()
            // A process that is gone has no time any more: the last difference is then negative, and seen.
            guard clock_gettime(clock, &time) == 0 else { return sum }
            return sum + Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        }
    }

    func spent(_ body: () throws -> Void) rethrows -> Double {
        let start = nanoseconds
        try body()
        return Double(nanoseconds - start)
    }

    /// The last processor: interrupts of a small machine prefer the first.
    static let processor = max(0, ProcessInfo.processInfo.activeProcessorCount - 1)

    /// Runs `body` on that processor alone.
    static func pinned<Result>(_ body: (ProcessorTime) throws -> Result) throws -> Result {
        let code = bench_pin(Int32(processor))
        guard code == 0 else { throw LabError.system("keeping a thread on processor \(processor)", errno: code) }
        defer { bench_pin(-1) }
        return try body(ProcessorTime(threadOn: processor))
    }

    private static func clock(of process: Int32) throws -> clockid_t {
        var clock = clockid_t()
        let code = clock_getcpuclockid(process, &clock)
        guard code == 0 else { throw LabError.system("the CPU clock of process \(process)", errno: code) }
        return clock
    }

    /// Not visible in every container: then its share is not counted.
    private static func helper(of processor: Int) -> [Int32] {
        // An unreadable /proc shows no helper.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { pid in
            (try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8))?.trimmed == "ksoftirqd/\(processor)"
        }
    }
}
