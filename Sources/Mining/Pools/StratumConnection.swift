public import HAL
public import MiningPool
public import NIOCore
public import NIOPosix
import NIOSSL
import Primitives
public import ProofOfWork
public import Stratum

/// Why a pool was left, or could not be reached.
public struct PoolLost: Error, Hashable, CustomStringConvertible {
    public var description: String
    /// Asking again soon is of no use.
    public var isFinal: Bool
}

/// One connection to a pool, from its start to its end.
public actor StratumConnection: JobSource {
    private static let connectLimit = TimeAmount.seconds(15)
    /// Lines that wait to be written: shares that are open and keepalives.
    private static let linesMax = 256
    private static let tickInterval = Nanoseconds.seconds(1)
    private static let jobsKept = 16

    public nonisolated let name: String
    private let pool: PoolAddress
    private let clocks: any Clocks
    private let loops: any EventLoopGroup
    private let outgoing = AsyncStream.makeStream(of: [UInt8].self, bufferingPolicy: .bufferingOldest(linesMax))
    private let shares = AsyncStream.makeStream(of: Share.self, bufferingPolicy: .bufferingNewest(linesMax))
    private let member: String
    private var client: StratumClient
    /// Of a pool of our own kind, once it has named itself.
    private var membership: PoolMembership?
    private let held: [PoolMembership]
    /// What shares are worth that have no answer yet.
    private var given: [(id: String, work: UInt64)] = []
    private var lines = StratumLines(limit: StratumLines.poolLimit)
    private var hasJob = false

    /// - Parameter held: what pools have signed before; one of them may be this one
    public init(
        _ pool: PoolAddress, _ login: StratumLogin, held: [PoolMembership] = [], clocks: any Clocks,
        loops: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        (self.pool, self.held, self.clocks, self.loops) = (pool, held, clocks, loops)
        name = pool.name
        member = String(login.login.prefix { $0 != "+" && $0 != "." })
        client = StratumClient(login)
    }

    /// Never waits: who mines must be free to stop.
    public func submit(_ share: Share) { shares.continuation.yield(share) }

    /// - Throws: ``PoolLost``, always, unless it is cancelled.
    public func run(_ tell: @escaping @Sendable (JobSourceEvent) async -> Void) async throws {
        do { try await converse(tell) } catch let error as PoolLost { throw error } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw PoolLost(description: "\(name) cannot be reached: \(NetworkWords.of(error))", isFinal: false)
        }
    }

    private func converse(_ tell: @escaping @Sendable (JobSourceEvent) async -> Void) async throws {
        let channel = try await connect()
        try await channel.executeThenClose { inbound, outbound in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [outgoing] in
                    for await line in outgoing.stream { try await outbound.write(ByteBuffer(bytes: line)) }
                }
                group.addTask { for await share in self.shares.stream { try await self.hand(share, tell) } }
                group.addTask {
                    while true {
                        try await self.clocks.sleep(Self.tickInterval)
                        try await self.tick(tell)
                    }
                }
                group.addTask {
                    try await self.begin(tell)
                    for try await bytes in inbound { try await self.read(bytes, tell) }
                    throw PoolLost(description: "\(self.name) closed the connection", isFinal: false)
                }
                defer { group.cancelAll() }
                try await group.next()
                // None of them ends by itself but by an error.
                throw CancellationError()
            }
        }
    }

    // MARK: What happens

    private func begin(_ tell: @escaping @Sendable (JobSourceEvent) async -> Void) async throws {
        try await perform(client.begin(at: clocks.now().boot), tell)
    }

    private func tick(_ tell: @escaping @Sendable (JobSourceEvent) async -> Void) async throws {
        try await perform(client.tick(at: clocks.now().boot), tell)
    }

    private func hand(_ share: Share, _ tell: @escaping @Sendable (JobSourceEvent) async -> Void) async throws {
        try await perform(client.submit(share, at: clocks.now().boot), tell)
    }

    private func read(_ bytes: ByteBuffer, _ tell: @escaping @Sendable (JobSourceEvent) async -> Void) async throws {
        lines.append(bytes.readableBytesView)
        while let line = try nextLine() { try await perform(client.handle(line, at: clocks.now().boot), tell) }
    }

    private func nextLine() throws(PoolLost) -> [UInt8]? {
        do throws(StratumLines.TooLong) { return try lines.next() } catch {
            throw PoolLost(description: "\(name) says a line without an end", isFinal: true)
        }
    }

    private func perform(
        _ actions: [StratumClient.Action], _ tell: @escaping @Sendable (JobSourceEvent) async -> Void
    ) async throws {
        for action in actions {
            switch action {
            case .send(let line): outgoing.continuation.yield(line)
            case .job(let job):
                if !hasJob { await tell(.connected(name)) }
                hasJob = true
                given.append((job.id, job.target.difficulty))
                if given.count > Self.jobsKept { given.removeFirst() }
                await tell(.job(job))
            case .pool(let key):
                membership = Self.key(of: member).map { member in
                    held.first { $0.isOf(key, member) } ?? PoolMembership(pool: key, member: member)
                }
            case .accepted(let jobID, let nonce, let receipt):
                await tell(.accepted(jobID: jobID, nonce: nonce, blockFound: false))
                try await take(receipt, of: jobID, tell)
            case .statement(let number, let proof):
                try audit { (membership) throws(PoolAuditFailure) in try membership.audit(number, proof) }
                if let membership { await tell(.membership(membership)) }
            case .refused(let jobID, let nonce, let refusal, let why):
                await tell(.refused(jobID: jobID, nonce: nonce, refusal, why: why))
            case .close(let why, let isFinal): throw PoolLost(description: "\(name): \(why)", isFinal: isFinal)
            }
        }
    }

    // MARK: Pools that sign what they owe

    /// The login is an address of the Qlink Chain, of whichever network.
    private static func key(of login: String) -> PublicKey? {
        Address.Network.allCases.lazy.compactMap { try? Address(login, on: $0).key }.first
    }

    private func take(
        _ receipt: String?, of jobID: String, _ tell: @escaping @Sendable (JobSourceEvent) async -> Void
    ) async throws {
        guard membership != nil else { return }
        let work = given.last { $0.id == jobID }?.work ?? 0
        let bytes = receipt.flatMap { Hex.decode($0) } ?? []
        try audit { (membership) throws(PoolAuditFailure) in try membership.take(bytes, work: work) }
        guard let membership else { return }
        await tell(.membership(membership))
        if let next = membership.nextToAudit { try await perform(client.ask(statement: next, at: clocks.now().boot), tell) }
    }

    /// Whoever is lied to leaves.
    private func audit(_ look: (inout PoolMembership) throws(PoolAuditFailure) -> Void) throws(PoolLost) {
        guard var membership else { return }
        do throws(PoolAuditFailure) { try look(&membership) } catch {
            throw PoolLost(description: "\(name) does not owe what it signs: \(error)", isFinal: true)
        }
        self.membership = membership
    }

    // MARK: The connection

    private func connect() async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        let pool = pool
        let context = pool.trust == .plain ? nil : try NIOSSLContext(configuration: Self.configuration(pool.trust))
        let bootstrap = ClientBootstrap(group: loops).connectTimeout(Self.connectLimit)
            .channelOption(.socketOption(.so_keepalive), value: 1)
        return try await bootstrap.connect(host: pool.host, port: Int(pool.port)) { channel in
            channel.eventLoop.makeCompletedFuture {
                if let context { try channel.pipeline.syncOperations.addHandler(Self.handler(context, pool)) }
                return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
    }

    private static func configuration(_ trust: PoolAddress.Trust) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        // Pools sign for themselves; then a callback decides.
        if trust != .names { configuration.certificateVerification = .noHostnameVerification }
        return configuration
    }

    private static func handler(_ context: NIOSSLContext, _ pool: PoolAddress) throws -> NIOSSLClientHandler {
        // An address is no name to ask for.
        let host = IPAddress(pool.host) == nil ? pool.host : nil
        switch pool.trust {
        case .plain, .names: return try NIOSSLClientHandler(context: context, serverHostname: host)
        case .anybody:
            return try NIOSSLClientHandler(context: context, serverHostname: host) { _, verdict in
                verdict.succeed(.certificateVerified)
            }
        case .fingerprint(let digest):
            return try NIOSSLClientHandler(context: context, serverHostname: host) { certificates, verdict in
                let bytes = certificates.first.flatMap { try? $0.toDERBytes() }
                verdict.succeed(bytes.map { TaggedHash.untagged($0) } == digest ? .certificateVerified : .failed)
            }
        }
    }
}
