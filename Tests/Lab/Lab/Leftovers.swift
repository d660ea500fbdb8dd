import Foundation
import Synchronization

enum NamespaceName {
    static let folder = "/run/netns/"
    private static let prefix = "qlab"
    private static let counter = Atomic(0)
    private static let mine = "\(prefix)-\(getpid())-\(startOfProcess(getpid()) ?? "0")"

    static func next(role: String) -> String {
        "\(mine)-\(counter.wrappingAdd(1, ordering: .relaxed).newValue)-\(role)"
    }

    /// True for names of the lab whose process is gone.
    static func isLeftover(_ name: String) -> Bool {
        let parts = name.split(separator: "-")
        guard parts.count >= 4, parts[0] == prefix, let pid = Int32(parts[1]) else { return false }
        return startOfProcess(pid) != String(parts[2])
    }

    /// Field 22 of /proc/PID/stat; nil when there is no such process. A number given again has another start.
    private static func startOfProcess(_ pid: Int32) -> String? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),  // no file: no process
            let afterName = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[afterName...].split(separator: " ")
        return fields.count > 20 ? String(fields[20]) : nil
    }
}

/// Removes the namespaces of runs that were killed, with what still runs in them; the first namespace of a run does this.
public func sweepLeftovers() { Leftovers.sweep() }

enum Leftovers {
    static let sweptOnce: Void = sweepLeftovers()

    static func sweep() {
        // No folder: nobody made a namespace since the machine started.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: NamespaceName.folder)) ?? []
        names.filter(NamespaceName.isLeftover).forEach(remove)
    }

    /// Removes a namespace of the lab with all processes in it: those that made themselves independent have no other end.
    static func remove(_ name: String) {
        if let pids = try? run(["ip", "netns", "pids", name]) {  // fails when its mount is already gone: nothing to kill
            for pid in pids.stdout.split(separator: "\n").compactMap({ Int32($0) }) where pid != getpid() { kill(pid, SIGKILL) }
        }
        // Fails when another run swept it at the same time.
        _ = try? run(["ip", "netns", "del", name])
    }
}

/// The namespaces this process has open, for an end by signal.
enum OpenNamespaces {
    private struct Weak: Sendable { weak var namespace: Namespace? }
    private static let all = Mutex<[String: Weak]>([:])

    static func add(_ namespace: Namespace) { all.withLock { $0[namespace.name] = Weak(namespace: namespace) } }
    static func remove(_ name: String) { all.withLock { $0[name] = nil } }
    static func close() { all.withLock { $0.values.compactMap(\.namespace) }.forEach { $0.close() } }
}

// Unchecked: the sources are only kept, never used again.
private struct SignalSources: @unchecked Sendable { var all: [any DispatchSourceSignal] = [] }
private let signalSources = Mutex(SignalSources())

/// At SIGINT and SIGTERM: closes every namespace, then ends with 128 + the signal. For programs; a test runner has its own way to end.
public func closeLabOnSignals() {
    for number in [SIGINT, SIGTERM] {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number)
        source.setEventHandler {
            OpenNamespaces.close()
            exit(128 + number)
        }
        source.resume()
        let kept = SignalSources(all: [source])
        signalSources.withLock { $0.all += kept.all }
    }
}
