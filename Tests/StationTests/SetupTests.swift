import Charging
import Foundation
import Lab
import StationConfiguration
import Testing

/// `basestation setup`, with the answers in a file, on a board with the interfaces `up0` and `lan7`.
@Suite(.enabled(if: Namespace.isAvailable, "needs root and network namespaces")) struct SetupTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("qls-\(UUID().uuidString.prefix(8))")

    private func setup(_ answers: String, _ more: [String] = []) throws -> CommandTests.Answer {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appendingPathComponent("answers").path
        try answers.write(toFile: file, atomically: true, encoding: .utf8)
        let board = "ip link add up0 type veth peer name lan7 && exec \"$@\""
        let command = [try Products.url("basestation").path, "setup", "--answers", file, "--output", output] + more
        return try CommandTests.run(at: "/usr/bin/unshare", ["-n", "sh", "-c", board, "sh"] + command)
    }

    private var output: String { folder.appendingPathComponent("station.toml").path }

    @Test(arguments: ["0.02", "0"]) func fiveAnswersMakeAConfiguration(price: String) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let answer = try setup("Kiosk\nup0\r\n\n\(price)\nHello\n")
        #expect(answer.status == 0 && answer.out.contains("systemctl enable"), "\(answer.err)")
        let made = try StationConfiguration.load(path: output)
        #expect(
            made.name == "Kiosk" && made.uplinkPort == "up0" && made.clientPorts == ["lan7"] && made.portalMessage == "Hello")
        #expect(made.tariffs.count == 1 && made.tariffs[0].isFree == (price == "0"))
        // What is there stays, unless one insists; then it is kept.
        let again = try setup("Other\nup0\nlan7\n\n\n")
        #expect(again.status == 1 && again.err.contains("--force"))
        #expect(try StationConfiguration.load(path: output).name == "Kiosk")
        #expect(try setup("Other\nup0\nlan7\n\n\n", ["--force"]).status == 0)
        #expect(try StationConfiguration.load(path: output).name == "Other")
        #expect(try StationConfiguration.load(path: output + ".old").name == "Kiosk")
    }

    @Test(arguments: [
        ("a\"b\n", "quotes"), ("n\nnoport\n", "the board has lan7, up0"), ("n\nup0\nup0\n", "leads to the internet"),
        ("\(String(repeating: "x", count: 65))\n", "64 bytes"),
    ]) func aWrongAnswerIsNamedAndNothingIsWritten(_ answers: String, _ words: String) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let answer = try setup(answers)
        #expect(answer.status == 1 && answer.err.contains(words), "\(answer.err)")
        #expect(!FileManager.default.fileExists(atPath: output))
    }

    @Test func nobodyThereToAnswer() throws {
        let answer = try CommandTests.run("basestation", ["setup"])
        #expect(answer.status == 2 && answer.err.contains("--answers"))
    }
}
