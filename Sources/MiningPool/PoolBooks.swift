public import Primitives

/// A pool's accounts: who worked how much, what of each block is whose, and what was paid.
///
/// ```
///  share ─▶ account, window        block found ─▶ window split ─▶ statement ─┬ confirmed ─▶ balances ─▶ payouts ─▶ done
///                                                                           └ orphaned ─▶ nothing
/// ```
/// It does no I/O: what changed is taken with ``takeChanges()`` and is on disk before anybody is told of it.
public struct PoolBooks: Sendable {
    /// Accounts stay for ever; beyond so many, nobody new is let in.
    public static let membersLimit = 4_096
    /// Found and not certain yet: more than two hours of all of Monero's blocks.
    public static let openBlocksLimit = 128

    public let terms: PoolTerms
    private let key: PrivateKey
    private var accounts: [PublicKey: PoolAccount] = [:]
    private var window: ShareWindow
    private var open: [UInt64: PoolBlock] = [:]
    private var payouts: [UInt64: PoolPayout] = [:]
    private var lastStatement: (number: UInt64, digest: Bytes32) = (0, .zero)
    private var lastPayout: UInt64 = 0

    private var changedAccounts: Set<PublicKey> = []
    private var changedParts: [PartName: UInt64] = [:]
    private var changedBlocks: [PoolBlock] = []
    private var changedPayouts: [UInt64: PoolPayout] = [:]

    private struct PartName: Hashable {
        var slice: UInt64
        var member: PublicKey
    }

    /// As it was stored.
    public init(_ record: PoolRecord = PoolRecord(), terms: PoolTerms, key: PrivateKey) {
        (self.terms, self.key) = (terms, key)
        window = ShareWindow(record.parts)
        for account in record.accounts { accounts[account.member] = account }
        for block in record.blocks {
            if block.state == .open { open[block.number] = block }
            guard block.number > lastStatement.number else { continue }
            lastStatement = (block.number, block.statement.claim.digest)
        }
        for payout in record.payouts {
            if payout.state != .done { payouts[payout.number] = payout }
            lastPayout = max(lastPayout, payout.number)
        }
    }

    // MARK: What is known

    public var members: [PoolAccount] { accounts.values.sorted { $0.member < $1.member } }
    public func account(of member: PublicKey) -> PoolAccount? { accounts[member] }
    /// Their reward is not certain yet; in the order of their numbers.
    public var openBlocks: [PoolBlock] { open.values.sorted { $0.number < $1.number } }
    /// Open or of unknown end; in the order of their numbers.
    public var openPayouts: [PoolPayout] { payouts.values.sorted { $0.number < $1.number } }
    public var statements: UInt64 { lastStatement.number }
    public func hasRoom(for member: PublicKey) -> Bool { accounts[member] != nil || accounts.count < Self.membersLimit }

    /// What is owed to members in all.
    public var owed: QLC { accounts.values.reduce(.zero) { $0 + $1.balance } }

    public func receipt(for member: PublicKey) -> Signed<PoolReceipt>? {
        guard let account = accounts[member] else { return nil }
        var receipt = PoolReceipt()
        (receipt.member, receipt.work, receipt.shares) = (member, account.work, account.shares)
        (receipt.balance, receipt.paid, receipt.statement) = (account.balance, account.paid, lastStatement.number)
        return Signed(receipt, by: key)
    }

    // MARK: Work

    /// A share whose hash was checked.
    /// - Parameters:
    ///   - work: its target's difficulty as that was written to the member
    ///   - difficulty: the chain's
    /// - Returns: false where there is no room for another member.
    public mutating func record(_ work: UInt64, of member: PublicKey, difficulty: UInt128) -> Bool {
        guard hasRoom(for: member) else { return false }
        var account = accounts[member] ?? PoolAccount(member)
        account.work = account.work.saturatingAdd(work)
        account.shares += 1
        accounts[member] = account
        changedAccounts.insert(member)
        let part = window.record(work, of: member, window: terms.windowWork(difficulty))
        changedParts[PartName(slice: part.slice, member: member)] = part.work
        return true
    }

    // MARK: Blocks

    public struct Found: Hashable, Sendable {
        public var block: Bytes32
        public var height: UInt64
        /// Piconero.
        public var reward: UInt64
        public var difficulty: UInt128

        public init(block: Bytes32, height: UInt64, reward: UInt64, difficulty: UInt128) {
            (self.block, self.height, self.reward, self.difficulty) = (block, height, reward, difficulty)
        }
    }

    /// Monero took a block of ours: whose it is stands fixed from now on. Its last share was recorded before.
    public mutating func found(_ found: Found) -> PoolBlock? {
        guard open.count < Self.openBlocksLimit, !open.values.contains(where: { $0.statement.claim.block == found.block })
        else { return nil }
        let gross = terms.worth(of: found.reward)
        let fee = terms.fee(of: gross)
        let latest = window.latest(terms.windowWork(found.difficulty))
        guard !latest.isEmpty else { return nil }
        let amounts = Apportionment.split((gross - fee).units, by: latest.map(\.work))
        var block = PoolBlock()
        block.lines = zip(latest, amounts).map { part, units in
            PoolLine(
                member: part.member, work: accounts[part.member]?.work ?? 0, windowWork: part.work, amount: QLC(units: units))
        }
        var statement = PoolStatement()
        (statement.number, statement.previous) = (lastStatement.number + 1, lastStatement.digest)
        (statement.block, statement.height, statement.reward) = (found.block, found.height, found.reward)
        (statement.qlcPerXMR, statement.feePermyriad) = (terms.qlcPerXMR, terms.feePermyriad)
        (statement.gross, statement.fee) = (gross, fee)
        (statement.members, statement.sums) = (UInt32(block.lines.count), SumTree.root(block.lines))
        block.statement = Signed(statement, by: key)
        lastStatement = (statement.number, statement.digest)
        open[block.number] = block
        changedBlocks.append(block)
        return block
    }

    /// So many blocks stand on it, or the chain goes on without it.
    public mutating func settle(_ number: UInt64, _ state: PoolBlock.State) {
        guard state != .open, var block = open.removeValue(forKey: number) else { return }
        block.state = state
        changedBlocks.append(block)
        guard state == .confirmed else { return }
        for line in block.lines where line.amount > .zero {
            accounts[line.member, default: PoolAccount(line.member)].balance += line.amount
            changedAccounts.insert(line.member)
        }
    }

    // MARK: Payouts

    /// Takes from the balances what is to be paid now: one payout for each member that has enough, no more than `limit` on their way at a time.
    public mutating func makePayouts(limit: Int) -> [PoolPayout] {
        let room = max(0, limit - payouts.values.count { $0.state == .open })
        let due = members.filter { $0.balance >= terms.leastPayout && $0.balance > .zero }.sorted {
            ($1.balance, $0.member) < ($0.balance, $1.member)
        }
        return due.prefix(room).map { account in
            lastPayout += 1
            var payout = PoolPayout()
            (payout.number, payout.member, payout.amount) = (lastPayout, account.member, account.balance)
            accounts[account.member]!.paid += account.balance
            accounts[account.member]!.balance = .zero
            changedAccounts.insert(account.member)
            note(payout)
            return payout
        }
    }

    /// The chain has it.
    public mutating func paid(_ number: UInt64) { end(number, .done) }

    /// Nobody can tell.
    public mutating func lost(_ number: UInt64) { end(number, .unknown) }

    /// The chain has it not, and never will: it is ordered under another name.
    public mutating func failed(_ number: UInt64) -> PoolPayout? {
        guard var payout = payouts[number], payout.state == .open else { return nil }
        payout.attempt += 1
        note(payout)
        return payout
    }

    private mutating func end(_ number: UInt64, _ state: PoolPayout.State) {
        guard var payout = payouts[number] else { return }
        payout.state = state
        note(payout)
        if state == .done { payouts[number] = nil }
    }

    private mutating func note(_ payout: PoolPayout) {
        payouts[payout.number] = payout
        changedPayouts[payout.number] = payout
    }

    // MARK: The disk

    /// Since it was taken last. What could not be written is given back with ``giveBack(_:)``.
    public mutating func takeChanges() -> PoolChanges {
        defer { (changedAccounts, changedParts, changedBlocks, changedPayouts) = ([], [:], [], [:]) }
        var changes = PoolChanges()
        changes.accounts = changedAccounts.sorted().compactMap { accounts[$0] }
        changes.parts = changedParts.map { SlicePart(slice: $0.key.slice, member: $0.key.member, work: $0.value) }
            .sorted { ($0.slice, $0.member) < ($1.slice, $1.member) }
        changes.oldestSlice = window.oldest
        changes.blocks = changedBlocks
        changes.payouts = changedPayouts.values.sorted { $0.number < $1.number }
        return changes
    }

    /// Later changes of the same rows count.
    public mutating func giveBack(_ changes: PoolChanges) {
        changedAccounts.formUnion(changes.accounts.map(\.member))
        for part in changes.parts {
            let name = PartName(slice: part.slice, member: part.member)
            changedParts[name] = changedParts[name] ?? part.work
        }
        changedBlocks = changes.blocks + changedBlocks
        for payout in changes.payouts where changedPayouts[payout.number] == nil { changedPayouts[payout.number] = payout }
    }
}
