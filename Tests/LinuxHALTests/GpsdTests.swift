import Foundation
import HAL
import LinuxHAL
import Primitives
import Testing

/// gpsd that is absent, slow, dying or lying, on loopback.
@Suite struct GpsdTests {
    private static func patience(answer: Int = 5_000, silence: Int = 60_000) -> Gpsd.Patience {
        var patience = Gpsd.Patience()
        patience.answer = .milliseconds(answer)
        patience.silence = .milliseconds(silence)
        patience.pauses = .milliseconds(20) ... .milliseconds(100)
        return patience
    }

    private static let version = "{\"class\":\"VERSION\",\"release\":\"3.22\"}\n"
    private static let report = "{\"class\":\"TPV\",\"mode\":3,\"lat\":1.5,\"lon\":2.5,\"eph\":3}\n"

    /// The first events that satisfy, in their order; fails when they do not come.
    private static func events(
        _ gpsd: Gpsd, until wanted: @escaping @Sendable ([PositionEvent]) -> Bool
    ) async throws -> [PositionEvent] {
        let stream = try await gpsd.events()
        return try await withThrowingTaskGroup(of: [PositionEvent].self) { group in
            group.addTask {
                var seen: [PositionEvent] = []
                for await event in stream {
                    seen.append(event)
                    if wanted(seen) { return seen }
                }
                return seen
            }
            group.addTask {
                try await Task.sleep(for: .seconds(30))
                throw CancellationError()
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
    }

    private static func kind(_ event: PositionEvent?) -> HALError.Kind? {
        if case .unavailable(let error) = event { error.kind } else { nil }
    }

    private static func isReport(_ event: PositionEvent) -> Bool { if case .report = event { true } else { false } }

    @Test(arguments: ["127.0.0.1", "::1"]) func reportsComeAfterTheQuestion(address: String) async throws {
        let server = try FakeGpsd(address) { connection in
            connection.say(Self.version)
            guard connection.hear() == "?WATCH={\"enable\":true,\"json\":true}\n" else { return }
            // In pieces, as TCP may have it, and with a line that is none.
            connection.say(String(Self.report.prefix(20)))
            usleep(20_000)
            connection.say(Self.report.dropFirst(20) + "rubbish\n" + Self.report)
            connection.waitForEnd()
        }
        let seen = try await Self.events(Gpsd(at: server.endpoint, patience: Self.patience())) { $0.count == 2 }
        let position = Position(latitude: 15_000_000, longitude: 25_000_000, accuracyMillimetres: 3_000)
        let wanted = PositionEvent.report(PositionReport(mode: .threeDimensional, position: position, time: nil))
        #expect(seen == [wanted, wanted])
    }

    @Test func nobodyThere() async throws {
        let endpoint = try FakeGpsd("127.0.0.1") { _ in }.endpoint  // gone already
        let seen = try await Self.events(Gpsd(at: endpoint, patience: Self.patience())) { $0.count == 3 }
        #expect(seen.map(Self.kind) == [.missing, .missing, .missing])
    }

    @Test func oneThatDiesIsAskedAgain() async throws {
        let server = try FakeGpsd("127.0.0.1") { connection in connection.say(Self.version + Self.report) }
        let seen = try await Self.events(Gpsd(at: server.endpoint, patience: Self.patience())) {
            $0.filter(Self.isReport).count == 3
        }
        #expect(seen.count == 5 && Self.kind(seen[1]) == .missing && Self.kind(seen[3]) == .missing)
        #expect(server.accepted >= 3)
    }

    @Test(arguments: [("", 100, 60_000), (version, 5_000, 100), (version + report, 5_000, 100)])
    func oneThatSaysNothingIsLeft(words: String, answer: Int, silence: Int) async throws {
        let server = try FakeGpsd("127.0.0.1") { connection in
            connection.say(words)
            connection.waitForEnd()
        }
        let gpsd = Gpsd(at: server.endpoint, patience: Self.patience(answer: answer, silence: silence))
        let seen = try await Self.events(gpsd) { $0.contains { Self.kind($0) == .busy } }
        #expect(seen.filter(Self.isReport).count == (words.contains("TPV") ? 1 : 0))
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request\r\n", "{\"class\":\"TPV\",\"mode\":9}\n"])
    func somethingElseIsNamed(line: String) async throws {
        let server = try FakeGpsd("127.0.0.1") { connection in
            connection.say(String(repeating: line, count: 40))
            connection.waitForEnd()
        }
        let seen = try await Self.events(Gpsd(at: server.endpoint, patience: Self.patience())) { !$0.isEmpty }
        #expect(Self.kind(seen.first) == .broken)
    }

    /// A line without an end neither fills the memory nor keeps the line going.
    @Test func aFloodIsSilence() async throws {
        let server = try FakeGpsd("127.0.0.1") { connection in
            for _ in 0..<2_000 where connection.say(String(repeating: "x", count: 4_096)) { usleep(500) }
        }
        let seen = try await Self.events(Gpsd(at: server.endpoint, patience: Self.patience(answer: 200))) { !$0.isEmpty }
        #expect(Self.kind(seen.first) == .busy)
    }

    @Test func whoListensNoMoreLeavesNoThread() async throws {
        let server = try FakeGpsd("127.0.0.1") { connection in
            connection.say(Self.version + Self.report)
            connection.waitForEnd()
        }
        for _ in 0..<20 {
            _ = try await Self.events(Gpsd(at: server.endpoint, patience: Self.patience())) { !$0.isEmpty }
        }
        // Its connections are closed too: each of them ended.
        try await Task.sleep(for: .milliseconds(10))
        for _ in 0..<500 where server.open > 0 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(server.accepted == 20 && server.open == 0)
    }
}
