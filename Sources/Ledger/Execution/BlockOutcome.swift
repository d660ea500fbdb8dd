public import Consensus
public import Primitives

/// What a block comes to on a certain state: found before it is voted for, kept when it is final.
public struct BlockOutcome: Sendable {
    /// The state's block that it was found on.
    public let parent: BlockID
    public let head: LedgerState.Head
    /// nil: removed.
    public let changes: [StateKey: StateEntry?]
    public let receipts: [Receipt]
}

extension LedgerState {
    /// All that this state decides of the next block's header; `seal()` adds what follows from the body.
    public func header(proposer: PublicKey, at time: BlockTime) -> Header {
        var header = Header()
        let (epoch, parameters) = (epoch, parameters)
        (header.chainID, header.height, header.parent) = (chainID, head.height + 1, head.block)
        (header.time, header.proposer) = (max(time, head.time + 1), proposer)
        (header.stateRoot, header.receiptsRoot, header.parameters) = (root, head.receiptsRoot, parameters.hash)
        header.delegateSet = epoch.current.hash
        header.nextDelegateSet = (epoch.ends(at: header.height, time: header.time, parameters) ? epoch.next : epoch.current).hash
        return header
    }

    /// Runs a block without changing anything. `transactions` are the block's, in its order.
    ///
    /// - Parameter knownCommit: a commit of the head that was verified already.
    /// - Throws: what is wrong with the block: then nobody honest votes for it.
    public func execute(
        _ block: Block, _ transactions: [CheckedTransaction], knownCommit: Commit? = nil
    ) throws(LedgerError) -> BlockOutcome {
        try check(block, transactions)
        if block.lastCommit != knownCommit || knownCommit == nil { try check(block.lastCommit) }
        var draft = Draft(self, at: block.header.time, for: transactions.count)
        draft.note(block.lastCommit)
        for proof in block.evidence { try draft.punish(proof, on: chainID, reportedBy: block.header.proposer) }
        var receipts: [Receipt] = []
        receipts.reserveCapacity(transactions.count)
        for (index, transaction) in transactions.enumerated() {
            do throws(Inadmissible) { receipts.append(try draft.run(transaction)) } catch {
                throw .transaction(index: index, error)
            }
        }
        return try draft.outcome(of: block.header, receipts)
    }

    /// A block of the pool's transactions in their order; those that cannot stand in it are passed over.
    ///
    /// - Parameter lastCommit: of the head, verified; nil at height 1.
    public func build(
        from pool: some Sequence<CheckedTransaction>, evidence: [DoubleVote] = [], lastCommit: Commit?, proposer: PublicKey,
        at time: BlockTime
    ) throws(LedgerError) -> (block: Block, outcome: BlockOutcome) {
        var block = Block()
        block.header = header(proposer: proposer, at: time)
        block.lastCommit = lastCommit
        var draft = Draft(self, at: block.header.time)
        draft.note(lastCommit)
        for proof in evidence.prefix(Block.evidenceLimit) {
            // What is known already, or proves nothing, is left out.
            if (try? draft.punish(proof, on: chainID, reportedBy: proposer)) != nil { block.evidence.append(proof) }
        }
        var room = BlockRoom(parameters)
        var receipts: [Receipt] = []
        for transaction in pool {
            guard room.holds(transaction) else { continue }
            guard let receipt = try? draft.run(transaction) else { continue }
            room.take(transaction)
            block.transactions.append(transaction.bytes)
            receipts.append(receipt)
        }
        block.seal()
        return (block, try draft.outcome(of: block.header, receipts))
    }

    private func check(_ block: Block, _ transactions: [CheckedTransaction]) throws(LedgerError) {
        var expected = header(proposer: block.header.proposer, at: block.header.time)
        guard block.header.time > head.time else { throw .headerWrong(field: "time") }
        (expected.lastCommit, expected.transactionRoot) = (block.header.lastCommit, block.header.transactionRoot)
        expected.evidenceRoot = block.header.evidenceRoot
        if let field = expected.firstDifference(from: block.header) { throw .headerWrong(field: field) }
        guard epoch.current.index(of: block.header.proposer) != nil else { throw .headerWrong(field: "proposer") }
        guard block.isSealed else { throw .blockInvalid("its body is not the one that the header promises") }
        guard block.transactions == transactions.map(\.bytes) else {
            throw .blockInvalid("its transactions are not the ones that were checked")
        }
        guard Set(block.evidence.map(\.voter)).count == block.evidence.count else {
            throw .evidence("a delegate is accused twice")
        }
        var room = BlockRoom(parameters)
        for transaction in transactions {
            guard room.holds(transaction) else { throw .blockInvalid("it is larger than a block may be") }
            room.take(transaction)
        }
    }

    private func check(_ commit: Commit?) throws(LedgerError) {
        guard head.height > 0 else {
            guard commit == nil else { throw .blockInvalid("the first block has no commit before it") }
            return
        }
        guard let commit, commit.height == head.height, commit.block == head.block else {
            throw .blockInvalid("its commit is not of the block before")
        }
        do { try commit.verify(chainID: chainID, by: epoch.set(at: head.height)) } catch { throw .blockInvalid("\(error)") }
    }
}

extension Draft {
    fileprivate mutating func punish(_ proof: DoubleVote, on chainID: Bytes32, reportedBy reporter: PublicKey) throws(LedgerError)
    {
        do { try proof.verify(chainID: chainID) } catch { throw .evidence("\(error)") }
        do { try punish(proof, reportedBy: reporter) } catch { throw .evidence("\(error)") }
        keep()
    }

    fileprivate mutating func outcome(of header: Header, _ receipts: [Receipt]) throws(LedgerError) -> BlockOutcome {
        funds.fees += receipts.reduce(QLC.zero) { $0 + $1.fee }
        if epoch.ends(at: height, time: time, parameters) { endEpoch() }
        var head = LedgerState.Head()
        (head.height, head.block, head.time) = (header.height, header.id, header.time)
        head.receiptsRoot = MerkleTree.root(receipts.map(\.canonicalBytes))
        return BlockOutcome(parent: base.head.block, head: head, changes: try finished(), receipts: receipts)
    }
}

/// What a block still holds: everything up to its size, ordinary transactions only up to the part that is not kept for urgent ones.
private struct BlockRoom {
    private let bytesLimit: Int
    private let ordinaryLimit: Int
    private let countLimit: Int
    private let ordinaryCountLimit: Int
    private var bytes = 0
    private var ordinary = 0
    private var count = 0
    private var ordinaryCount = 0

    init(_ parameters: Parameters) {
        bytesLimit = Int(parameters[.blockBytes])
        ordinaryLimit = bytesLimit / 100 * Int(100 - parameters[.urgentPercent])
        countLimit = Int(parameters[.blockTransactions])
        ordinaryCountLimit = countLimit - countLimit * Int(parameters[.urgentPercent]) / 100
    }

    func holds(_ transaction: CheckedTransaction) -> Bool {
        let size = transaction.bytes.count
        guard count < countLimit, bytes + size <= bytesLimit else { return false }
        if transaction.transaction.payload.kind.isUrgent { return true }
        return ordinaryCount < ordinaryCountLimit && ordinary + size <= ordinaryLimit
    }

    mutating func take(_ transaction: CheckedTransaction) {
        bytes += transaction.bytes.count
        count += 1
        if !transaction.transaction.payload.kind.isUrgent {
            ordinary += transaction.bytes.count
            ordinaryCount += 1
        }
    }
}

extension Header {
    /// The first field that differs, in words.
    fileprivate func firstDifference(from other: Header) -> String? {
        if self == other { return nil }
        let fields: [(String, Bool)] = [
            ("version", version == other.version), ("chain", chainID == other.chainID), ("height", height == other.height),
            ("time", time == other.time), ("parent", parent == other.parent), ("state root", stateRoot == other.stateRoot),
            ("receipts root", receiptsRoot == other.receiptsRoot), ("delegate set", delegateSet == other.delegateSet),
            ("next delegate set", nextDelegateSet == other.nextDelegateSet), ("parameters", parameters == other.parameters),
        ]
        return fields.first { !$0.1 }?.0 ?? "public-chain anchor"
    }
}
