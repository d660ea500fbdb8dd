import HAL
import Mining
import NIOCore
import Primitives
import ProofOfWork
import Stratum
import Testing

/// Pools over real sockets: true ones, broken ones, and which of them is mined at.
@Suite(.serialized, .timeLimit(.minutes(2))) struct PoolTests {
    private static let login = StratumLogin(login: "somebody", password: "x", rig: "roof", agent: "test")
    private static let fingerprint = Bytes32(LabPool.Certificate.own.sha256)!

    private static func address(_ port: UInt16, _ trust: PoolAddress.Trust = .plain) -> PoolAddress {
        PoolAddress(host: "127.0.0.1", port: port, trust: trust)
    }

    /// Of a target that is met by a hash of zeros.
    private static func share(_ jobID: String, _ nonce: UInt32) -> Share { Share(jobID: jobID, nonce: nonce, hash: .zero) }

    private func next(_ events: SourceEvents, _ what: String) async throws -> String {
        let found = try await events.next { event -> String? in
            switch event {
            case .connected(let name) where what == "connected": name
            case .job(let job) where what == "job": job.id
            case .accepted(let id, let nonce, _) where what == "accepted": "\(id) \(nonce)"
            case .refused(let id, let nonce, let refusal, _) where what == "refused": "\(id) \(nonce) \(refusal.rawValue)"
            case .lost(let why) where what == "lost": why
            default: nil
            }
        }
        return try #require(found)
    }

    private func expect(_ what: String, _ words: String, in events: SourceEvents) async throws {
        let found = try await next(events, what)
        #expect(found == words)
    }

    private func expect(_ what: String, contains words: String, in events: SourceEvents) async throws {
        let found = try await next(events, what)
        #expect(found.contains(words))
    }

    @Test(arguments: [PoolAddress.Trust.plain, .fingerprint(fingerprint), .anybody])
    func sharesTravelToAPoolAndBack(trust: PoolAddress.Trust) async throws {
        let pool = try await LabPool(HashingWorkerTests.job("7", difficulty: 1_000), usesTLS: trust != .plain)
        let connection = StratumConnection(Self.address(pool.port, trust), Self.login, clocks: RealClocks())
        try await withEvents(of: connection) { events in
            try await expect("connected", "127.0.0.1:\(pool.port)", in: events)
            try await expect("job", "7", in: events)
            await connection.submit(Self.share("7", 1))
            try await expect("accepted", "7 1", in: events)
            await connection.submit(Self.share("7", 1))
            try await expect("refused", "7 1 duplicate", in: events)
            await connection.submit(Self.share("8", 1))
            try await expect("refused", "8 1 stale", in: events)
        }
        try await pool.close()
    }

    /// Nobody learns of a login from whom the owner does not trust.
    @Test(arguments: [PoolAddress.Trust.names, .fingerprint(.zero), .plain])
    func whoIsNotThePoolIsNotTalkedTo(trust: PoolAddress.Trust) async throws {
        let pool = try await LabPool(HashingWorkerTests.job("7"), usesTLS: true)
        let connection = StratumConnection(Self.address(pool.port, trust), Self.login, clocks: FastClocks())
        let error = await #expect(throws: PoolLost.self) { try await connection.run { _ in } }
        #expect(error?.description.contains("127.0.0.1:\(pool.port)") == true, "\(String(describing: error))")
        #expect(trust == .plain || error?.description.contains("TLS") == true, "\(String(describing: error))")
        try await pool.close()
    }

    /// A daemon that is told to end must not look for pools for ever.
    @Test(arguments: 0..<20) func whoIsCancelledEnds(round: Int) async throws {
        let pool = try await LabPool(HashingWorkerTests.job("7", difficulty: 1_000))
        let list = PoolList([Self.address(pool.port)], Self.login, clocks: RealClocks())
        let events = SourceEvents()
        let mining = Task { try await list.run { events.add($0) } }
        _ = try await next(events, "job")
        mining.cancel()
        await #expect(throws: CancellationError.self) { try await mining.value }
        try await pool.close()
    }

    /// What each fault is called; none takes longer than its limit, and a line without an end no more memory.
    @Test(arguments: [
        ("", "does not answer the login"), ("HTTP/1.1 400 Bad Request\r\n", "no JSON"), ("[1]\n", "no JSON object"),
        (String(repeating: "x", count: 1 << 20), "without an end"),
        ("{\"id\":1,\"error\":{\"code\":-1,\"message\":\"go\\u001b[31m away\"}}\n", "go[31m away"),
    ]) func aPoolThatIsBrokenIsLeftInWords(says: String, why: String) async throws {
        let server = try await CannedServer(says)
        let connection = StratumConnection(Self.address(server.address.port), Self.login, clocks: FastClocks())
        let error = await #expect(throws: PoolLost.self) { try await connection.run { _ in } }
        #expect(error?.description.contains(why) == true, "\(String(describing: error))")
        try await server.close()
    }

    @Test func whereNobodyListensItIsSaidInFewWords() async throws {
        let pool = try await LabPool(HashingWorkerTests.job("7"))
        let address = Self.address(pool.port)
        try await pool.close()
        let connection = StratumConnection(address, Self.login, clocks: RealClocks())
        let error = await #expect(throws: PoolLost.self) { try await connection.run { _ in } }
        let words = try #require(error).description
        #expect(words == "127.0.0.1:\(address.port) cannot be reached: Connection refused" && error?.isFinal == false, "\(words)")
    }

    /// The first pool is away, so the second gives jobs; the first comes, and has them again; it goes, and the second is taken again.
    @Test func theBestPoolThatAnswersIsMinedAt() async throws {
        let first = try await LabPool(HashingWorkerTests.job("first"))
        let second = try await LabPool(HashingWorkerTests.job("second", difficulty: 1_000))
        let port = first.port
        try await first.close()
        let list = PoolList([Self.address(port), Self.address(second.port)], Self.login, clocks: FastClocks())
        try await withEvents(of: list) { events in
            try await expect("lost", contains: "refused", in: events)
            try await expect("job", "second", in: events)
            await list.submit(Self.share("second", 3))
            try await expect("accepted", "second 3", in: events)
            let back = try await LabPool(HashingWorkerTests.job("first"), port: Int(port))
            try await expect("lost", contains: "better pool", in: events)
            try await expect("job", "first", in: events)
            try await back.close()
            try await expect("lost", contains: "127.0.0.1:\(port)", in: events)
            try await expect("job", "second", in: events)
        }
        try await second.close()
    }
}
