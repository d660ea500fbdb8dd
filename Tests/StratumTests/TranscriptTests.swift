import BoundedJSON
import Foundation
import Primitives
import ProofOfWork
import PublishedVectors
import Stratum
import Testing

/// Message by message, as both documents have it.
struct Transcript: Decodable, Sendable, CustomTestStringConvertible {
    struct Step: Decodable, Sendable {
        /// A message, or a line as it is.
        var `in`: JSONValue?
        var line: String?
        var out: [JSONValue]?
        var does: [String]?
        // What our side is told to do.
        var admit, reject, push, settle: String?
        var submit: [String]?
        var begin, expire: Bool?
        var wait, ask: UInt64?
    }
    var name: String
    var manner: String?
    /// Of a pool that signs.
    var poolKey: String?
    var steps: [Step]
    var testDescription: String { name }

    struct File: Decodable {
        var server, client: [Transcript]
    }
    static let all = PublishedVectors.load("stratum.json", as: File.self)

    static func job(_ id: String) -> Job {
        guard case .object(let fields)? = all.server[0].steps[1].out?[0]["result"]?["job"],
            case .text(let blob)? = fields["blob"],
            case .text(let seed)? = fields["seed_hash"]
        else { preconditionFailure("the transcripts have lost their job") }
        return Job(id: id, blob: Hex.decode(blob)!, target: Target(hex: "b88d0600")!, seedHash: Bytes32(seed)!, height: 1)!
    }

    static func value(_ line: [UInt8]) throws -> JSONValue {
        #expect(line.last == UInt8(ascii: "\n") && line.count { $0 == UInt8(ascii: "\n") } == 1)
        return try JSONValue(bytes: Array(line.dropLast()))
    }
}

@Suite struct TranscriptTests {
    private static let start = Instant(nanoseconds: 1_000_000_000)

    @Test(arguments: Transcript.all.server) func thePoolsSideSaysWhatTheDocumentsSay(transcript: Transcript) throws {
        var session = StratumSession(
            try #require(StratumManner(rawValue: transcript.manner ?? "")), id: "1be0b7b6",
            poolKey: transcript.poolKey.flatMap { PublicKey($0) }, at: Self.start)
        var submission: StratumSession.Submission?
        for (index, step) in transcript.steps.enumerated() {
            var actions: [StratumSession.Action] = []
            if let message = step.in { actions = session.handle(message.bytes, at: Self.start) }
            if let line = step.line { actions = session.handle(Array(line.utf8), at: Self.start) }
            if let id = step.admit { actions = session.admit(Transcript.job(id)) }
            if let why = step.reject { actions = session.reject(why) }
            if let id = step.push { actions = session.push(Transcript.job(id)) }
            if step.expire == true { session.expire() }
            if let verdict = step.settle {
                let submission = try #require(submission)
                actions = [
                    ShareRefusal(rawValue: verdict).map { session.refuse(submission, $0) } ?? session.accept(submission)
                ]
            }
            var (out, does): ([JSONValue], [String]) = ([], [])
            for action in actions {
                if case .check(let found) = action { submission = found }
                if case .send(let line) = action {
                    out.append(try Transcript.value(line))
                } else {
                    does.append(Self.words(action))
                }
            }
            #expect(out == step.out ?? [], "step \(index)")
            #expect(does == step.does ?? [], "step \(index)")
        }
    }

    private static func words(_ action: StratumSession.Action) -> String {
        switch action {
        case .send: "send"
        case .statement(let number, _): "statement \(number)"
        case .authorize(let identity):
            "authorize \(identity.account)" + (identity.rig.isEmpty ? "" : " rig \(identity.rig)")
                + (identity.difficulty.map { " difficulty \($0)" } ?? "")
        case .check(let submission): "check \(submission.share.jobID) \(submission.share.nonceHex)"
        case .refused(let refusal): "refused \(refusal.rawValue)"
        case .close: "close"
        case .ban: "ban"
        }
    }

    @Test(arguments: Transcript.all.client) func theMinersSideSaysWhatTheDocumentsSay(transcript: Transcript) throws {
        var client = StratumClient(StratumLogin(login: "48edf", password: "x", rig: "roof", agent: "test"))
        var now = Self.start
        for (index, step) in transcript.steps.enumerated() {
            var actions: [StratumClient.Action] = []
            if step.begin == true { actions = client.begin(at: now) }
            if let message = step.in { actions = client.handle(message.bytes, at: now) }
            if let line = step.line { actions = client.handle(Array(line.utf8), at: now) }
            if let words = step.submit {
                let nonce = Hex.decode(words[1])!.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                actions = client.submit(Share(jobID: words[0], nonce: nonce, hash: Bytes32(words[2])!), at: now)
            }
            if let number = step.ask { actions = client.ask(statement: number, at: now) }
            if let seconds = step.wait {
                now = now + .seconds(seconds)
                actions = client.tick(at: now)
            }
            var (out, does): ([JSONValue], [String]) = ([], [])
            for action in actions {
                if case .send(let line) = action {
                    out.append(try Transcript.value(line))
                } else {
                    does.append(Self.words(action))
                }
            }
            #expect(out == step.out ?? [], "step \(index)")
            #expect(does == step.does ?? [], "step \(index)")
        }
    }

    private static func words(_ action: StratumClient.Action) -> String {
        let hex = { (nonce: UInt32) in Share(jobID: "", nonce: nonce, hash: .zero).nonceHex }
        return switch action {
        case .send: "send"
        case .job(let job): "job \(job.id)" + (job.keepsHighByte ? " nicehash" : "")
        case .pool(let key): "pool \(key)"
        case .statement(let number, let proof): "statement \(number) \(proof.map { Hex.encode($0) } ?? "none")"
        case .accepted(let id, let nonce, let receipt):
            "accepted \(id) \(hex(nonce))" + (receipt.map { " receipt \($0)" } ?? "")
        case .refused(let id, let nonce, let refusal, _): "refused \(id) \(hex(nonce)) \(refusal.rawValue)"
        case .close(_, let isFinal): isFinal ? "close final" : "close"
        }
    }
}
