import CLab
import Foundation
import Synchronization

/// What a command said, and how it ended.
public struct Output: Hashable, Sendable {
    public var stdout: String
    public var stderr: String
    /// The exit status; 128 + the signal that ended it.
    public var status: Int32

    public var succeeded: Bool { status == 0 }
    var complaint: String { stderr.isEmpty ? String(stdout.suffix(2000)) : String(stderr.suffix(2000)) }

    /// stdout as JSON.
    public func json<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        do { return try JSONDecoder().decode(type, from: Data(stdout.utf8)) } catch {
            throw LabError.unreadable(what: "the JSON of a command (\(error))", text: stdout)
        }
    }
}

/// A running command. It is killed when this object goes, and by the kernel when this process dies.
public final class LabProcess: Sendable {
    public let command: [String]
    public let pid: Int32

    private let output: MemoryFile
    private let error: MemoryFile
    private let status = Mutex<Int32?>(nil)

    // Children are made by one thread that lives as long as we do; see DedicatedThread.
    private static let spawner = Result { try DedicatedThread(name: "lab-spawner") }

    /// - Parameter prefix: what comes before the command, like `ip netns exec NAME`.
    init(_ command: [String], prefix: [String] = [], input: String = "", environment: [String: String] = [:]) throws {
        precondition(!command.isEmpty, "a command has at least a name")
        let source = try MemoryFile(input)
        let output = try MemoryFile()
        let error = try MemoryFile()
        var all = ProcessInfo.processInfo.environment
        all["PATH"] = (all["PATH"].map { $0 + ":" } ?? "") + "/usr/sbin:/usr/bin:/sbin:/bin"
        all.merge(environment) { $1 }
        let arguments = ["setpriv", "--pdeathsig", "KILL", "--"] + prefix + command
        let pairs = all.map { "\($0)=\($1)" }
        var pid: Int32 = 0
        let failure = try Self.spawner.get().perform {
            withCStrings(arguments) { arguments in
                withCStrings(pairs) { pairs in
                    lab_spawn(arguments, pairs, source.descriptor, output.descriptor, error.descriptor, &pid)
                }
            }
        }
        guard failure == 0 else { throw LabError.system("starting \(command.joined(separator: " "))", errno: failure) }
        self.command = command
        self.pid = pid
        self.output = output
        self.error = error
    }

    deinit { close() }

    /// What it has written until now.
    public var stdout: String { output.text }
    public var stderr: String { error.text }
    public var isRunning: Bool { ended() == nil }

    /// Waits until it ends, whatever its status. It keeps running when the time is over.
    public func wait(timeout: Duration = .seconds(30)) throws -> Output {
        try poll(timeout: timeout, else: timeoutError(timeout)) { ended() != nil }
        return result()
    }

    /// The same without holding a thread.
    public func wait(timeout: Duration = .seconds(30)) async throws -> Output {
        try await pollSuspending(timeout: timeout, else: timeoutError(timeout)) { ended() != nil }
        return result()
    }

    /// Sends a signal; nothing happens when it has ended.
    public func signal(_ number: Int32) {
        status.withLock { status in
            // Under the lock, so that nobody reaps it and the number cannot have passed to a stranger.
            if status == nil { _ = kill(pid, number) }
        }
    }

    /// SIGTERM, then SIGKILL when it has not ended after `grace`.
    @discardableResult
    public func terminate(grace: Duration = .seconds(5)) -> Output {
        signal(SIGTERM)
        if let output = try? wait(timeout: grace) { return output }  // timed out: the next line's business
        close()
        return result()
    }

    /// SIGKILL to it and all of its group, at once.
    public func close() {
        status.withLock { status in if status == nil { _ = kill(-pid, SIGKILL) } }
        while ended() == nil { usleep(500) }
    }

    /// Its status when it has ended. Whatever it left behind in its group is killed before the number is given back.
    private func ended() -> Int32? {
        status.withLock { status in
            if let status { return status }
            guard lab_has_ended(pid) != 0 else { return nil }
            _ = kill(-pid, SIGKILL)
            var raw: Int32 = 0
            guard waitpid(pid, &raw, 0) == pid else {
                status = 255
                return status
            }
            let signal = raw & 0x7f
            status = signal == 0 ? raw >> 8 & 0xff : 128 + signal
            return status
        }
    }

    private func result() -> Output { Output(stdout: stdout, stderr: stderr, status: ended() ?? 255) }

    private func timeoutError(_ timeout: Duration) -> LabError {
        .timedOut(command: command, after: timeout, output: Output(stdout: stdout, stderr: stderr, status: 255))
    }
}

/// Starts a command outside every namespace of the lab.
public func start(_ command: [String]) throws -> LabProcess { try LabProcess(command) }

/// Runs a command outside every namespace of the lab; throws when its status is not 0.
@discardableResult
public func run(
    _ command: [String], input: String = "", environment: [String: String] = [:], timeout: Duration = .seconds(30)
) throws -> Output {
    try run(command, prefix: [], input: input, environment: environment, timeout: timeout)
}

@discardableResult
func run(
    _ command: [String], prefix: [String], input: String, environment: [String: String], timeout: Duration
) throws -> Output {
    let process = try LabProcess(command, prefix: prefix, input: input, environment: environment)
    defer { process.close() }
    let output = try process.wait(timeout: timeout)
    guard output.succeeded else { throw LabError.failed(command: command, output: output, input: input) }
    return output
}

private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    let copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
    defer { copies.forEach { free($0) } }
    return copies.withUnsafeBufferPointer { body($0.baseAddress!) }
}

func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }
