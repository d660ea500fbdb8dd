import CBench
import Foundation
import Lab

/// The time that work costs, not the time it takes: other programs on the machine make it wait, but not longer.
struct ProcessorTime {
    /// 0 is the calling thread.
    private let processes: [Int32]

    /// Of one process, all its threads.
    init(process: Int32) throws {
        guard bench_nanoseconds(process) >= 0 else { throw LabError.system("the CPU clock of process \(process)", errno: errno) }
        processes = [process]
    }

    /// Of the calling thread, and of the kernel's helper on `processor` that takes over when packets come fast.
    init(threadOn processor: Int) { processes = [0] + Self.helper(of: processor) }

    var nanoseconds: Int64 { processes.reduce(0) { $0 + bench_nanoseconds($1) } }

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

    /// Not visible in every container: then its share is not counted.
    private static func helper(of processor: Int) -> [Int32] {
        // An unreadable /proc shows no helper.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { pid in
            (try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8))?.trimmed == "ksoftirqd/\(processor)"
        }
    }
}
