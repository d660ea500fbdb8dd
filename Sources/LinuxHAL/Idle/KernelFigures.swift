import HAL
import Primitives

/// What /proc says of the processor (proc_stat(5)).
struct ProcessorFigures: Hashable {
    var busy: Nanoseconds
    var cores: Int

    /// More than any machine has.
    static let coresMax = 4_096

    /// - Parameters:
    ///   - text: of /proc/stat
    ///   - ticks: a second; `sysconf(_SC_CLK_TCK)`
    init(_ text: String, ticks: Int64) throws(HALError) {
        let lines = text.split(separator: "\n").prefix { $0.hasPrefix("cpu") }
        // user nice system idle iowait irq softirq steal; a guest's time is within user's.
        let fields = lines.first?.split(separator: " ").map { UInt64($0) } ?? []
        guard lines.first?.hasPrefix("cpu ") == true, fields.count >= 5, !fields.dropFirst().contains(nil) else {
            throw HALError(.broken, "/proc/stat has no line of all processors", mend: "see dmesg")
        }
        let counted = [1, 2, 3, 6, 7, 8].filter { $0 < fields.count }.reduce(UInt64(0)) { $0.saturatingAdd(fields[$1] ?? 0) }
        busy = nanoseconds(ticks: counted, perSecond: ticks)
        cores = min(max(1, lines.count - 1), Self.coresMax)
    }
}

/// Processor time in a process's own line (proc_pid_stat(5)), all its threads together.
func processTime(_ text: String, ticks: Int64) throws(HALError) -> Nanoseconds {
    // The second field is the program's name, which may hold spaces and brackets.
    let fields = text.lastIndex(of: ")").map { text[text.index(after: $0)...].split(separator: " ") } ?? []
    // utime and stime are the 14th and 15th, the 12th and 13th behind the name.
    guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12]) else {
        throw HALError(.broken, "a process's stat has no times: \(text.prefix(60))", mend: "see dmesg")
    }
    return nanoseconds(ticks: user.saturatingAdd(system), perSecond: ticks)
}

/// What /proc/meminfo says (proc_meminfo(5)).
struct MemoryFigures: Hashable {
    var available: ByteCount
    var total: ByteCount

    init(_ text: String) throws(HALError) {
        func size(_ name: String) throws(HALError) -> ByteCount {
            let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
            let fields = line?.split(separator: " ") ?? []
            guard fields.count == 3, fields[2] == "kB", let kibibytes = UInt64(fields[1]), kibibytes < 1 << 50 else {
                throw HALError(.broken, "/proc/meminfo has no \(name)", mend: "use a kernel of 3.14 or later")
            }
            return ByteCount(bytes: kibibytes << 10)
        }
        (total, available) = (try size("MemTotal"), try size("MemAvailable"))
        guard available <= total else {
            throw HALError(.broken, "/proc/meminfo has more memory available than there is", mend: "see dmesg")
        }
    }
}

/// Packets that a core's backlog had no room for: the second column of /proc/net/softnet_stat, hexadecimal, a line for each core
/// (net/core/net-procfs.c).
func backlogDrops(_ text: String) throws(HALError) -> UInt64 {
    var sum: UInt64 = 0
    for line in text.split(separator: "\n") {
        let fields = line.split(separator: " ").prefix(2)
        guard fields.count == 2, let count = UInt64(fields[1], radix: 16) else {
            throw HALError(.broken, "/proc/net/softnet_stat cannot be read: \(line.prefix(40))", mend: "see dmesg")
        }
        sum = sum.saturatingAdd(count)
    }
    return sum
}

private func nanoseconds(ticks: UInt64, perSecond: Int64) -> Nanoseconds {
    let (product, overflow) = Int64(clamping: ticks).multipliedReportingOverflow(by: 1_000_000_000 / max(1, perSecond))
    return Nanoseconds(overflow ? .max : product)
}
