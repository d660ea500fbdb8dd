import Foundation
import Lab
import Primitives
import StationAPI
import StationClient
import Testing

/// `basestation wallet backup` and `restore`: the station's key leaves its board encrypted, and comes back to one that stands still.
@Suite struct StationKeyTests {
    private struct Desk {
        let folder: URL
        let passphrase: String

        init() throws {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent("qk-\(UUID().uuidString.prefix(8))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            passphrase = folder.appendingPathComponent("passphrase").path
            StationKeyTests.write(Array("correct horse\n".utf8), to: passphrase)
        }

        /// A board that never ran.
        func board(_ name: String, chain: String = "", makesState: Bool = true) throws -> (config: String, state: String) {
            let (config, state) = (folder.appendingPathComponent("\(name).toml").path, folder.appendingPathComponent(name).path)
            if makesState {
                try FileManager.default.createDirectory(
                    atPath: state, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            }
            try """
            [station]
            hal = "simulated"
            state_directory = "\(state)"
            runtime_directory = "\(folder.path)"
            [[tariff]]
            id = "free"
            \(chain)
            """.write(toFile: config, atomically: true, encoding: .utf8)
            return (config, state)
        }

        func wallet(_ words: [String]) throws -> CommandTests.Answer { try CommandTests.run("basestation", ["wallet"] + words) }
    }

    private static func write(_ bytes: [UInt8], to path: String, mode: Int = 0o600) {
        #expect(FileManager.default.createFile(atPath: path, contents: Data(bytes), attributes: [.posixPermissions: mode]))
    }

    private static func mode(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test func aKeyGoesToAnotherBoard() async throws {
        let desk = try Desk()
        defer { try? FileManager.default.removeItem(at: desk.folder) }
        let daemon = try await SimulatedDaemon()
        let backup = desk.folder.appendingPathComponent("station.backup").path
        let make = ["backup", backup, "--config", daemon.configuration.path, "--passphrase-file", desk.passphrase]
        let made = try desk.wallet(make)
        #expect(made.status == 0 && made.out == "wrote \(backup)\n", "\(made)")
        #expect(try Self.mode(backup) == 0o600)
        let text = try String(contentsOfFile: backup, encoding: .utf8)
        let key = try Data(contentsOf: daemon.folder.appendingPathComponent("state/station.key"))
        #expect(text.hasPrefix("-----BEGIN QLINK KEY BACKUP-----") && !text.contains(Hex.encode(Array(key))))
        let again = try desk.wallet(make)
        #expect(again.status == 1 && again.err.contains("is there already"), "\(again)")

        // Not here: the daemon runs.
        let restore = ["restore", backup, "--passphrase-file", desk.passphrase]
        let busy = try desk.wallet(restore + ["--replace", "--config", daemon.configuration.path])
        #expect(busy.status == 1 && busy.err.contains("stop it first"), "\(busy)")
        #expect(try Data(contentsOf: daemon.folder.appendingPathComponent("state/station.key")) == key)

        let (config, state) = try desk.board("board")
        let restored = try desk.wallet(restore + ["--config", config])
        let identity = try await daemon.control.get("/v1/wallet", as: WalletView.self).address
        #expect(restored.status == 0 && restored.out.contains("\(Address(identity, on: .main))"), "\(restored)")
        #expect(restored.out.contains("disk_is_copy") && restored.out.contains("Never run two boards") && restored.widest <= 80)
        #expect(try Data(contentsOf: URL(fileURLWithPath: state + "/station.key")) == key)
        #expect(try Self.mode(state + "/station.key") == 0o600)
        let same = try desk.wallet(restore + ["--config", config, "--replace"])
        #expect(same.status == 0 && same.out.contains("this very key"), "\(same)")
    }

    /// A key that is there is money: it gives way only when that is said, and is never lost.
    @Test func aKeyThatIsThereIsKept() throws {
        let desk = try Desk()
        defer { try? FileManager.default.removeItem(at: desk.folder) }
        let (old, new) = ([UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32))
        let (config, state) = try desk.board("board", chain: "[chain]\nrole = \"delegate\"")
        let (_, other) = try desk.board("other")
        for (folder, seed) in [(state, old), (other, new)] {
            Self.write(seed, to: folder + "/station.key")
        }
        let words = desk.folder.appendingPathComponent("words").path
        try #require(Mnemonic(entropy: new)).words.joined(separator: " ").write(toFile: words, atomically: true, encoding: .utf8)
        let refused = try desk.wallet(["restore", words, "--config", config])
        #expect(refused.status == 1 && refused.err.contains("--replace"), "\(refused)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: state + "/station.key")) == Data(old))
        let replaced = try desk.wallet(["restore", words, "--config", config, "--replace"])
        #expect(replaced.status == 0 && replaced.out.contains("This node is a delegate"), "\(replaced)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: state + "/station.key")) == Data(new))
        #expect(try Data(contentsOf: URL(fileURLWithPath: state + "/station.key.old")) == Data(old))
        try #require(Mnemonic(entropy: old)).words.joined(separator: " ").write(toFile: words, atomically: true, encoding: .utf8)
        let third = try desk.wallet(["restore", words, "--config", config, "--replace"])
        #expect(third.status == 1 && third.err.contains("station.key.old"), "\(third)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: state + "/station.key")) == Data(new))
        // Who has said so already is not told again.
        let (copy, _) = try desk.board("copy", chain: "[chain]\nrole = \"delegate\"\ndisk_is_copy = true")
        #expect(try desk.wallet(["restore", words, "--config", copy]).out.contains("delegate") == false)
    }

    /// On a terminal: the passphrase is asked for twice, unseen, and the words are shown.
    @Test func aTerminalIsAskedUnseen() throws {
        let desk = try Desk()
        defer { try? FileManager.default.removeItem(at: desk.folder) }
        let (config, state) = try desk.board("board")
        Self.write([UInt8](repeating: 1, count: 32), to: state + "/station.key")
        let backup = desk.folder.appendingPathComponent("backup").path
        for (again, status) in [("correct hose\n", 1), ("correct horse\n", 0)] as [(String, Int32)] {
            let said = try PseudoTerminal().run(
                Products.url("basestation"), ["wallet", "backup", backup, "--config", config],
                answers: [("several words: ", "correct horse\n"), ("Once more: ", again)])
            #expect(said.status == status && !said.shown.contains("horse"), "\(said)")
            #expect(FileManager.default.fileExists(atPath: backup) == (status == 0))
        }
        let words = try PseudoTerminal().run(Products.url("basestation"), ["wallet", "backup", "--config", config], answers: [])
        #expect(words.status == 0 && words.shown.contains("24 ") && words.shown.contains("absurd"), "\(words)")
        let (other, restored) = try desk.board("other")
        #expect(try desk.wallet(["restore", backup, "--config", other, "--passphrase-file", desk.passphrase]).status == 0)
        #expect(try Data(contentsOf: URL(fileURLWithPath: restored + "/station.key")) == Data(repeating: 1, count: 32))
    }

    @Test func whatIsNoBackupIsRefused() throws {
        let desk = try Desk()
        defer { try? FileManager.default.removeItem(at: desk.folder) }
        let (config, state) = try desk.board("board")
        let wrong = desk.folder.appendingPathComponent("wrong").path
        Self.write(Array("battery\n".utf8), to: wrong)
        let open = desk.folder.appendingPathComponent("open").path
        Self.write(Array("staple\n".utf8), to: open, mode: 0o644)
        let backup = desk.folder.appendingPathComponent("backup").path
        Self.write([UInt8](repeating: 1, count: 32), to: state + "/station.key")
        for (words, why) in [
            (["backup", backup], "--passphrase-file"), (["backup"], "on a terminal only"),
            (["backup", backup, "--passphrase-file", open], "chmod 600"),
        ] {
            let answer = try desk.wallet(words + ["--config", config])
            #expect(answer.status == 1 && answer.err.contains(why), "\(words): \(answer)")
        }
        #expect(try desk.wallet(["backup", backup, "--config", config, "--passphrase-file", desk.passphrase]).status == 0)
        try FileManager.default.removeItem(atPath: state + "/station.key")
        let none = try desk.wallet(["backup", backup + "2", "--config", config, "--passphrase-file", desk.passphrase])
        #expect(none.status == 1 && none.err.contains("no key"), "\(none)")
        let text = try String(contentsOfFile: backup, encoding: .utf8)
        let damaged = desk.folder.appendingPathComponent("damaged").path
        try text.replacingOccurrences(of: "a", with: "b").write(toFile: damaged, atomically: true, encoding: .utf8)
        let long = desk.folder.appendingPathComponent("long").path
        try String(repeating: "zebra ", count: 9_000).write(toFile: long, atomically: true, encoding: .utf8)
        for (words, why) in [
            (["restore", backup, "--passphrase-file", wrong], "passphrase does not open"),
            (["restore", backup], "passphrase"), (["restore", damaged, "--passphrase-file", desk.passphrase], "changed"),
            (["restore", long], "larger than"), (["restore", "/nonexistent"], "there is no"), (["restore"], ""),
        ] {
            let answer = try desk.wallet(words + ["--config", config])
            #expect(answer.status == 1 && (why.isEmpty || answer.err.contains(why)), "\(words): \(answer)")
            #expect(!FileManager.default.fileExists(atPath: state + "/station.key"))
        }
        let (nowhere, _) = try desk.board("nowhere", makesState: false)
        let missing = try desk.wallet(["restore", backup, "--passphrase-file", desk.passphrase, "--config", nowhere])
        #expect(missing.status == 4 && missing.err.contains("start the daemon once"), "\(missing)")
    }

    /// Root restores; the daemon, which is somebody else, has the key.
    @Test(.enabled(if: geteuid() == 0)) func theKeyIsTheDaemons() throws {
        let desk = try Desk()
        defer { try? FileManager.default.removeItem(at: desk.folder) }
        let (config, state) = try desk.board("board")
        #expect(chown(state, 65_534, 65_534) == 0)
        let words = desk.folder.appendingPathComponent("words").path
        try #require(Mnemonic(entropy: [UInt8](repeating: 2, count: 32))).words.joined(separator: " ")
            .write(toFile: words, atomically: true, encoding: .utf8)
        let answer = try desk.wallet(["restore", words, "--config", config])
        #expect(answer.status == 0, "\(answer)")
        for name in ["station.key", "station.lock"] {
            var facts = stat()
            #expect(stat("\(state)/\(name)", &facts) == 0 && facts.st_uid == 65_534 && facts.st_gid == 65_534)
            #expect(facts.st_mode & 0o777 == 0o600)
        }
        let backup = desk.folder.appendingPathComponent("backup").path
        #expect(try desk.wallet(["backup", backup, "--config", config, "--passphrase-file", desk.passphrase]).status == 0)
    }
}
