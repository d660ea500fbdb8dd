import ArgumentParser
import Glibc
import Primitives
import StationAPI
import StationClient
import StationConfiguration

struct Diagnose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Every check with ✓ or ✗, and the mend; also when the daemon is down.",
        usage: "basestation diagnose [--config FILE] [--bundle FILE] [--json]",
        discussion: "Example: basestation diagnose --bundle report.txt")
    @OptionGroup var common: Common
    @Option(help: "Check this configuration file too. Without a daemon: /etc/basestation/station.toml.") var config: String?
    @Option(help: "Also write a report here, to send to somebody who helps. It holds no secret.") var bundle: String?

    func run() async throws {
        var checks: [CheckView]
        var isAnswered = true
        do { checks = try await common.station.get("/v1/diagnose") } catch let error as StationUnreachable {
            isAnswered = false
            checks = [
                CheckView(
                    name: "daemon", passed: false, finding: error.description,
                    mend: "systemctl start basestationd; journalctl -u basestationd says why it stopped")
            ]
        }
        if config != nil || !isAnswered { checks += LocalChecks.all(configuration: config ?? "/etc/basestation/station.toml") }
        try common.show(checks) { $0.flatMap(Self.lines) }
        if let bundle {
            try await Report.write(to: bundle, checks.flatMap(Self.lines), isAnswered ? common.station : nil)
            if !common.json { print("wrote \(bundle)") }
        }
        if checks.contains(where: { !$0.passed }) { throw ExitCode(1) }
    }

    private static func lines(_ check: CheckView) -> [String] {
        let finding = Screen.wrap(check.finding, to: Screen.width - 24)
        let mend = check.passed || check.mend.isEmpty ? [] : Screen.wrap("→ " + check.mend, to: Screen.width - 24)
        return (finding + mend).enumerated().map { index, text in
            Screen.fit(index == 0 ? "\(check.passed ? "✓" : "✗") \(check.name)" : "", 24) + text
        }
    }
}

/// What can be found out about a board without its daemon.
enum LocalChecks {
    static func all(configuration path: String) -> [CheckView] {
        var checks: [CheckView] = []
        do throws(ConfigurationError) {
            let configuration = try StationConfiguration.load(path: path)
            checks.append(CheckView(name: "configuration", passed: true, finding: "\(path) is right"))
            if configuration.hal == .linux { checks += ports(of: configuration) + [nftables] }
            checks.append(space(at: configuration.stateDirectory))
        } catch {
            checks.append(
                CheckView(
                    name: "configuration", passed: false, finding: error.problems.first?.description ?? "\(error)",
                    mend: "basestation config check \(path) tells all of it"))
        }
        return checks
    }

    private static func ports(of configuration: StationConfiguration) -> [CheckView] {
        (configuration.allClientPorts + [configuration.uplinkPort]).map { name in
            let isThere = access("/sys/class/net/\(name)", F_OK) == 0
            return CheckView(
                name: "interface \(name)", passed: isThere, finding: isThere ? "it is there" : "the board has no \(name)",
                mend: "\"ip link\" lists what there is; name it below [network]")
        }
    }

    private static var nftables: CheckView {
        let isThere = ["/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft"].contains { (path: String) in access(path, X_OK) == 0 }
        return CheckView(
            name: "nftables", passed: isThere, finding: isThere ? "nft is installed" : "there is no nft",
            mend: "apt-get install nftables")
    }

    /// The store needs little; a full disk stops payments.
    private static func space(at directory: String) -> CheckView {
        var facts = statvfs()
        guard statvfs(directory, &facts) == 0 else {
            return CheckView(
                name: "disk", passed: false, finding: "\(directory): \(String(cString: strerror(errno)))",
                mend: "the daemon makes it at its first start")
        }
        let free = ByteCount(bytes: UInt64(facts.f_bavail) * UInt64(facts.f_frsize))
        return CheckView(
            name: "disk", passed: free.bytes >= 16_000_000, finding: "\(free) free for \(directory)",
            mend: "free some space there: journalctl --vacuum-size=20M is a good begin")
    }
}

/// A text file for somebody who helps from afar: checks, state, configuration, counters. Keys and codes are in none of them.
enum Report {
    static func write(to path: String, _ checks: [String], _ station: StationConnection?) async throws {
        var text = "basestation \(BaseStationCommand.configuration.version)\n" + section("checks", checks.joined(separator: "\n"))
        for file in ["/proc/version", "/proc/uptime", "/proc/meminfo", "/proc/net/dev", "/etc/os-release"] {
            text += section(file, read(file))
        }
        if let station {
            for path in ["/v1/status", "/v1/config", "/metrics"] { text += section(path, try await station.text(path)) }
        }
        let fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard fd >= 0 else { throw Problem(.refused, "\(path) cannot be written: \(String(cString: strerror(errno)))") }
        defer { close(fd) }
        let bytes = Array(text.utf8)
        guard Glibc.write(fd, bytes, bytes.count) == bytes.count else {
            throw Problem(.refused, "\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    private static func section(_ title: String, _ text: String) -> String { "\n== \(title)\n\(text)\n" }

    /// The first 64 kB.
    private static func read(_ path: String) -> String {
        guard let stream = fopen(path, "r") else { return String(cString: strerror(errno)) }
        defer { fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let length = fread(&bytes, 1, bytes.count, stream)
        return String(decoding: bytes[..<length], as: UTF8.self)
    }
}
