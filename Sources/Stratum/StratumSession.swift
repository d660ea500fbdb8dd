import BoundedJSON
public import Primitives
public import ProofOfWork

/// How a pool's server behaves where the two documents differ.
public enum StratumManner: String, Hashable, Sendable, CaseIterable {
    /// Errors have the code -1, `keepalived` is answered, an unknown method is an error.
    case xmrigProxy
    /// Errors have no code, `keepalived` gets no answer, and what it does not understand it bans.
    case p2pool
}

/// Who a miner says it is.
public struct MinerIdentity: Hashable, Sendable {
    /// The login before `+` and `.`: most often an address.
    public var account: String
    public var rig: String
    /// Behind `+`: the difficulty it asks for.
    public var difficulty: UInt64?
    public var agent: String

    init?(login: String, rig: String, agent: String) {
        var rest = Substring(login)
        if let plus = rest.lastIndex(of: "+") {
            difficulty = UInt64(rest[rest.index(after: plus)...])
            rest = rest[..<plus]
        }
        var name = Substring(rig)
        if let dot = rest.firstIndex(of: ".") {
            name = rest[rest.index(after: dot)...]
            rest = rest[..<dot]
        }
        guard !rest.isEmpty, rest.utf8.count <= 128 else { return nil }
        (account, self.rig, self.agent) = (String(rest), Stratum.plain(String(name), 64), Stratum.plain(agent, 64))
    }
}

/// A pool's side of one miner's connection: what comes in is checked as far as it can be without hashing. It does no I/O itself.
///
/// ```
///  login ─▶ authorize ─▶ admit(job) ─▶ push(job) …
///  submit ─▶ form, job, target, nonce ─▶ check ─▶ settle(accepted or refused)
/// ```
public struct StratumSession: Sendable {
    public enum Action: Hashable, Sendable {
        case send([UInt8])
        /// Answer with ``admit(_:at:)`` or ``reject(_:)``.
        case authorize(MinerIdentity)
        /// Its hash remains to be looked at; answer with ``settle(_:_:)``.
        case check(Submission)
        /// Refused without a look at its hash, and answered.
        case refused(ShareRefusal)
        /// It wants its line of that statement; answer with ``show(_:proof:)``. Only of a pool that has a key.
        case statement(UInt64, JSONRequestID)
        case close(why: String)
        /// Close, and let it not come back for a while.
        case ban(why: String)
    }

    /// A share as it was handed in.
    public struct Submission: Hashable, Sendable {
        public var request: JSONRequestID
        public var share: Share
        /// What it was worth to the miner: its job's target as that is written.
        public var target: Target
    }

    public static let loginLimit = Nanoseconds.seconds(10)
    public static let silenceLimit = Nanoseconds.seconds(900)
    /// Lines in a second.
    static let linesMax = 50
    /// Jobs of this session for which shares may still come.
    public static let jobsKept = 8
    static let noncesMax = 4_096

    public let manner: StratumManner
    /// Of a pool of ours, which signs what it owes.
    private let poolKey: PublicKey?
    public private(set) var identity: MinerIdentity?
    private let id: String
    private let began: Instant
    private var heard: Instant
    private var isAdmitted = false
    private var loginRequest: JSONRequestID?
    private var jobs: [(id: String, target: Target, nonces: Set<UInt32>)] = []
    private var second = (at: Instant.zero, lines: 0)

    /// - Parameters:
    ///   - id: the session's name, which the miner says again; nonzero hexadecimal digits
    ///   - poolKey: with which receipts and statements are signed; nil: there are none
    public init(_ manner: StratumManner, id: String, poolKey: PublicKey? = nil, at now: Instant) {
        (self.manner, self.id, self.poolKey, began, heard) = (manner, id, poolKey, now, now)
    }

    // MARK: What comes in

    /// A line without its end.
    public mutating func handle(_ line: [UInt8], at now: Instant) -> [Action] {
        heard = now
        if now - second.at >= .seconds(1) { second = (now, 0) }
        second.lines += 1
        guard second.lines <= Self.linesMax else { return [.ban(why: "it says more than \(Self.linesMax) lines a second")] }
        guard let message = try? Stratum.bounds.read(line), case .object = message, let method = message.text("method", limit: 64)
        else {
            return [.ban(why: "it says what is no request")]
        }
        let request = JSONRequestID(message["id"])
        let parameters = message["params"] ?? .null
        switch method {
        case "login": return login(parameters, request)
        case "submit": return submit(parameters, request)
        case "statement" where poolKey != nil:
            guard isAdmitted, let number = parameters["number"]?.integer.flatMap({ UInt64(exactly: $0) }) else {
                return [error("Unauthenticated", request)]
            }
            return [.statement(number, request)]
        case "keepalived":
            return manner == .xmrigProxy ? [.send(Self.result(.fields(["status": .text("KEEPALIVED")]), request))] : []
        default:
            return manner == .xmrigProxy
                ? [error("Unsupported method", request)] : [.ban(why: "it asks for \(Stratum.plain(method, 40))")]
        }
    }

    /// Now and then.
    public func tick(at now: Instant) -> [Action] {
        if !isAdmitted, now - began > Self.loginLimit { return [.close(why: "it has not logged in")] }
        return now - heard > Self.silenceLimit
            ? [.close(why: "it has said nothing for \(Self.silenceLimit.wholeSeconds / 60) min")] : []
    }

    private mutating func login(_ parameters: JSONValue, _ request: JSONRequestID) -> [Action] {
        guard loginRequest == nil else { return [.ban(why: "it logs in twice")] }
        guard let login = parameters.text("login"),
            let identity = MinerIdentity(login: login, rig: parameters.text("rigid") ?? "", agent: parameters.text("agent") ?? "")
        else { return [error("Invalid login", request), .close(why: "its login is none")] }
        if case .list(let algorithms)? = parameters["algo"], !algorithms.contains(.text(Stratum.algorithm)) {
            return [error("Algorithm \(Stratum.algorithm) is mined here", request), .close(why: "it has another algorithm")]
        }
        (self.identity, loginRequest) = (identity, request)
        return [.authorize(identity)]
    }

    // MARK: Shares, in p2pool's order: parameters, session, job, nonce, result

    private mutating func submit(_ parameters: JSONValue, _ request: JSONRequestID) -> [Action] {
        guard case .object = parameters else { return [.ban(why: "it hands in what is no share")] }
        guard isAdmitted, parameters.text("id") == id else { return [error("Unauthenticated", request), .refused(.other)] }
        guard let jobID = parameters.text("job_id") else { return [error("Missing job_id", request), .refused(.invalid)] }
        guard let place = jobs.firstIndex(where: { $0.id == jobID }) else {
            let words = manner == .xmrigProxy ? "Block expired" : "Stale share"
            return [error(words, request), .refused(.stale)]
        }
        guard let nonce = parameters.text("nonce").flatMap({ $0.utf8.count == 8 ? Hex.decode($0) : nil }) else {
            return [error("Invalid nonce; is miner not compatible with this pool?", request), .refused(.invalid)]
        }
        guard let hash = parameters.text("result").flatMap({ Bytes32($0) }) else {
            return [error("Invalid result", request), .refused(.invalid)]
        }
        let number = nonce.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard jobs[place].target.isMet(by: hash) else { return [error(lowDifficulty, request), .refused(.lowDifficulty)] }
        guard jobs[place].nonces.count < Self.noncesMax, jobs[place].nonces.insert(number).inserted else {
            return [error("Duplicate share", request), .refused(.duplicate)]
        }
        let share = Share(jobID: jobID, nonce: number, hash: hash)
        return [.check(Submission(request: request, share: share, target: jobs[place].target))]
    }

    // MARK: What goes out

    /// Lets it in with its first job.
    public mutating func admit(_ job: Job) -> [Action] {
        guard let loginRequest, !isAdmitted else { return [] }
        isAdmitted = true
        note(job)
        let extensions = ["algo"] + (manner == .xmrigProxy ? ["keepalive"] : []) + (poolKey != nil ? ["receipts"] : [])
        let result = JSONValue.fields([
            "extensions": .list(extensions.map { .text($0) }), "id": .text(id), "job": JobMessage.write(job),
            "pool_key": poolKey.map { .text($0.description) }, "status": .text("OK"),
        ])
        return [.send(Self.result(result, loginRequest))]
    }

    public mutating func reject(_ why: String) -> [Action] {
        guard let loginRequest else { return [] }
        return [error(why, loginRequest), .close(why: why)]
    }

    /// - Parameter job: with another id than those before it
    public mutating func push(_ job: Job) -> [Action] {
        guard isAdmitted, jobs.last?.id != job.id else { return [] }
        note(job)
        return [.send(Stratum.line(.fields(["jsonrpc": .text("2.0"), "method": .text("job"), "params": JobMessage.write(job)])))]
    }

    /// Shares of those jobs come too late from now on: the chain has another block.
    public mutating func expire() { jobs = [] }

    /// - Parameter receipt: for those of our own pool's members who understand it
    public func accept(_ submission: Submission, receipt: String? = nil) -> Action {
        .send(Self.result(.fields(["receipt": receipt.map { .text($0) }, "status": .text("OK")]), submission.request))
    }

    public func refuse(_ submission: Submission, _ refusal: ShareRefusal, _ words: String? = nil) -> Action {
        let usual =
            switch refusal {
            case .stale: manner == .xmrigProxy ? "Block expired" : "Stale share"
            case .lowDifficulty: lowDifficulty
            case .duplicate: "Duplicate share"
            case .invalid: manner == .xmrigProxy ? "Invalid share" : "Invalid PoW"
            case .other: "Share not counted"
            }
        return error(words ?? usual, submission.request)
    }

    /// - Parameter proof: canonical bytes; nil: there is none for this member
    public func show(_ request: JSONRequestID, proof: [UInt8]?) -> Action {
        guard let proof else { return error("No such statement", request) }
        return .send(Self.result(.fields(["proof": .text(Hex.encode(proof))]), request))
    }

    private var lowDifficulty: String { manner == .xmrigProxy ? "Low difficulty share" : "Low diff share" }

    private mutating func note(_ job: Job) {
        jobs.append((job.id, job.target.asWritten, []))
        if jobs.count > Self.jobsKept { jobs.removeFirst() }
    }

    private func error(_ words: String, _ request: JSONRequestID) -> Action {
        let error = JSONValue.fields(["code": manner == .xmrigProxy ? .count(-1) : nil, "message": .text(words)])
        return .send(Stratum.line(.fields(["error": error, "id": request.value, "jsonrpc": .text("2.0")])))
    }

    private static func result(_ result: JSONValue, _ request: JSONRequestID) -> [UInt8] {
        Stratum.line(.fields(["error": .null, "id": request.value, "jsonrpc": .text("2.0"), "result": result]))
    }
}

/// A request's number or name, said again in its answer.
public struct JSONRequestID: Hashable, Sendable {
    let value: JSONValue

    /// What is none, or a long one, is answered without.
    init(_ value: JSONValue?) {
        switch value {
        case .integer(let number)?: self.value = .integer(number)
        case .text(let text)? where text.utf8.count <= 64: self.value = .text(text)
        default: self.value = .null
        }
    }
}
