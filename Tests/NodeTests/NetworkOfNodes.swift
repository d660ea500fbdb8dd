import Consensus
import HeapModule
import Ledger
@testable import Node
import Primitives
import SimulatedHAL

/// Nodes that talk to each other under a virtual clock. Everything that leaves one goes through bytes.
struct NetworkOfNodes {
    struct Scheduled: Comparable {
        var at: Instant
        var sequence: Int
        var node: Int
        var life: Int
        var event: ChainNode.Event
        static func < (left: Scheduled, right: Scheduled) -> Bool { (left.at, left.sequence) < (right.at, right.sequence) }
        static func == (left: Scheduled, right: Scheduled) -> Bool { left.sequence == right.sequence }
    }

    /// What a node keeps when it stops.
    struct Disk {
        var log: [CertifiedBlock] = []
        var signing: SigningState?
        var bound: [Block] = []
        var snapshots = SnapshotShelf()
    }

    static let genesisTime: BlockTime = 1_800_000_000_000
    let keys: [PrivateKey]
    let genesis: Genesis
    var nodes: [ChainNode?] = []
    var disks: [Disk] = []
    var lives: [Int] = []
    var receipts: [Bytes32: Receipt] = [:]
    var refusals: [Bytes32: Mempool.Refusal] = [:]
    var misdeeds: [ChainNode.Misdeed] = []
    /// Who was punished, by number.
    var culprits: [Int: [ChainNode.Misdeed]] = [:]
    var blocksPerAnswer = Int(ChainNode.blocksAtOnce)
    var settings = SyncSettings()
    /// What becomes of a message that this node sends; nil: it is lost.
    var tamper: (@Sendable (ChainMessage, _ sender: Int) -> ChainMessage?)?
    /// By what headers name them by.
    var sets: [Bytes32: DelegateSet] = [:]
    var random: SplitMix64
    var now = Instant.zero
    private var queue = Heap<Scheduled>()
    private var sequence = 0

    /// - Parameter followers: nodes behind the delegates that have no delegate's key.
    init(delegates: Int, followers: Int, seed: UInt64 = 1, parameters: Parameters = Parameters()) throws {
        var random = SplitMix64(seed: seed)
        let keys = (0..<delegates + followers).map { _ in PrivateKey(seed: random.bytes(32))! }
        self.keys = keys
        let stake = QLC(units: 1_000_000 * QLC.unitsPerQLC)
        let left = QLC.supply.units - UInt64(delegates) * stake.units
        let each = left / UInt64(keys.count)
        genesis = Genesis(
            name: "test", time: Self.genesisTime, parameters: parameters,
            allocations: keys.enumerated().map { index, key in
                Genesis.Allocation(key.publicKey, QLC(units: index == 0 ? left - each * UInt64(keys.count - 1) : each))
            },
            delegates: keys.prefix(delegates).map { Genesis.FirstDelegate($0.publicKey, stake: stake) })
        self.random = random
        nodes = Array(repeating: nil, count: keys.count)
        disks = Array(repeating: Disk(), count: keys.count)
        lives = Array(repeating: 0, count: keys.count)
        delegateCount = delegates
        let first = try genesis.state().epoch.current
        sets[first.hash] = first
        for index in keys.indices { try start(index) }
    }

    private let delegateCount: Int

    mutating func start(_ index: Int) throws {
        var state = try disks[index].snapshots.base?.state ?? genesis.state()
        for certified in disks[index].log {
            let checked = try CheckedTransaction.check(certified.block.transactions[...], on: state.chainID).get()
            state.apply(try state.execute(certified.block, checked))
        }
        lives[index] += 1
        nodes[index] = ChainNode(
            identity: index < delegateCount ? keys[index] : nil, timing: ConsensusTiming(), state: state,
            lastCommit: disks[index].log.last?.commit ?? disks[index].snapshots.base?.head.commit,
            lastHeader: disks[index].log.last?.block.header ?? disks[index].snapshots.base?.head.header,
            past: .init(signing: disks[index].signing, isWhole: true), bound: disks[index].bound, settings: settings)
        let clock = clock
        perform(nodes[index]!.start(clock: clock), of: index)
        for peer in nodes.indices where peer != index && nodes[peer] != nil {
            handle(.connected(keys[peer].publicKey), at: index)
            handle(.connected(keys[index].publicKey), at: peer)
        }
    }

    mutating func stop(_ index: Int) {
        nodes[index] = nil
        lives[index] += 1
        for peer in nodes.indices where nodes[peer] != nil { handle(.disconnected(keys[index].publicKey), at: peer) }
    }

    var clock: BlockTime { Self.genesisTime + BlockTime(now.nanoseconds / 1_000_000) }

    mutating func run(for duration: Nanoseconds, until isDone: (NetworkOfNodes) -> Bool = { _ in false }) {
        let end = now + duration
        while let next = queue.min, next.at <= end, !isDone(self) {
            queue.removeMin()
            now = next.at
            if lives[next.node] == next.life { handle(next.event, at: next.node) }
        }
        if !isDone(self) { now = end }
    }

    mutating func handle(_ event: ChainNode.Event, at index: Int) {
        let (now, clock) = (now, clock)
        guard let actions = nodes[index]?.handle(event, at: now, clock: clock) else { return }
        perform(actions, of: index)
    }

    private mutating func perform(_ actions: [ChainNode.Action], of index: Int) {
        for action in actions {
            switch action {
            case .persist(let signing, let bound): (disks[index].signing, disks[index].bound) = (signing, bound)
            case .append(let certified, let outcome, _):
                disks[index].log.append(certified)
                if case .epoch(let epoch)?? = outcome.changes[.epoch] {
                    disks[index].snapshots.ends.append(certified)
                    for set in [epoch.current, epoch.next] { sets[set.hash] = set }
                }
                for receipt in outcome.receipts { receipts[receipt.transaction] = receipt }
            case .send(let message, let peer):
                let targets = peer.map { key in keys.indices.filter { keys[$0].publicKey == key } } ?? Array(nodes.indices)
                for target in targets where target != index { deliver(message, to: target, from: index) }
            case .sendBlocks(let range, let peer):
                let blocks = disks[index].kept(range.from).prefix(min(Int(range.count), blocksPerAnswer))
                deliver(.blocks(Blocks(Array(blocks))), to: peer, from: index)
            case .sendLightBlock, .sendSnapshot, .sendChunk, .beginSnapshot, .keepChunk, .install: share(action, of: index)
            case .schedule(let timer, let delay): schedule(.timer(timer), at: index, after: delay)
            case .punish(let peer, let misdeed):
                misdeeds.append(misdeed)
                if let culprit = number(of: peer) { culprits[culprit, default: []].append(misdeed) }
            case .refused(let id, let refusal): refusals[id] = refusal
            }
        }
    }

    func number(of key: PublicKey) -> Int? { keys.firstIndex { $0.publicKey == key } }

    mutating func deliver(_ message: ChainMessage, to peer: PublicKey, from sender: Int) {
        if let target = number(of: peer) { deliver(message, to: target, from: sender) }
    }

    private mutating func deliver(_ message: ChainMessage, to target: Int, from sender: Int) {
        guard let message = tamper.map({ $0(message, sender) }) ?? message else { return }
        guard let again = try? ChainMessage(message.kind, message.bytes), again == message else {
            preconditionFailure("\(message.kind) does not survive the wire")
        }
        schedule(.message(again, from: keys[sender].publicKey), at: target, after: random.milliseconds(5...50))
    }

    private mutating func schedule(_ event: ChainNode.Event, at node: Int, after delay: Nanoseconds) {
        sequence += 1
        queue.insert(Scheduled(at: now + delay, sequence: sequence, node: node, life: lives[node], event: event))
    }

    // MARK: What a wallet does

    @discardableResult
    mutating func submit(_ payload: Payload, by index: Int, at node: Int, fee: QLC = QLC(units: 1_000_000)) -> Bytes32 {
        guard let current = nodes[node] else { return .zero }
        let sender = keys[index]
        let transaction = Transaction(
            chainID: current.state.chainID, sender: sender.publicKey,
            sequence: current.pool.nextSequence(of: sender.publicKey, on: current.state), fee: fee,
            validUntil: clock + 3_600_000, payload: payload)
        let checked = CheckedTransaction(signing: transaction, by: sender)
        handle(.submitted(checked), at: node)
        return checked.id
    }

    var heights: [UInt64] { nodes.map { $0?.state.head.height ?? 0 } }
}
