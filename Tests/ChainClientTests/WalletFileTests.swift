import Foundation
import KeyBackup
import Lab
import Primitives
import Testing

/// The wallet's file, its passphrase, and the ways back to it.
@Suite struct WalletFileTests {
    private static func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test func aWalletWithAPassphraseIsABackup() async throws {
        let wallet = try Wallet()
        let made = try await wallet.qlink("wallet", "create", "--passphrase-file", wallet.passphrase)
        #expect(made.status == 0 && made.err.isEmpty, "\(made.err)")
        let key = try #require(PublicKey(made.out.trimmingCharacters(in: .whitespacesAndNewlines)))
        let text = try String(contentsOfFile: wallet.path, encoding: .utf8)
        let backup = try KeyBackup(text: text)
        #expect(try backup.key(passphrase: Array("four words make one".utf8)).publicKey == key)
        #expect(try Self.mode(wallet.path) == 0o600)
        #expect(try await wallet.qlink("wallet", "address").out == "\(key)\n", "an address is no secret")
        let address = try await wallet.qlink("wallet", "address", "--network", "main")
        #expect(address.out == "\(Address(key, on: .main))\n")
        let again = try await wallet.qlink("wallet", "create", "--passphrase-file", wallet.passphrase)
        #expect(again.status == 1 && again.err.contains("already"))
        #expect(try String(contentsOfFile: wallet.path, encoding: .utf8) == text)
        let left = try FileManager.default.contentsOfDirectory(atPath: wallet.folder.path).sorted()
        #expect(left == ["passphrase", "wallet.key", "wallet.key.visits"], "nothing half-written lies about")
    }

    @Test func aBareWalletGoesOnWorking() async throws {
        let wallet = try Wallet()
        let made = try await wallet.qlink("wallet", "create")
        #expect(made.status == 0 && made.err.contains("not encrypted"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: wallet.path)).count == 32)
        #expect(try await wallet.qlink("wallet", "address").out == made.out)
    }

    @Test func wordsAndBackupsBringItBack() async throws {
        let (wallet, other, third) = (try Wallet(), try Wallet(), try Wallet())
        let seed = [UInt8](0..<32)
        let key = try #require(PrivateKey(seed: seed)).publicKey
        let words = try #require(Mnemonic(entropy: seed)).words.joined(separator: " ")
        let restored = try await wallet.qlink("wallet", "restore", "--passphrase-file", wallet.passphrase, input: words + "\n")
        #expect(restored.status == 0 && restored.out == "\(key)\n", "\(restored.err)")
        let file = wallet.folder.appendingPathComponent("backup").path
        try wallet.write("another phrase", "other")
        let backup = try await wallet.qlink(
            "wallet", "backup", file, "--passphrase-file", wallet.passphrase, "--backup-passphrase-file",
            wallet.folder.appendingPathComponent("other").path)
        #expect(backup.status == 0, "\(backup.err)")
        #expect(try Self.mode(file) == 0o600)
        let back = try await other.qlink(
            "wallet", "restore", file, "--backup-passphrase-file", wallet.folder.appendingPathComponent("other").path)
        #expect(back.status == 0 && back.out == "\(key)\n", "\(back.err)")
        let wrong = try await third.qlink("wallet", "restore", file, "--backup-passphrase-file", wallet.passphrase)
        #expect(wrong.status == 1 && wrong.err.contains("does not open"))
        #expect(!FileManager.default.fileExists(atPath: third.path))
    }

    @Test(arguments: [
        ("abandon abandon", "not 2"), ("", "not 0"), ("-----BEGIN QLINK KEY BACKUP-----\nxx\n", "whole"),
        (String(repeating: "x", count: 10_000), "larger"),
    ]) func whatIsNoBackupMakesNoWallet(input: String, words: String) async throws {
        let wallet = try Wallet()
        let answer = try await wallet.qlink("wallet", "restore", "--passphrase-file", wallet.passphrase, input: input)
        #expect(answer.status == 1 && answer.err.contains(words), "\(answer.err)")
        #expect(!FileManager.default.fileExists(atPath: wallet.path))
    }

    @Test func secretsThatOthersReadAreRefused() async throws {
        let wallet = try Wallet()
        try wallet.write("for all", "open", mode: 0o644)
        let open = try await wallet.qlink(
            "wallet", "create", "--passphrase-file", wallet.folder.appendingPathComponent("open").path)
        #expect(open.status == 1 && open.err.contains("chmod 600"))
        try wallet.hold([UInt8](repeating: 1, count: 32))
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: wallet.path)
        #expect(try await wallet.qlink("wallet", "address").err.contains("chmod 600"))
        let words = try await wallet.qlink("wallet", "backup")
        #expect(words.status == 1 && words.out.isEmpty, "words go to a terminal only")
    }

    /// On a terminal: asked twice, unseen, and shown the words once, from which the same key comes.
    @Test func aTerminalIsAskedUnseen() async throws {
        let (wallet, other) = (try Wallet(), try Wallet())
        let terminal = try PseudoTerminal()
        let (shown, status) = try terminal.run(
            Products.url("qlink"), ["wallet", "create", "--wallet", wallet.path],
            answers: [("several words: ", "correct horse\n"), ("Once more: ", "correct horsf\u{7f}e\n")])
        #expect(status == 0, "\(shown)")
        #expect(!shown.contains("horse") && !shown.contains("horsf"), "the passphrase was shown")
        let words = shown.split(whereSeparator: \.isWhitespace).map(String.init)
        let start = try #require(words.firstIndex(of: "1"))
        var numbered: [Int: String] = [:]
        for index in stride(from: start, to: words.count - 1, by: 2) {
            if let number = Int(words[index]) { numbered[number] = words[index + 1] }
        }
        #expect(numbered.count == 24, "\(shown)")
        let phrase = (1...24).compactMap { numbered[$0] }.joined(separator: " ")
        let restored = try await other.qlink("wallet", "restore", "--passphrase-file", other.passphrase, input: phrase)
        #expect(restored.status == 0, "\(restored.err)")
        #expect(try await wallet.qlink("wallet", "address").out == restored.out)
        let backup = try KeyBackup(text: String(contentsOfFile: wallet.path, encoding: .utf8))
        #expect(throws: Never.self) { try backup.key(passphrase: Array("correct horse".utf8)) }
    }
}
