import Consensus
import Ledger
import Node
import Primitives

/// Who sees everything, and forgets nothing.
struct NetworkChecker {
    struct Signed: Hashable {
        var node: Int
        var height: UInt64
        var round: UInt32
        /// 0: a proposal.
        var step: UInt8
    }

    struct Said: Hashable {
        var block: BlockID?
        var validRound: UInt32?
    }

    let chainID: Bytes32
    let honest: [PublicKey]
    let start: LedgerState
    /// As first decided.
    var chain: [CertifiedBlock] = []
    var receipts: [Bytes32: Receipt] = [:]
    var heightAtHealing = 0
    var signed: [Signed: Said] = [:]
    /// After each block that anybody has taken for final; a disk keeps blocks, and this saves the replaying.
    private var states: [BlockID: LedgerState]

    init(genesis: Genesis, honest: [PublicKey]) {
        guard let state = try? genesis.state() else { preconditionFailure("a simulated genesis hands out the supply") }
        (chainID, self.honest, start, states) = (state.chainID, honest, state, [.zero: state])
    }

    func state(after block: CertifiedBlock?) -> LedgerState { states[block?.block.header.id ?? .zero] ?? start }

    mutating func keep(_ certified: CertifiedBlock, _ outcome: BlockOutcome) {
        guard states[certified.block.header.id] == nil, var state = states[certified.block.header.parent] else { return }
        state.apply(outcome)
        states[certified.block.header.id] = state
    }
}

extension NetworkSimulation {
    mutating func check(_ vote: Vote, of node: Int) {
        checkOnce(
            .init(node: node, height: vote.height, round: vote.round, step: vote.step.rawValue), .init(block: vote.block))
    }

    mutating func check(_ proposal: Proposal, of node: Int) {
        let said = NetworkChecker.Said(block: proposal.block, validRound: proposal.validRound)
        checkOnce(.init(node: node, height: proposal.height, round: proposal.round, step: 0), said)
    }

    private mutating func checkOnce(_ key: NetworkChecker.Signed, _ said: NetworkChecker.Said) {
        if let earlier = checker.signed.updateValue(said, forKey: key), earlier != said {
            violated(.oneSignature, "node \(key.node) signed twice at height \(key.height), round \(key.round), step \(key.step)")
        }
    }

    mutating func check(_ misdeed: ChainNode.Misdeed, of peer: PublicKey, seenBy node: Int) {
        meet("misdeeds seen: \(misdeed)")
        guard nodes[node].isHonest, let culprit = numbers[peer], nodes[culprit].isHonest else { return }
        violated(.honestKeepStake, "node \(node) says of node \(culprit): \(misdeed.rawValue)")
    }

    /// An honest node takes this for final, and comes to that root.
    mutating func check(_ certified: CertifiedBlock, _ outcome: BlockOutcome, root: Bytes32, at node: Int) {
        let height = Int(certified.height)
        guard height > checker.chain.count else {
            let first = checker.chain[height - 1]
            if first.block.header.id != certified.block.header.id {
                violated(.oneBlock, "node \(node) has another block \(height) than was decided before")
            } else if checker.state(after: first).root != root {
                violated(.finalStays, "node \(node) has another state after block \(height)")
            }
            return
        }
        guard height == checker.chain.count + 1 else {
            return violated(.finalStays, "node \(node) is at \(height), above everybody")
        }
        let before = checker.state(after: checker.chain.last)
        do { try certified.commit.verify(chainID: checker.chainID, by: before.epoch.current) } catch {
            return violated(.oneBlock, "block \(height) is final at node \(node): \(error)")
        }
        checker.chain.append(certified)
        check(checker.state(after: certified), after: before, certified, outcome)
    }

    private mutating func check(
        _ state: LedgerState, after before: LedgerState, _ certified: CertifiedBlock, _ outcome: BlockOutcome
    ) {
        if state.supply != .supply { violated(.supplyIsConstant, "\(state.supply) after block \(certified.height)") }
        for receipt in outcome.receipts {
            meet(receipt.refusal == nil ? "transactions done" : "transactions in vain")
            if let earlier = checker.receipts.updateValue(receipt, forKey: receipt.transaction) {
                violated(.onceOnly, "block \(certified.height) repeats \(earlier.transaction)")
            }
        }
        for key in checker.honest where state.delegate(key)?.status == .expelled {
            violated(.honestKeepStake, "node \(numbers[key] ?? 0) is out by block \(certified.height)")
        }
        if state.epoch.number > before.epoch.number { meet("epochs") }
        if state.epoch.current != before.epoch.current { meet("other delegates elected") }
        let jailed = nodes.count { state.delegate($0.publicKey)?.status == .jailed }
        if jailed > nodes.count(where: { before.delegate($0.publicKey)?.status == .jailed }) { meet("delegates jailed") }
        if !certified.block.evidence.isEmpty { meet("cheats punished", certified.block.evidence.count) }
        if certified.commit.round > 0 { meet("decided in a later round") }
    }

    /// Everybody holds the one chain, and replaying it from genesis gives everybody's state.
    mutating func checkEnd() {
        var state = checker.start
        var roots = [state.root]
        for certified in checker.chain {
            do throws(LedgerError) {
                let checked = try CheckedTransaction.check(certified.block.transactions[...], on: state.chainID).get()
                state.apply(try state.execute(certified.block, checked))
            } catch { return violated(.finalStays, "block \(certified.height) cannot be replayed: \(error)") }
            roots.append(state.root)
        }
        for node in nodes where node.isHonest {
            for (certified, first) in zip(node.disk.log, checker.chain) where certified.block.header.id != first.block.header.id {
                violated(.finalStays, "node \(node.number) lost block \(first.height)")
            }
            if roots[Int(node.height)] != node.running?.state.root {
                violated(.finalStays, "node \(node.number) has another state")
            }
        }
    }
}
