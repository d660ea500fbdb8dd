import HAL
public import MiningPool
import Primitives
public import ProofOfWork

/// What came of it since the daemon started.
public struct PoolTally: Hashable, Sendable {
    public var accepted: UInt64 = 0
    public var work: UInt64 = 0
    public var refused: [ShareRefusal: UInt64] = [:]
    public var bans: UInt64 = 0
    public var turnedAway: UInt64 = 0
    /// Found, and taken by monerod.
    public var blocks: UInt64 = 0
    /// Of the block to be found; 0: not known yet.
    public var height: UInt64 = 0
    public var difficulty: UInt128 = 0
    /// Why nobody can connect, there are no jobs, nothing is written, nothing is paid; in words.
    public var listenTrouble: String?
    public var noWork: String?
    public var diskTrouble: String?
    public var payTrouble: String?
}

public struct PoolStatus: Sendable {
    public struct Member: Hashable, Sendable {
        public var account: PoolAccount
        public var connections: Int
    }

    public var tally: PoolTally
    public var rates: HashRate.Rates
    public var connections: Int
    /// In the order of their keys.
    public var members: [Member]
    public var openBlocks: [PoolBlock]
    public var payouts: [PoolPayout]
    public var statements: UInt64
    public var checkTrouble: String?
    /// nil: nobody can connect.
    public var port: UInt16?
}

extension PoolServer {
    public func status() async -> PoolStatus {
        var connections: [PublicKey: Int] = [:]
        for miner in miners.values { if let member = miner.member { connections[member, default: 0] += 1 } }
        let known = books.members
        let new = connections.keys.filter { books.account(of: $0) == nil }.sorted().map { PoolAccount($0) }
        let members = (known + new).sorted { $0.member < $1.member }
        return PoolStatus(
            tally: tally, rates: rate.rates(at: clocks.now().boot), connections: miners.count,
            members: members.map { .init(account: $0, connections: connections[$0.member] ?? 0) },
            openBlocks: books.openBlocks, payouts: books.openPayouts, statements: books.statements,
            checkTrouble: await checker.trouble, port: port)
    }
}
