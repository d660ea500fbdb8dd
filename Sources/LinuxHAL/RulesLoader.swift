import Glibc
import HAL

/// Puts the board's port names into the rules, keeps them where a technician can read them, and has `nft` load them.
///
/// This is the only process that LinuxHAL ever starts, once at start-up. Loading is one transaction and keeps all state.
struct RulesLoader {
    private let setup: LinuxPacketGate.Setup

    init(_ setup: LinuxPacketGate.Setup) { self.setup = setup }

    func load() throws(HALError) {
        try write(text())
        let command = ["/usr/sbin/nft", "-f", setup.rulesPath]
        let inNamespace = setup.namespace.map { ["/usr/sbin/ip", "netns", "exec", $0] + command } ?? command
        let (status, words) = try run(inNamespace)
        guard status != 0 else { return }
        if words.contains("Operation not permitted") {
            throw HALError(
                .notPermitted, "loading \(setup.rulesPath) needs the capability CAP_NET_ADMIN",
                mend: "run as root, or set AmbientCapabilities=CAP_NET_ADMIN in the unit")
        }
        throw HALError(
            .broken, "nft refuses \(setup.rulesPath): \(words.prefix(400))",
            mend: "try it by hand: nft -c -f \(setup.rulesPath)")
    }

    /// The rules with this board's ports in the two `define` lines.
    func text() throws(HALError) -> String {
        for port in setup.clientPorts + [setup.uplinkPort] {
            let isName =
                (1...15).contains(port.utf8.count)
                && port.utf8.allSatisfy {
                    (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || "-_.@".utf8.contains($0)
                }
            guard isName else {
                throw HALError(
                    .missing, "\"\(port.prefix(40))\" is not an interface's name",
                    mend: "1 to 15 letters, digits, - _ . under [network] in station.toml")
            }
        }
        let clients = setup.clientPorts.map { "\"\($0)\"" }.joined(separator: ", ")
        return setup.rules.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            if line.hasPrefix("define LAN") { return "define LAN = { \(clients) }" }
            if line.hasPrefix("define WAN") { return "define WAN = \"\(setup.uplinkPort)\"" }
            return String(line)
        }.joined(separator: "\n")
    }

    private func write(_ text: String) throws(HALError) {
        let fd = open(setup.rulesPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        let bytes = Array(text.utf8)
        guard fd >= 0 else { throw unwritable() }
        defer { close(fd) }
        guard Glibc.write(fd, bytes, bytes.count) == bytes.count, fchmod(fd, 0o644) == 0 else { throw unwritable() }
    }

    private func unwritable() -> HALError {
        HALError(
            .notPermitted, "\(setup.rulesPath) cannot be written: \(String(cString: strerror(errno)))",
            mend: "make its directory, owned by the daemon's user")
    }

    /// Runs a program to its end; its exit status and what it said on standard error.
    private func run(_ command: [String]) throws(HALError) -> (Int32, String) {
        var pipes: [Int32] = [0, 0]
        guard pipe(&pipes) == 0 else { throw HALError(.full, "no pipe to nft", mend: "too many open files") }
        for end in pipes { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(pipes[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, pipes[1], 2)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, command[0], &actions, nil, &arguments, environ)
        close(pipes[1])
        guard failure == 0 else {
            throw HALError(
                .missing, "\(command[0]) cannot be run: \(String(cString: strerror(failure)))",
                mend: "nftables is not installed; apt-get install nftables")
        }
        var words: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let length = read(pipes[0], &buffer, buffer.count)
            if length > 0, words.count < 65_536 { words += buffer[..<length] } else if length == 0 || errno != EINTR { break }
        }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return (status, String(decoding: words, as: UTF8.self))
    }
}
