import BoundedJSON
public import Primitives
public import ProofOfWork

/// How a miner introduces itself to a pool.
public struct StratumLogin: Hashable, Sendable {
    /// Most often an address; `+50000` behind it asks for a difficulty.
    public var login: String
    public var password: String
    public var rig: String
    public var agent: String

    public init(login: String, password: String, rig: String, agent: String) {
        (self.login, self.password, self.rig, self.agent) = (login, password, rig, agent)
    }
}

/// A miner's side of one connection to a pool: what comes in, what goes out, and when it is given up. It does no I/O itself.
///
/// ```
///  begin ─▶ login ──▶ job ──▶ job …            silence, nonsense, another algorithm, a seed that changes all the time ─▶ closed, with the reason
///                      submit ─▶ accepted, refused
/// ```
public struct StratumClient: Sendable {
    public enum Action: Hashable, Sendable {
        /// A line, with its end.
        case send([UInt8])
        /// It is a pool of our own kind, and signs with this key.
        case pool(PublicKey)
        case job(Job)
        /// - Parameter receipt: our own pools' signed count of what was accepted
        case accepted(jobID: String, nonce: UInt32, receipt: String?)
        case refused(jobID: String, nonce: UInt32, ShareRefusal, why: String)
        /// The answer to ``ask(statement:at:)``; nil: there is none for this login.
        case statement(UInt64, proof: [UInt8]?)
        /// - Parameter isFinal: asking again soon is of no use
        case close(why: String, isFinal: Bool)
    }

    /// For each answer but that to `keepalived`, which some pools never give.
    public static let patience = Nanoseconds.seconds(30)
    static let keepaliveInterval = Nanoseconds.seconds(60)
    static let openMax = 64
    /// Hexadecimal digits: a statement and a path through thousands of lines.
    static let proofLimit = 8 << 10
    /// A seed stays for days: 2,048 blocks.
    static let seedsMax = 3
    static let seedsWindow = Nanoseconds.seconds(600)
    static let jobsMax = 100
    static let jobsWindow = Nanoseconds.seconds(10)

    private let login: StratumLogin
    private var session: String?
    private var extensions: Set<String> = []
    private var number: UInt64 = 0
    private var began: Instant?
    private var open: [UInt64: (share: Share, at: Instant)] = [:]
    private var asked: (request: UInt64, statement: UInt64)?
    private var spokeAt = Instant.zero
    private var last: Job?
    private var seedChanges: [Instant] = []
    private var jobTimes: [Instant] = []
    private var isClosed = false

    public init(_ login: StratumLogin) { self.login = login }

    // MARK: What happens

    /// The connection stands.
    public mutating func begin(at now: Instant) -> [Action] {
        began = now
        let parameters = JSONValue.fields([
            "agent": .text(login.agent), "algo": .list([.text(Stratum.algorithm)]), "login": .text(login.login),
            "pass": .text(login.password), "rigid": login.rig.isEmpty ? nil : .text(login.rig),
        ])
        return [send("login", parameters, at: now).action]
    }

    public mutating func submit(_ share: Share, at now: Instant) -> [Action] {
        guard let session, !isClosed else { return [refuse(share, .other, "there is no connection")] }
        guard open.count < Self.openMax else { return [refuse(share, .other, "the pool has \(open.count) shares to answer for")] }
        let (number, action) = send(
            "submit",
            .fields([
                "algo": extensions.contains("algo") ? .text(Stratum.algorithm) : nil, "id": .text(session),
                "job_id": .text(share.jobID), "nonce": .text(share.nonceHex), "result": .text(share.hash.description),
            ]), at: now)
        open[number] = (share, now)
        return [action]
    }

    /// One at a time, of a pool that signs.
    public mutating func ask(statement: UInt64, at now: Instant) -> [Action] {
        guard let session, extensions.contains("receipts"), asked == nil, !isClosed else { return [] }
        let (number, action) = send("statement", .fields(["id": .text(session), "number": .count(statement)]), at: now)
        asked = (number, statement)
        return [action]
    }

    /// A line without its end.
    public mutating func handle(_ line: [UInt8], at now: Instant) -> [Action] {
        guard !isClosed else { return [] }
        let message: JSONValue
        do throws(JSONBounds.Excess) { message = try Stratum.bounds.read(line) } catch {
            return close("it says what is no JSON", isFinal: true)
        }
        guard case .object = message else { return close("it says what is no JSON object", isFinal: true) }
        if message.text("method") == "job", let parameters = message["params"] { return take(job: parameters, at: now) }
        guard let number = message["id"]?.integer.flatMap({ UInt64(exactly: $0) }) else { return [] }  // a notice of its own
        let error = message["error"].flatMap { $0 == .null ? nil : $0 }
        if number == 1, session == nil { return answered(login: message["result"], error, at: now) }
        if let asked, asked.request == number {
            self.asked = nil
            let proof = message["result"]?.text("proof", limit: Self.proofLimit).flatMap { Hex.decode($0) }
            return [.statement(asked.statement, proof: proof)]
        }
        guard let (share, _) = open.removeValue(forKey: number) else { return [] }
        guard let error else {
            return [.accepted(jobID: share.jobID, nonce: share.nonce, receipt: message["result"]?.text("receipt", limit: 2_048))]
        }
        return refused(share, words(error))
    }

    /// Once a second or so.
    public mutating func tick(at now: Instant) -> [Action] {
        guard !isClosed else { return [] }
        if session == nil, let began, now - began > Self.patience { return close("it does not answer the login", isFinal: false) }
        if open.values.contains(where: { now - $0.at > Self.patience }) {
            return close("it does not answer for a share", isFinal: false)
        }
        guard let session, extensions.contains("keepalive"), now - spokeAt >= Self.keepaliveInterval else { return [] }
        return [send("keepalived", .fields(["id": .text(session)]), at: now).action]
    }

    // MARK: Answers

    private mutating func answered(login result: JSONValue?, _ error: JSONValue?, at now: Instant) -> [Action] {
        if let error { return close("it refuses the login: \(words(error))", isFinal: true) }
        guard let result, let id = result.text("id"), let job = result["job"] else {
            return close("its answer to the login is none", isFinal: true)
        }
        session = id
        if case .list(let names)? = result["extensions"] {
            extensions = Set(names.prefix(16).compactMap { if case .text(let name) = $0 { name } else { nil } })
        }
        let key = extensions.contains("receipts") ? result.text("pool_key").flatMap { PublicKey($0) } : nil
        return (key.map { [.pool($0)] } ?? []) + take(job: job, at: now)
    }

    private mutating func take(job message: JSONValue, at now: Instant) -> [Action] {
        guard session != nil else { return [] }  // before the login nobody asked for one
        let job: Job
        do throws(JobMessage.Unfit) {
            job = try JobMessage.read(message, keepsHighByte: extensions.contains("nicehash"))
        } catch { return close(error.words, isFinal: true) }
        guard job != last else { return [] }
        jobTimes = jobTimes.filter { now - $0 < Self.jobsWindow } + [now]
        guard jobTimes.count <= Self.jobsMax else {
            return close("it sends more than \(Self.jobsMax) jobs in 10 s", isFinal: true)
        }
        if let last, last.seedHash != job.seedHash {
            // Each costs a board a minute of preparing, and no chain has so many.
            seedChanges = seedChanges.filter { now - $0 < Self.seedsWindow } + [now]
            guard seedChanges.count <= Self.seedsMax else { return close("its seed hash changes all the time", isFinal: true) }
        }
        last = job
        return [.job(job)]
    }

    private mutating func refused(_ share: Share, _ words: String) -> [Action] {
        let refusal = [refuse(share, Self.kind(of: words), words)]
        let lower = words.lowercased()
        if lower.contains("banned") { return refusal + close("it has banned this address: \(words)", isFinal: true) }
        if lower.contains("unauthenticated") { return refusal + close("it does not know this login any more", isFinal: false) }
        return refusal
    }

    /// In the words of xmrig-proxy, p2pool, and pools of nodejs-pool's kind.
    static func kind(of words: String) -> ShareRefusal {
        let words = words.lowercased()
        func says(_ phrases: String...) -> Bool { phrases.contains { words.contains($0) } }
        if says("stale", "expired", "invalid job", "job not found", "unknown job") { return .stale }
        if says("low diff") { return .lowDifficulty }
        if says("duplicate") { return .duplicate }
        if says("invalid", "bad hash", "malformed", "bad share") { return .invalid }
        return .other
    }

    // MARK: Words

    private func words(_ error: JSONValue) -> String {
        if case .text(let text) = error { return Stratum.plain(text) }
        return Stratum.plain(error.text("message") ?? "it does not say why")
    }

    private mutating func send(_ method: String, _ parameters: JSONValue, at now: Instant) -> (number: UInt64, action: Action) {
        number += 1
        spokeAt = now
        let message = JSONValue.fields([
            "id": .count(number), "jsonrpc": .text("2.0"), "method": .text(method), "params": parameters,
        ])
        return (number, .send(Stratum.line(message)))
    }

    private func refuse(_ share: Share, _ refusal: ShareRefusal, _ why: String) -> Action {
        .refused(jobID: share.jobID, nonce: share.nonce, refusal, why: why)
    }

    private mutating func close(_ why: String, isFinal: Bool) -> [Action] {
        isClosed = true
        defer { open = [:] }
        let unanswered = open.sorted { $0.key < $1.key }.map { refuse($0.value.share, .other, "the pool was left: \(why)") }
        return unanswered + [.close(why: why, isFinal: isFinal)]
    }
}
