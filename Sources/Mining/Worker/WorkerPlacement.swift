import Glibc
import Primitives

/// Gives a process the lowest place there is: a control group that runs only when no other wants to (`cpu.idle`), by cgroup v2 or v1.
///
/// SCHED_IDLE alone is not enough: with autogroup on, a session of its own gets half of a core from a busy neighbour. Where no group can
/// be made, the process has set its own autogroup to nice 19 (CMiner), which comes close.
enum WorkerPlacement: Equatable {
    case group(String)
    /// Why there is none.
    case autogroup(String)

    /// In words, for `mining status`.
    var words: String {
        switch self {
        case .group(let path): "in an idle control group, \(path)"
        case .autogroup(let why): "at nice 19 (\(why))"
        }
    }

    /// What the kernel calls the group of this program's miner. One daemon runs on a board.
    private static let name = "basestation-miner"

    /// - Parameter root: where the kernel shows control groups.
    static func place(_ pid: Int32, root: String = "/sys/fs/cgroup") -> WorkerPlacement {
        var why = "the kernel shows no control groups for the processor"
        for parent in parents(root) where access(parent + "/cgroup.procs", F_OK) == 0 {
            let group = parent + "/" + name
            guard mkdir(group, 0o755) == 0 || errno == EEXIST else {
                why = "\(group): \(String(cString: strerror(errno)))"
                continue
            }
            guard write("1", to: group + "/cpu.idle"), write(String(pid), to: group + "/cgroup.procs") else {
                why = "\(group): \(String(cString: strerror(errno)))"
                rmdir(group)
                continue
            }
            return .group(group)
        }
        return .autogroup(why)
    }

    /// When its process has ended.
    func withdraw() {
        if case .group(let path) = self { rmdir(path) }
    }

    /// v2: beside this process's own group, where systemd or an owner delegated it; v1: the processor's own hierarchy.
    private static func parents(_ root: String) -> [String] {
        var parents: [String] = []
        if let own = ownGroup(), own != "/" { parents.append(root + own.prefix(upTo: own.lastIndex(of: "/")!)) }
        return parents + [root, root + "/cpu", root + "/cpu,cpuacct"]
    }

    /// `0::/system.slice/basestationd.service`
    private static func ownGroup() -> Substring? {
        guard let text = try? SmallFile.read("/proc/self/cgroup") else { return nil }  // no control groups at all
        return text.split(separator: "\n").first { $0.hasPrefix("0::/") }?.dropFirst(3)
    }

    private static func write(_ text: String, to path: String) -> Bool {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return Glibc.write(file, text, text.utf8.count) == text.utf8.count
    }
}

/// The processor time of another process, to the nanosecond.
enum ProcessorClock {
    /// nil: there is none of that number.
    static func time(of pid: Int32) -> Nanoseconds? {
        var (clock, time) = (clockid_t(), timespec())
        guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else { return nil }
        return Nanoseconds(Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}

/// What the kernel shows of itself, in small files.
enum SmallFile {
    static let limit = 16 << 10

    struct Unreadable: Error { let error: Int32 }

    static func read(_ path: String) throws(Unreadable) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Unreadable(error: errno) }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = Glibc.read(file, &bytes, limit)
        guard count >= 0 else { throw Unreadable(error: errno) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
