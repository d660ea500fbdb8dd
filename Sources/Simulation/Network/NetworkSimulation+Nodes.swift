import Consensus
import Ledger
import Node
import Primitives
import SimulatedHAL

/// The driver of `ChainNode`, as the daemon's is, on a disk that forgets and a network that loses.
extension NetworkSimulation {
    mutating func start(_ node: Int, isWhole: Bool) {
        nodes[node].life += 1
        if !isWhole { nodes[node].disk.isWhole = false }
        let disk = nodes[node].disk
        let isTrusted = disk.isWhole || settings.mutations.contains(.signsOnCopies)
        var running = ChainNode(
            identity: nodes[node].isDelegate ? nodes[node].key : nil, timing: timing, state: checker.state(after: disk.log.last),
            lastCommit: disk.log.last?.commit, past: Agreement.Past(signing: disk.signing, isWhole: isTrusted), bound: disk.bound)
        if settings.mutations.contains(.withoutLock) { running.flaws = [.withoutLock] }
        nodes[node].beganWithoutClock = clock(of: node) == nil
        let actions = running.start(clock: clock(of: node))
        nodes[node].running = running
        perform(actions, at: node)
        for peer in nodes.indices where peer != node && nodes[peer].running != nil {
            handle(.connected(nodes[peer].publicKey), at: node)
            handle(.disconnected(nodes[node].publicKey), at: peer)
            handle(.connected(nodes[node].publicKey), at: peer)
        }
    }

    mutating func handle(_ event: ChainNode.Event, at node: Int) {
        guard nodes[node].running != nil else { return }
        let isBlind = settings.mutations.contains(.readsClockOnce) && nodes[node].beganWithoutClock
        let (now, clock, height) = (now, isBlind ? nil : clock(of: node), nodes[node].height)
        let actions = nodes[node].running?.handle(event, at: now, clock: clock) ?? []
        if nodes[node].height > height {
            nodes[node].beganWithoutClock = self.clock(of: node) == nil
            (nodes[node].heard, nodes[node].proposed) = ([], [])
            if case .message(.blocks, _) = event { meet("caught up") }
        }
        perform(actions, at: node)
    }

    /// One after the other. What was sent is on its way when all is done; a crash may take it along.
    private mutating func perform(_ actions: [ChainNode.Action], at node: Int) {
        let life = nodes[node].life
        var sent: [(message: ChainMessage, peer: PublicKey?)] = []
        for action in actions {
            if case .send(let message, let peer) = action { sent.append((message, peer)) } else { perform(action, at: node) }
            if nodes[node].life == life, !hasHealed, let pace = settings.crashPace, random.chance(1, in: pace) {
                meet("crashes between actions")
                crash(node)
            }
            guard nodes[node].life == life else {
                if random.chance(1, in: 2) { break }
                return
            }
        }
        for (message, peer) in sent { send(message, to: peer.flatMap { numbers[$0] }, from: node) }
    }

    private mutating func perform(_ action: ChainNode.Action, at node: Int) {
        switch action {
        case .persist(let signing, let bound): persist(signing, bound, at: node)
        case .append(let certified, let outcome, let root):
            checker.keep(certified, outcome)
            if nodes[node].isHonest { check(certified, outcome, root: root, at: node) }
            append(certified, at: node)
        case .send: break
        case .sendBlocks(let range, let peer):
            let blocks = nodes[node].disk.log.dropFirst(Int(range.from) - 1).prefix(min(Int(range.count), Self.blocksAtOnce))
            send(.blocks(Blocks(Array(blocks))), to: numbers[peer], from: node)
        case .sendLightBlock(let question, let peer):
            send(.lightBlock(LightReply(question, lightBlock(question.height, at: node))), to: numbers[peer], from: node)
        case .sendSnapshot(let peer): send(.snapshot(SnapshotOffer(nil)), to: numbers[peer], from: node)
        case .sendChunk(let name, let peer): send(.chunk(ChunkReply(name, [])), to: numbers[peer], from: node)
        // Histories of a minute or two are followed block by block.
        case .beginSnapshot: break
        case .keepChunk, .install: violated(.progress, "node \(node) takes a snapshot that nobody has")
        case .schedule(let timer, let delay):
            if case .timeout(let timeout) = timer, timeout.round > 0 { meet("later rounds") }
            schedule(.timer(node: node, life: nodes[node].life, timer), after: delay)
        case .punish(let peer, let misdeed): check(misdeed, of: peer, seenBy: node)
        case .refused: meet("transactions refused")
        }
    }

    private func lightBlock(_ height: UInt64?, at node: Int) -> LightBlock? {
        let log = nodes[node].disk.log
        let height = height ?? UInt64(log.count)
        guard height > 0, height <= log.count else { return nil }
        let certified = log[Int(height) - 1]
        let parent = height == 1 ? nil : log[Int(height) - 2]
        let set = checker.state(after: parent).epoch.current
        return LightBlock(header: certified.block.header, commit: certified.commit, delegates: set)
    }

    /// Fewer than fit, so that catching up takes more than one answer.
    private static let blocksAtOnce = 5

    /// With what it is bound to: its blocks, and the block before, which who votes at a height can never lose.
    private mutating func persist(_ state: SigningState, _ bound: [Block], at node: Int) {
        if !settings.mutations.contains(.forgetsSignatures) { nodes[node].disk.signing = state }
        if settings.mutations.contains(.forgetsProof) { nodes[node].disk.signing?.proof = [] }
        nodes[node].disk.bound = bound
        nodes[node].disk.isWhole = true
        if !settings.mutations.contains(.votesUnsynced) { nodes[node].disk.sync() }
    }

    private mutating func append(_ certified: CertifiedBlock, at node: Int) {
        nodes[node].disk.append(certified)
        note { _ in "node \(node) has block \(certified.height) of round \(certified.commit.round)" }
        if !hasHealed, random.chance(1, in: settings.decisionCrashPace) {
            meet("crashes on a decision")
            return crash(node)
        }
        if random.chance(1, in: settings.syncPace) { nodes[node].disk.sync() }
    }
}
