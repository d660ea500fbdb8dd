import Foundation
import Lab
import Primitives
import StationAPI
import StationClient
import Testing

/// The programs as people and scripts use them (the interface is stable: cli.md of the design, docs/api.md for JSON).
@Suite struct CommandTests {
    struct Answer {
        var status: Int32
        var out: String
        var err: String
        var widest: Int { (out + "\n" + err).split(separator: "\n").map(\.count).max() ?? 0 }
    }

    static func run(_ program: String, _ words: [String], _ environment: [String: String] = [:]) throws -> Answer {
        try run(at: Products.url(program).path, words, environment)
    }

    static func run(at path: String, _ words: [String], _ environment: [String: String] = [:]) throws -> Answer {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = words
        var all = ["PATH": "/usr/bin:/bin:/usr/sbin", "HOME": "/dev/null", "COLUMNS": "80"].merging(environment) { $1 }
        all["LLVM_PROFILE_FILE"] = ProcessInfo.processInfo.environment["LLVM_PROFILE_FILE"] ?? "/dev/null"
        process.environment = all
        let (out, err) = (Pipe(), Pipe())
        (process.standardOutput, process.standardError, process.standardInput) = (out, err, FileHandle.nullDevice)
        try process.run()
        let text = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: err.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Answer(status: process.terminationStatus, out: text, err: complaint)
    }

    private func ask(_ daemon: SimulatedDaemon, _ words: String) throws -> Answer {
        try Self.run(
            "basestation", words.split(separator: " ").map(String.init),
            ["BASESTATION_SOCKET": daemon.folder.path + "/control.sock"])
    }

    static let subcommands = [
        "basestation": [
            "", "status", "sessions", "usage export", "tariff show", "tariff set", "tariff simulate", "codes create",
            "codes list",
            "codes revoke", "client list", "client disconnect", "client block", "client allow", "channel open", "channel list",
            "channel close", "wallet address", "wallet balance", "wallet withdraw", "wallet settle", "wallet backup", "stake",
            "unstake", "delegate", "earnings", "mining", "mining status", "mining pause", "mining resume", "pool", "pool status",
            "pool statement",
            "wallet restore", "config check",
            "config show", "config diff", "config apply", "diagnose", "setup",
            "sim", "chain status", "chain block", "chain asset",
            "chain peers", "chain verify", "key create", "key list", "key show", "key revoke", "radio status", "radio scan",
            "radio set", "identify",
        ],
        "qlink": [
            "", "wallet create", "wallet address", "wallet send", "channel open", "find", "connect", "status", "history", "pay",
            "donate",
        ], "basestationd": [""],
    ]

    @Test(arguments: subcommands.keys.sorted()) func everyHelpFitsAScreen(_ program: String) throws {
        for words in Self.subcommands[program] ?? [] {
            let answer = try Self.run(program, words.split(separator: " ").map(String.init) + ["--help"])
            #expect(answer.status == 0 && answer.out.contains("USAGE: \(program)"), "\(program) \(words)")
            #expect(answer.widest <= 80, "\(program) \(words): \(answer.widest) columns")
        }
    }

    @Test func everythingSaidFitsAScreenWithoutColour() async throws {
        let daemon = try await SimulatedDaemon(name: String(repeating: "wide ", count: 12))
        _ = try daemon.ask(1, "POST", "/v1/sessions", OpenSessionBody(freeTariff: "free"), as: BuyerSessionView.self)
        _ = try ask(daemon, "sim traffic --client 1 --rate-down 1MB")
        for words in [
            "status", "sessions", "sessions --active", "tariff show", "tariff simulate --bytes 1GB --duration 2h",
            "codes create --data 1GB --count 2", "codes list", "client list", "channel list", "wallet balance", "earnings",
            "stake", "diagnose",
            "config diff \(daemon.configuration.path)", "key create --name Alice --free --tariff free", "key list", "key show 1",
            "sim join --client 9 --key 1", "radio status", "radio scan", "radio set --channel 11", "identify", "nonsense",
            "client block nonsense",
        ] {
            let answer = try ask(daemon, words)
            #expect(answer.widest <= 80, "\(words): \(answer.widest) columns\n\(answer.out)\(answer.err)")
            #expect(!answer.out.contains("\u{1b}"), "\(words)")
        }
        #expect(try ask(daemon, "status").out.split(separator: "\n", omittingEmptySubsequences: false).count <= 25)
    }

    /// 0 done · 1 refused · 2 wrong usage · 3 the daemon does not answer · 4 not permitted (ControlAPITests).
    @Test func exitCodes() async throws {
        let daemon = try await SimulatedDaemon()
        for (words, status) in [
            ("status", 0), ("client disconnect 02:51:00:00:00:01", 1), ("codes revoke 77", 1), ("nonsense", 2),
            ("codes create", 2),
            ("client block nonsense", 2), ("sessions --since yesterday", 2), ("sim explode", 1),
            ("tariff simulate --tariff nonsense", 1),
            ("diagnose --bundle /dev/null/report", 1),
        ] as [(String, Int32)] {
            let answer = try ask(daemon, words)
            #expect(answer.status == status, "\(words): \(answer.status) \(answer.err)")
            #expect(status == 0 || !answer.err.isEmpty, "\(words) says nothing")
        }
        let nobody = try Self.run("basestation", ["status", "--socket", "/nonexistent.sock"])
        #expect(
            nobody.status == 3 && nobody.err.contains("/nonexistent.sock") && nobody.err.contains("systemctl status"),
            "\(nobody.err)")
    }

    @Test func jsonHasTheAgreedFields() async throws {
        let daemon = try await SimulatedDaemon()
        _ = try daemon.ask(1, "POST", "/v1/sessions", OpenSessionBody(freeTariff: "free"), as: BuyerSessionView.self)
        let status = try #require(
            JSONSerialization.jsonObject(with: Data(ask(daemon, "status --json").out.utf8)) as? [String: Any])
        let wanted = [
            "station_id", "version", "hal", "uptime_seconds", "sharing", "clients", "earned_today_qlc", "earned_total_qlc",
            "alerts", "chain", "mining",
            "temperature_celsius",
        ]
        for name in wanted { #expect(status[name] != nil, "status has no \(name)") }
        let sessions = try #require(
            JSONSerialization.jsonObject(with: Data(ask(daemon, "sessions --json").out.utf8)) as? [[String: Any]])
        for name in [
            "session_id", "client_mac", "client_addresses", "tariff_id", "state", "started_at", "duration_seconds", "bytes_up",
            "bytes_down", "charge_qlc", "paid_qlc", "buyer", "ended_at", "granted_bytes", "granted_seconds", "end_reason",
        ] { #expect(sessions.first?[name] != nil, "a session has no \(name)") }
    }

    @Test func whatAnOwnerDoes() async throws {
        let daemon = try await SimulatedDaemon()
        let bill = try ask(daemon, "tariff simulate --bytes 1GB --duration 2h")
        #expect(bill.out.contains("10") && bill.status == 0, "\(bill.out)\(bill.err)")  // 1,000 MB at 0.01 QLC
        #expect(try ask(daemon, "codes create --data 1GB --count 2").status == 0)
        #expect(try ask(daemon, "codes revoke 1").status == 0)
        let codes = try JSON.decode([CodeView].self, from: Data(ask(daemon, "codes list --json").out.utf8))
        #expect(codes.count == 2)
        #expect(try ask(daemon, "client block 02:51:00:00:00:02").status == 0)
        let blocked = try daemon.ask(2, "POST", "/v1/sessions", #"{"free_tariff":"free"}"#)
        #expect(blocked.problem == "forbidden")
        #expect(try ask(daemon, "client allow 02:51:00:00:00:02").status == 0)
        let session = try daemon.ask(2, "POST", "/v1/sessions", OpenSessionBody(freeTariff: "free"), as: BuyerSessionView.self)
        #expect(try ask(daemon, "client disconnect 02:51:00:00:00:02").status == 0)
        let csv = try ask(daemon, "usage export --since 2020-01-01T00:00:00Z --format csv").out.split(separator: "\n")
        #expect(csv.count == 2 && csv[0].hasPrefix("session_id,") && csv[1].contains(session.sessionId), "\(csv)")
        #expect(try ask(daemon, "usage export --since 2020-01-01T00:00:00Z --format json").out.contains("\"signature\""))
        #expect(try ask(daemon, "sim leave --client 3").status == 0)
        #expect(try ask(daemon, "sim join --client 3").status == 0)
    }

    @Test func configurationIsComparedAndApplied() async throws {
        let daemon = try await SimulatedDaemon()
        #expect(try ask(daemon, "config diff \(daemon.configuration.path)").out.contains("what is in force"))
        let text = try String(contentsOf: daemon.configuration, encoding: .utf8)
        try text.replacingOccurrences(of: "0.01", with: "0.02").replacingOccurrences(of: "\"100ms\"", with: "\"200ms\"")
            .write(to: daemon.configuration, atomically: true, encoding: .utf8)
        let difference = try ask(daemon, "config diff \(daemon.configuration.path)").out
        #expect(
            difference.contains("tariff per-byte") && difference.contains("sample_interval") && difference.contains("restart"))
        #expect(try ask(daemon, "config apply").out.contains("tariff per-byte"))
        // The price is in force now; the other still waits, and goes on being told.
        for words in ["config diff \(daemon.configuration.path)", "config apply"] {
            let waiting = try ask(daemon, words).out
            #expect(waiting.contains("sample_interval") && !waiting.contains("tariff per-byte"), "\(words): \(waiting)")
        }
        try text.replacingOccurrences(of: "price_per_mb", with: "price_per_mib")
            .write(to: daemon.configuration, atomically: true, encoding: .utf8)
        let refused = try Self.run("basestation", ["config", "check", daemon.configuration.path])
        #expect(
            refused.status == 1 && refused.out.contains("price_per_mib") && refused.out.contains("did you mean \"price_per_mb\"?")
        )
    }

    @Test func diagnosisWithAndWithoutADaemonAndNoSecretInTheReport() async throws {
        let daemon = try await SimulatedDaemon()
        let report = daemon.folder.path + "/report.txt"
        let alive = try ask(daemon, "diagnose --config \(daemon.configuration.path) --bundle \(report)")
        #expect(alive.out.contains("✓ packet gate") && alive.out.contains("✓ configuration"), "\(alive.out)\(alive.err)")
        let text = try String(contentsOfFile: report, encoding: .utf8)
        #expect(text.contains("== /v1/status") && text.contains("== /metrics") && text.contains("[portal]"))
        for name in ["station.key", "codes.key"] {
            let key = try Data(contentsOf: daemon.folder.appendingPathComponent("state/" + name))
            let raw = key.count == 32 ? key : Data(Hex.decode(String(decoding: key.prefix(64), as: UTF8.self)) ?? Array(key))
            for secret in [raw.map { String(format: "%02x", $0) }.joined(), raw.base64EncodedString()] {
                #expect(!text.contains(secret))
            }
        }
        let dead = try Self.run(
            "basestation", ["diagnose", "--socket", "/nonexistent.sock", "--config", daemon.configuration.path])
        #expect(dead.status == 1 && dead.out.contains("✗ daemon") && dead.out.contains("✓ disk"), "\(dead.out)\(dead.err)")
    }

    /// What is wrong with a file, for programs; and a list with nothing in it says so.
    @Test func problemsAndEmptyListsAreSaid() async throws {
        let daemon = try await SimulatedDaemon()
        #expect(try ask(daemon, "codes list").out == "none\n")
        #expect(try ask(daemon, "codes list --json").out == "[\n\n]\n")
        #expect(try ask(daemon, "tariff set free --json").out.contains("\"free\""))
        let path = daemon.folder.appendingPathComponent("bad.toml").path
        try "[station]\nnmae = \"x\"\n".write(toFile: path, atomically: true, encoding: .utf8)
        let bad = try ask(daemon, "config check \(path) --json")
        #expect(bad.status == 1 && bad.out.contains("\"line\" : 2") && bad.out.contains("name"), "\(bad.out)")
        #expect(try ask(daemon, "config check \(daemon.configuration.path) --json").out == "[\n\n]\n")
    }
}
