public import Primitives

// The mining pool that the station runs: `basestation pool`.

/// `GET /v1/pool`. Counts are since the daemon started, accounts since the pool is there.
public struct PoolView: Codable, Hashable, Sendable {
    public struct Member: Codable, Hashable, Sendable {
        public var address: String
        public var connections: Int
        /// The sum of its shares' difficulties, and their number.
        public var work: UInt64
        public var shares: UInt64
        public var balanceQlc: QLC
        public var paidQlc: QLC
        public init(address: String, connections: Int, work: UInt64, shares: UInt64, balanceQlc: QLC, paidQlc: QLC) {
            (self.address, self.connections, self.work, self.shares) = (address, connections, work, shares)
            (self.balanceQlc, self.paidQlc) = (balanceQlc, paidQlc)
        }
    }

    /// Found, and its reward not certain yet.
    public struct Block: Codable, Hashable, Sendable {
        public var statement: UInt64
        public var block: Bytes32
        public var height: UInt64
        public var grossQlc: QLC
        public init(statement: UInt64, block: Bytes32, height: UInt64, grossQlc: QLC) {
            (self.statement, self.block, self.height, self.grossQlc) = (statement, block, height, grossQlc)
        }
    }

    public struct Payout: Codable, Hashable, Sendable {
        public var number: UInt64
        public var to: String
        public var amountQlc: QLC
        /// `open` or `unknown`.
        public var state: String
        public init(number: UInt64, to: String, amountQlc: QLC, state: String) {
            (self.number, self.to, self.amountQlc, self.state) = (number, to, amountQlc, state)
        }
    }

    public struct Shares: Codable, Hashable, Sendable {
        public var accepted: UInt64
        public var stale: UInt64
        public var lowDifficulty: UInt64
        public var duplicate: UInt64
        public var invalid: UInt64
        public var other: UInt64
        public init(accepted: UInt64, stale: UInt64, lowDifficulty: UInt64, duplicate: UInt64, invalid: UInt64, other: UInt64) {
            (self.accepted, self.stale, self.lowDifficulty) = (accepted, stale, lowDifficulty)
            (self.duplicate, self.invalid, self.other) = (duplicate, invalid, other)
        }
    }

    /// Where miners connect; nil: nobody can now.
    @OrNull public var listen: String?
    public var connections: Int
    /// Hashes a second of all members, over the last quarter of an hour, by their shares.
    @OrNull public var hashrate: Double?
    /// Of the block to be found; 0: not known yet.
    public var height: UInt64
    public var difficulty: UInt64
    public var shares: Shares
    public var blocksFound: UInt64
    public var bans: UInt64
    public var feePermyriad: UInt64
    public var qlcPerXmr: QLC
    public var statements: UInt64
    public var owedQlc: QLC
    public var members: [Member]
    public var openBlocks: [Block]
    public var openPayouts: [Payout]
    /// What stands against its work now.
    public var troubles: [String]

    public init(
        listen: String?, connections: Int, hashrate: Double?, height: UInt64, difficulty: UInt64, shares: Shares,
        blocksFound: UInt64, bans: UInt64, feePermyriad: UInt64, qlcPerXmr: QLC, statements: UInt64, owedQlc: QLC,
        members: [Member], openBlocks: [Block], openPayouts: [Payout], troubles: [String]
    ) {
        (self.listen, self.connections, self.hashrate, self.height) = (listen, connections, hashrate, height)
        (self.difficulty, self.shares, self.blocksFound, self.bans) = (difficulty, shares, blocksFound, bans)
        (self.feePermyriad, self.qlcPerXmr, self.statements) = (feePermyriad, qlcPerXmr, statements)
        (self.owedQlc, self.members, self.openBlocks, self.openPayouts) = (owedQlc, members, openBlocks, openPayouts)
        self.troubles = troubles
    }
}

/// `GET /v1/pool/statements/N`: what the pool owes for one block, with every member's line.
public struct PoolStatementView: Codable, Hashable, Sendable {
    public struct Line: Codable, Hashable, Sendable {
        public var address: String
        /// Of its shares up to the block, and what of it shares in the block.
        public var work: UInt64
        public var windowWork: UInt64
        public var amountQlc: QLC
        public init(address: String, work: UInt64, windowWork: UInt64, amountQlc: QLC) {
            (self.address, self.work, self.windowWork, self.amountQlc) = (address, work, windowWork, amountQlc)
        }
    }

    public var statement: UInt64
    /// `open`, `confirmed` or `orphaned`.
    public var state: String
    public var block: Bytes32
    public var height: UInt64
    public var rewardPiconero: UInt64
    public var qlcPerXmr: QLC
    public var grossQlc: QLC
    public var feeQlc: QLC
    public var windowWork: UInt64
    public var lines: [Line]
    /// The signed statement's canonical bytes, and the key.
    public var signed: String
    public var key: PublicKey

    public init(
        statement: UInt64, state: String, block: Bytes32, height: UInt64, rewardPiconero: UInt64, qlcPerXmr: QLC, grossQlc: QLC,
        feeQlc: QLC, windowWork: UInt64, lines: [Line], signed: String, key: PublicKey
    ) {
        (self.statement, self.state, self.block, self.height) = (statement, state, block, height)
        (self.rewardPiconero, self.qlcPerXmr, self.grossQlc, self.feeQlc) = (rewardPiconero, qlcPerXmr, grossQlc, feeQlc)
        (self.windowWork, self.lines, self.signed, self.key) = (windowWork, lines, signed, key)
    }
}
