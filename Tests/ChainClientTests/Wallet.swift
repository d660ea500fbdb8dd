import Foundation
import Lab
import Ledger
import StationAPI
import Testing
import ToyLedger

/// The built `qlink` with a wallet in a folder of its own.
final class Wallet: Sendable {
    struct Answer: Sendable {
        var status: Int32
        var out: String
        var err: String
        var widest: Int { (out + "\n" + err).split(separator: "\n").map(\.count).max() ?? 0 }
    }

    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("qlc-\(UUID().uuidString.prefix(8))")
    var path: String { folder.appendingPathComponent("wallet.key").path }
    var passphrase: String { folder.appendingPathComponent("passphrase").path }

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try write("four words make one\n", "passphrase")
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func write(_ text: String, _ name: String, mode: Int = 0o600) throws {
        let file = folder.appendingPathComponent(name).path
        try #require(
            FileManager.default.createFile(atPath: file, contents: Data(text.utf8), attributes: [.posixPermissions: mode]))
    }

    func write(_ genesis: Genesis) throws -> String {
        try write(String(decoding: JSON.encode(genesis), as: UTF8.self), "genesis.json")
        return folder.appendingPathComponent("genesis.json").path
    }

    /// Of the seed alone, as older wallets are.
    func hold(_ seed: [UInt8]) throws {
        try #require(FileManager.default.createFile(atPath: path, contents: Data(seed), attributes: [.posixPermissions: 0o600]))
    }

    func qlink(_ words: String..., input: String? = nil) async throws -> Answer { try await qlink(words, input: input) }

    /// Waits on a thread of its own: the node that it speaks to needs the others.
    func qlink(_ words: [String], input: String? = nil) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { [path] in
                continuation.resume(with: Result { try Self.run(words + ["--wallet", path], input) })
            }
        }
    }

    private static func run(_ words: [String], _ input: String?) throws -> Answer {
        let process = Process()
        process.executableURL = try Products.url("qlink")
        process.arguments = words
        process.environment = [
            "PATH": "/usr/bin:/bin", "HOME": "/dev/null", "COLUMNS": "80",
            "LLVM_PROFILE_FILE": ProcessInfo.processInfo.environment["LLVM_PROFILE_FILE"] ?? "/dev/null",
        ]
        let (out, err, typed) = (Pipe(), Pipe(), Pipe())
        (process.standardOutput, process.standardError) = (out, err)
        process.standardInput = input == nil ? FileHandle.nullDevice : typed
        try process.run()
        if let input {
            typed.fileHandleForWriting.write(Data(input.utf8))
            try typed.fileHandleForWriting.close()
        }
        let text = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: err.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Answer(status: process.terminationStatus, out: text, err: complaint)
    }
}

extension Wallet.Answer {
    func json<T: Decodable>(_ type: T.Type = T.self, location: SourceLocation = #_sourceLocation) throws -> T {
        do { return try JSON.decode(type, from: Data(out.utf8)) } catch {
            Issue.record("\(out)\(err)", sourceLocation: location)
            throw error
        }
    }
}
