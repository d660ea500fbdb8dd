import CLab
import Foundation
import Synchronization

/// A network namespace: a machine's worth of interfaces, addresses, routes and firewall. It goes with this object.
///
/// Its name is `qlab-PID-START-NUMBER-ROLE`: PID and START (when that process started, in the kernel's ticks) tell which run made it,
/// so that a later run can sweep what a killed one left, and never what a living one uses.
public final class Namespace: Sendable {
    public let name: String

    private struct State {
        var isOpen = true
        var processes: [LabProcess] = []
        var thread: DedicatedThread?
    }
    private let state = Mutex(State())

    /// False where namespaces cannot be made: a test then says it was skipped.
    public static var isAvailable: Bool {
        geteuid() == 0 && (try? Lab.run(["unshare", "--net", "true"])) != nil  // any failure means no
    }

    public init(role: String) throws {
        Leftovers.sweptOnce
        name = NamespaceName.next(role: role)
        try Lab.run(["ip", "netns", "add", name])
        OpenNamespaces.add(self)
        do { try Lab.run(["ip", "-n", name, "link", "set", "lo", "up"]) } catch {
            close()
            throw error
        }
    }

    deinit { close() }

    /// Runs a command inside and waits for it; throws when its status is not 0.
    ///
    /// It holds the thread: for long commands in async code use `start` and `await process.wait`.
    @discardableResult
    public func run(
        _ command: [String], input: String = "", environment: [String: String] = [:], timeout: Duration = .seconds(30)
    ) throws -> Output {
        try Lab.run(command, prefix: prefix, input: input, environment: environment, timeout: timeout)
    }

    @discardableResult
    public func run(_ command: String...) throws -> Output { try run(command) }

    /// Starts a command inside. It ends with the namespace at the latest.
    public func start(
        _ command: [String], input: String = "", environment: [String: String] = [:]
    ) throws -> LabProcess {
        let process = try LabProcess(command, prefix: prefix, input: input, environment: environment)
        state.withLock { state in
            state.processes.removeAll { !$0.isRunning }
            state.processes.append(process)
        }
        return process
    }

    /// Runs `body` on a thread that is in the namespace: a socket made there stays there, wherever it is used later.
    public func inside<Result>(_ body: () throws -> Result) throws -> Result { try thread().perform(body) }

    /// Runs `body` and the non-isolated functions and default actors it calls on that thread.
    /// What brings its own threads (NIO) stays outside.
    public func inside<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
        try await withTaskExecutorPreference(thread()) { try await body() }
    }

    /// Writes a kernel setting, named as sysctl does: `net.ipv4.ip_forward`.
    public func set(_ setting: String, to value: String) throws {
        let path = "/proc/sys/" + setting.replacingOccurrences(of: ".", with: "/")
        try inside {
            let file = open(path, O_WRONLY | O_CLOEXEC)
            guard file >= 0 else { throw LabError.system("\(setting) in \(name)", errno: errno) }
            defer { _ = Foundation.close(file) }
            guard write(file, value, value.utf8.count) == value.utf8.count else {
                throw LabError.system("\(setting) = \(value) in \(name)", errno: errno)
            }
        }
    }

    /// Runs the lines of `ip -batch`.
    func configure(_ lines: [String]) throws {
        guard !lines.isEmpty else { return }
        try Lab.run(["ip", "-n", name, "-batch", "-"], input: lines.joined(separator: "\n") + "\n")
    }

    /// Kills what runs inside and removes it. Nothing happens the second time.
    public func close() {
        let last = state.withLock { state -> State? in
            guard state.isOpen else { return nil }
            defer { state = State(isOpen: false) }
            return state
        }
        guard let last else { return }
        last.processes.forEach { $0.close() }
        last.thread?.end()
        Leftovers.remove(name)
        OpenNamespaces.remove(name)
    }

    private var prefix: [String] { ["ip", "netns", "exec", name] }

    private func thread() throws -> DedicatedThread {
        try state.withLock { state in
            precondition(state.isOpen, "namespace \(name) is closed")
            if let thread = state.thread { return thread }
            let path = NamespaceName.folder + name
            let thread = try DedicatedThread(name: "lab-netns") {
                let file = open(path, O_RDONLY | O_CLOEXEC)
                guard file >= 0 else { throw LabError.system(path, errno: errno) }
                defer { _ = Foundation.close(file) }
                guard lab_enter_network(file) == 0 else { throw LabError.system("entering \(path)", errno: errno) }
            }
            state.thread = thread
            return thread
        }
    }
}
