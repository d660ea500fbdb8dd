import ArgumentParser
import Consensus
import FoundationEssentials
import LargeLedger
import Ledger
import Node
import Primitives
import Store

/// A day of empty blocks at the real node and its real disk, faster than time passes: prints the bytes that the disk was given.
struct Day: AsyncParsableCommand {
    @Argument(help: "The directory of a chain that `grow` made.") var directory: String
    @Flag(help: "As one of the delegates, not as one that only follows.") var delegate = false
    @Option(help: "Blocks, one a minute.") var blocks = 1_440

    func run() async throws {
        let disk = Disk(directory)
        let store = try ChainStore(directory: directory, keepsSnapshots: delegate)
        let stored = try await store.load(LargeLedger().genesis)
        var day = try IdleNetwork(stored, store: store, isDelegate: delegate)
        try disk.settle()
        let before = try disk.bytesWritten()
        for _ in 0..<blocks {
            try await day.addBlock()
            // The kernel writes what is dirty within half a minute, long before the next block.
            try disk.settle()
        }
        try await store.close()
        try disk.settle()
        print(try disk.bytesWritten() - before)
    }
}

/// The other delegates, who always agree at once, and the node that hears them.
private struct IdleNetwork {
    private var node: ChainNode
    private let store: ChainStore
    private let keys: [PublicKey: PrivateKey]
    private let own: PublicKey?
    private let peer = PrivateKey().publicKey
    private var clock: BlockTime

    init(_ stored: StoredChain, store: ChainStore, isDelegate: Bool) throws {
        let delegates = try LargeLedger().delegates
        self.store = store
        keys = Dictionary(uniqueKeysWithValues: delegates.map { ($0.publicKey, $0) })
        own = isDelegate ? delegates[0].publicKey : nil
        // The network stood still while nobody measured; the node finds its disk as it left it.
        clock = stored.state.head.time + 60_000
        var past = stored.past
        past.isWhole = true
        node = ChainNode(
            identity: isDelegate ? delegates[0] : nil, timing: ConsensusTiming(), state: stored.state,
            lastCommit: stored.lastCommit, past: past, bound: stored.bound)
        _ = node.start(clock: clock)
        _ = node.handle(.connected(peer), at: .zero, clock: clock)
    }

    /// A minute later all agree on an empty block.
    mutating func addBlock() async throws {
        clock += 60_000
        let height = node.state.head.height + 1
        var said = try await tell(.timer(.wait(height: height, isIdle: true)))
        let proposer = node.state.rotation.proposer
        if proposer != own { said += try await tell(.message(.proposal(try proposal(by: proposer)), from: peer)) }
        guard let block = said.lazy.compactMap({ if case .proposal(let own) = $0 { own.block.header.id } else { nil } }).first
        else { throw LightNodeError.noProposal(height: height) }
        for step in Vote.Step.allCases {
            let vote = Vote(chainID: node.state.chainID, height: height, round: 0, step: step, block: block)
            for voter in voters(at: height) {
                _ = try await tell(.message(.vote(Verified(signing: vote, by: voter).ballot), from: peer))
            }
        }
        guard node.state.head.height == height else { throw LightNodeError.notFinal(height: height) }
    }

    /// All but this node, each time beginning with another one: who is late is missing from the commit.
    private func voters(at height: UInt64) -> [PrivateKey] {
        let others = keys.filter { $0.key != own }.sorted { $0.key < $1.key }.map(\.value)
        let first = Int(height) % others.count
        return Array(others[first...] + others[..<first])
    }

    private func proposal(by proposer: PublicKey) throws -> ProposedBlock {
        let (block, _) = try node.state.build(from: [], lastCommit: node.lastCommit, proposer: proposer, at: clock)
        let proposal = Proposal(
            chainID: node.state.chainID, height: block.header.height, round: 0, validRound: nil, block: block.header.id)
        return ProposedBlock(Signed(proposal, by: keys[proposer]!), block)
    }

    /// Does what the node decides, as a running one does, and gives what it says.
    private mutating func tell(_ event: ChainNode.Event) async throws -> [ChainMessage] {
        var said: [ChainMessage] = []
        for action in node.handle(event, at: .zero, clock: clock) {
            switch action {
            case .persist(let signing, let bound): try await store.persist(signing, bound: bound)
            case .append(let certified, let outcome, let root): try await store.append(certified, outcome, root: root)
            case .send(let message, _): said.append(message)
            case .beginSnapshot(let tree):
                guard try await store.beginSnapshot(tree) else { break }
                while try await store.continueSnapshot() {}
            case .sendBlocks, .sendLightBlock, .sendSnapshot, .sendChunk, .keepChunk, .install, .schedule, .punish, .refused:
                break
            }
        }
        return said
    }
}

private enum LightNodeError: Error, CustomStringConvertible {
    case noProposal(height: UInt64)
    case notFinal(height: UInt64)

    var description: String {
        switch self {
        case .noProposal(let height): "the node passed no proposal on at height \(height)"
        case .notFinal(let height): "block \(height) did not become final"
        }
    }
}
