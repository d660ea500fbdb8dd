import BoundedJSON
import Primitives
import ProofOfWork
import SimulatedHAL
import Stratum
import Testing

@Suite struct LineTests {
    /// However the bytes come, the lines are the same.
    @Test(arguments: 1...40) func splittingTheStreamAnywhereChangesNothing(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let text = Array("first\r\n\nsecond\nthird is longer\r\n".utf8)
        var lines = StratumLines(limit: 100)
        var found: [String] = []
        var place = 0
        while place < text.count {
            let end = min(text.count, place + Int.random(in: 1...6, using: &random))
            lines.append(text[place..<end])
            place = end
            while let line = try lines.next() { found.append(String(decoding: line, as: UTF8.self)) }
        }
        #expect(found == ["first", "second", "third is longer"], "seed \(seed)")
    }

    @Test func aLineWithoutAnEndIsGivenUp() throws {
        var lines = StratumLines(limit: 100)
        lines.append([UInt8](repeating: 65, count: 100))
        #expect(try lines.next() == nil)
        lines.append([65])
        #expect(throws: StratumLines.TooLong.self) { try lines.next() }
        var whole = StratumLines(limit: 100)
        whole.append([UInt8](repeating: 65, count: 101) + [10])
        #expect(throws: StratumLines.TooLong.self) { try whole.next() }
    }

    /// Whatever comes, neither side fails, and neither holds more for it than its limits.
    @Test(arguments: 1...200) func nonsenseOfEveryKindIsTaken(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let messages = (Transcript.all.client + Transcript.all.server).flatMap(\.steps).compactMap(\.in).map(\.bytes)
        var client = StratumClient(StratumLogin(login: "a", password: "x", rig: "", agent: "t"))
        var session = StratumSession(.xmrigProxy, id: "1be0b7b6", at: .zero)
        _ = client.begin(at: .zero)
        var (closes, jobs) = (0, 0)
        for step in 0..<50 {
            var bytes = messages.randomElement(using: &random)!
            for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let now = Instant(nanoseconds: Int64(step) * 1_000_000_000)
            for action in client.handle(bytes, at: now) + client.tick(at: now) {
                if case .close = action { closes += 1 }
                if case .job = action { jobs += 1 }
                if case .send(let line) = action { #expect(line.count <= StratumLines.minerLimit, "seed \(seed)") }
                #expect(closes == 0 || { if case .job = action { false } else { true } }(), "seed \(seed): a job after the end")
            }
            for case .authorize in session.handle(bytes, at: now) { _ = session.admit(Transcript.job("1")) }
            _ = session.tick(at: now)
        }
        #expect(closes <= 1 && jobs <= 50, "seed \(seed)")
    }

    @Test func whoSaysTooMuchInASecondIsBanned() {
        var session = StratumSession(.xmrigProxy, id: "1", at: .zero)
        var actions: [StratumSession.Action] = []
        for number in 0..<60 { actions += session.handle(Array("{\"id\":\(number),\"method\":\"keepalived\"}".utf8), at: .zero) }
        #expect(actions.contains { if case .ban = $0 { true } else { false } })
    }

    @Test func whoDoesNotLogInIsLetGo() {
        var session = StratumSession(.p2pool, id: "1", at: .zero)
        #expect(session.tick(at: Instant(nanoseconds: 9_000_000_000)).isEmpty)
        #expect(session.tick(at: Instant(nanoseconds: 11_000_000_000)).count == 1)
        _ = session.handle(Array(#"{"id":1,"method":"login","params":{"login":"a"}}"#.utf8), at: .zero)
        _ = session.admit(Transcript.job("1"))
        #expect(session.tick(at: Instant(nanoseconds: 11_000_000_000)).isEmpty)
    }
}
