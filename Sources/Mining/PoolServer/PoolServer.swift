public import HAL
public import Logging
public import MiningPool
import Monero
public import NIOCore
public import NIOPosix
import NIOSSL
public import Primitives
import ProofOfWork
import Stratum

/// How an owner runs a pool.
public struct PoolSettings: Sendable {
    public var listen: Endpoint
    public var terms: PoolTerms
    /// A Monero address: who is paid when the pool finds a block.
    public var wallet: String
    /// Of members' addresses.
    public var addresses: Address.Network
    /// Paths of PEM files: then miners speak TLS; nil: they do not.
    public var tls: (certificate: String, privateKey: String)?
    public var leastDifficulty: UInt64 = 100
    public var connectionsMax = 512
    /// Several stations of an owner may stand behind one address.
    public var connectionsPerAddress = 64

    public init(listen: Endpoint, terms: PoolTerms, wallet: String, addresses: Address.Network) {
        (self.listen, self.terms, self.wallet, self.addresses) = (listen, terms, wallet, addresses)
    }
}

/// What became of a payout.
public enum PayoutOutcome: Hashable, Sendable {
    /// On its way.
    case open
    case done
    /// The chain has it not and never will; in words.
    case failed(String)
    case unknown
}

/// A pool of base stations: gives jobs of one's own `monerod`, checks every share, and pays members in QLC.
///
/// ```
///  MoneroTemplates ─▶ a job for each member ─▶ shares ─▶ form (StratumSession) ─▶ hash (ShareChecker) ─▶ PoolBooks ─▶ disk ─▶ answer, receipt
///                                                                         └ finds a block ─▶ statement on disk ─▶ monerod
///  depth of blocks ─▶ balances ─▶ payouts on disk ─▶ chain
/// ```
public actor PoolServer {
    /// Pays a member; what was ordered under a name before is not ordered again, and says what became of it.
    public typealias Pay = @Sendable (_ member: PublicKey, _ amount: QLC, _ id: Bytes32) async throws -> PayoutOutcome

    static let commitInterval = Nanoseconds.seconds(1)
    /// How often it looks after blocks and payouts.
    static let careInterval = Nanoseconds.seconds(10)
    /// The disk is the station's: clients' payments come first.
    static let statementInterval = Nanoseconds.milliseconds(50)
    static let listenPause = Nanoseconds.seconds(10)

    let settings: PoolSettings
    let node: MoneroNode
    let templates: MoneroTemplates
    let checker: ShareChecker
    let store: any PoolStore
    let key: PrivateKey
    let pay: Pay
    let clocks: any Clocks
    let loops: any EventLoopGroup
    let logger: Logger

    var books: PoolBooks
    var miners: [UInt64: Miner] = [:]
    var lastMiner: UInt64 = 0
    /// Also of those who were let go and still hold one.
    var sockets: [UInt64: IPAddress] = [:]
    var bans = BanList()
    /// nil while monerod gives none.
    var current: BlockTemplate?
    /// The block that the one to be found follows, as far as is known.
    var previous: Bytes32?
    var jobCount: UInt64 = 0
    /// Blocks that were found, by their statements' numbers, until monerod has them.
    var unsent: [UInt64: [UInt8]] = [:]
    /// When the next statement is looked up.
    var nextStatement = Instant.zero
    /// Of this run: no two give one job.
    let prefix: [UInt8]
    let tls: NIOSSLContext?
    /// What waits to be on disk.
    var answers: [Answer] = []
    var commits: [CheckedContinuation<Bool, Never>] = []
    let wake = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    var isOver = false
    var tally = PoolTally()
    var rate = HashRate()
    public internal(set) var port: UInt16?

    /// An accepted share, to be answered when it is on disk.
    struct Answer {
        var miner: UInt64
        var submission: StratumSession.Submission
        /// As of this share: one that comes in the same second has another.
        var receipt: Signed<PoolReceipt>?
    }

    /// - Parameters:
    ///   - launcher: what checks shares
    ///   - key: the station's; it signs receipts and statements
    /// - Throws: what the store throws, or ``PoolCertificateError``
    public init(
        _ settings: PoolSettings, node: MoneroNode, launcher: WorkerLauncher, store: any PoolStore, key: PrivateKey,
        clocks: any Clocks, loops: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, logger: Logger, pay: @escaping Pay
    ) async throws {
        (self.settings, self.node, self.store, self.key, self.pay) = (settings, node, store, key, pay)
        (self.clocks, self.loops, self.logger) = (clocks, loops, logger)
        templates = MoneroTemplates(of: node, for: settings.wallet, clocks: clocks)
        checker = ShareChecker(launcher, clocks: clocks, loops: loops, logger: logger)
        books = PoolBooks(try await store.pool(), terms: settings.terms, key: key)
        var random = SystemRandomNumberGenerator()
        tls = try settings.tls.map { try PoolCertificate.context($0.certificate, $0.privateKey) }
        prefix = (0..<8).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    }

    /// Until it is cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.checker.run() }
            group.addTask { await self.listen() }
            group.addTask { await self.keepTime() }
            group.addTask { await self.care() }
            group.addTask {
                await self.templates.run { event in
                    switch event {
                    case .template(let template): await self.take(template)
                    case .trouble(let why): await self.lose(why)
                    }
                }
            }
            for await _ in wake.stream { await write() }
            // Nobody waits for the disk any more. What was checked counts all the same.
            isOver = true
            await write()
        }
    }

    private func keepTime() async {
        while true {
            do { try await clocks.sleep(Self.commitInterval) } catch { return }  // cancelled
            wake.continuation.yield()
            tick()
        }
    }

    // MARK: The disk

    /// - Returns: whether all that happened so far is on disk.
    func commit() async -> Bool {
        guard !isOver else { return false }
        return await withCheckedContinuation { waiter in
            commits.append(waiter)
            wake.continuation.yield()
        }
    }

    /// One after the other, by the one task of ``run()``: a later row never is written over by an earlier one.
    private func write() async {
        let (answers, commits, changes) = (answers, commits, books.takeChanges())
        (self.answers, self.commits) = ([], [])
        do {
            if !changes.isEmpty { try await store.keep(changes) }
            tally.diskTrouble = nil
            for answer in answers { accept(answer) }
            for waiter in commits { waiter.resume(returning: true) }
        } catch {
            books.giveBack(changes)
            if tally.diskTrouble == nil { logger.error("mining pool: nothing can be written: \(error)") }
            tally.diskTrouble = "\(error)"
            for answer in answers {
                refuse(answer.submission, of: answer.miner, .other, "Share not counted: the pool's disk fails")
            }
            for waiter in commits { waiter.resume(returning: false) }
        }
    }
}
