import Consensus
import Ledger
@testable import Node
import Primitives
import Testing

/// A node that is far behind, and peers who have pruned what it misses, keep snapshots, or lie about them.
@Suite struct SnapshotSyncTests {
    private static let newcomer = 4

    /// Four delegates, five epochs of eight blocks, one a minute. Made once: each test goes on with a copy, and nothing changes this one.
    private static let grown: NetworkOfNodes? = {
        var parameters = Parameters()
        guard (try? parameters.set(.epochBlocks, to: 8)) != nil, (try? parameters.set(.epochTime, to: 24 * 3_600_000)) != nil,
            var network = try? NetworkOfNodes(delegates: 4, followers: 1, parameters: parameters)
        else { return nil }
        network.settings.gap = 12
        network.blocksPerAnswer = 1
        network.stop(newcomer)
        network.run(for: .seconds(3_600)) { $0.heights[0] >= 42 }
        return network
    }()

    /// The first blocks are gone everywhere unless it is said.
    private static func old(keeping snapshots: Set<Int> = [0, 1, 2, 3], isPruned: Bool = true) throws -> NetworkOfNodes {
        var network = try #require(grown)
        for index in 0..<4 {
            network.disks[index].snapshots.isKept = snapshots.contains(index)
            if !snapshots.contains(index) { network.disks[index].snapshots.made = [] }
            if isPruned { network.disks[index].snapshots.keptFrom = 30 }
        }
        return network
    }

    /// Runs the newcomer until it is where the others are, and looks whether its state is theirs.
    private static func join(_ network: inout NetworkOfNodes, within seconds: Int64 = 300) throws {
        try network.start(Self.newcomer)
        network.run(for: .seconds(seconds)) { $0.heights[Self.newcomer] >= $0.heights[0] }
        network.run(for: .seconds(2))
        #expect(network.heights[Self.newcomer] == network.heights[0], "\(network.nodes[Self.newcomer]?.syncFailure ?? "-")")
        let (mine, theirs) = (try #require(network.nodes[Self.newcomer]), try #require(network.nodes[0]))
        #expect(mine.state.root == theirs.state.root)
        let isSame = mine.state.all == theirs.state.all
        #expect(isSame, "every entry")
        #expect(mine.state.head == theirs.state.head)
        #expect(mine.state.rotation == theirs.state.rotation)
        #expect(mine.state.epoch == theirs.state.epoch)
        #expect(mine.lastHeader == theirs.lastHeader)
        let isSyncing = mine.isSyncing
        #expect(!isSyncing)
    }

    @Test func aNewcomerJoinsAChainWhoseFirstBlocksAreGone() throws {
        var network = try Self.old()
        try Self.join(&network)
        #expect(network.disks[Self.newcomer].snapshots.base?.state.head.height == 40)
        #expect(network.disks[Self.newcomer].snapshots.base?.head.height == 40)
        // It goes on with the others, and starts again from what it has.
        network.run(for: .seconds(200))
        network.stop(Self.newcomer)
        try network.start(Self.newcomer)
        network.run(for: .seconds(200))
        #expect(network.heights[Self.newcomer] == network.heights[0])
        #expect(network.misdeeds.isEmpty)
    }

    /// What was synced is what all blocks from the first on come to.
    @Test func theStateOfASnapshotIsThatOfTheBlocks() throws {
        var network = try Self.old(isPruned: false)
        try Self.join(&network)
        let base = try #require(network.disks[Self.newcomer].snapshots.base?.state)
        var state = try network.genesis.state()
        for certified in network.disks[0].log.prefix(40) {
            let checked = try CheckedTransaction.check(certified.block.transactions[...], on: state.chainID).get()
            state.apply(try state.execute(certified.block, checked))
        }
        #expect(base.root == state.root && base.all == state.all && base.head == state.head && base.rotation == state.rotation)
    }

    @Test func whoSleptThroughManyEpochsTakesASnapshotToo() throws {
        var network = try Self.old()
        try Self.join(&network)
        network.stop(Self.newcomer)
        network.run(for: .seconds(3_600)) { $0.heights[0] >= 92 }
        for index in 0..<4 { network.disks[index].snapshots.keptFrom = 80 }
        try Self.join(&network)
        #expect(network.disks[Self.newcomer].snapshots.base?.head.height == 88)
        #expect(network.misdeeds.isEmpty)
    }

    @Test func withoutSnapshotsBlocksAreFetched() throws {
        var network = try Self.old(keeping: [], isPruned: false)
        try Self.join(&network)
        #expect(network.disks[Self.newcomer].snapshots.base == nil)
        #expect(network.misdeeds.isEmpty)
    }

    @Test func whoIsAFewBlocksBehindFetchesBlocks() throws {
        var network = try Self.old(isPruned: false)
        network.settings.gap = 100
        try Self.join(&network)
        #expect(network.disks[Self.newcomer].snapshots.base == nil)
    }

    // MARK: lies

    /// What the peers 0 and 1 do. They offer the same, and more than the one honest peer that has a snapshot: theirs is tried first.
    enum Lie: String, CaseIterable, Sendable {
        case changedLeaf, missingLeaf, addedLeaf, otherHeight, otherRoot, futureHeight
        case moreChunks, endlessBytes, otherChunk, shortChunk
        case falseHeader, otherHeader, staleHeader
        case silentAtOffers, silentAtHeaders, silentAtChunks, noChunks

        /// nil: who does it is only left.
        var misdeed: ChainNode.Misdeed? {
            switch self {
            case .falseHeader, .otherHeader: .falseHeader
            case .silentAtOffers, .silentAtHeaders, .silentAtChunks, .noChunks, .futureHeight, .staleHeader: nil
            default: .falseSnapshot
            }
        }

        /// So many do it. Two witnesses have to be left for a header.
        var liars: Int {
            switch self {
            case .falseHeader, .otherHeader, .staleHeader, .silentAtHeaders: 1
            default: 2
            }
        }
    }

    @Test(arguments: Lie.allCases) func aLiarIsPunishedOrLeftAndAnotherIsAsked(lie: Lie) throws {
        var network = try Self.old(keeping: [0, 1, 3])
        let forged = try Forgery(lie, of: network.disks[0].snapshots.made[1], in: network)
        network.tamper = { message, sender in sender < lie.liars ? forged.alter(message) : message }
        try Self.join(&network, within: 900)
        #expect(network.disks[Self.newcomer].snapshots.base?.head.height == 40)
        #expect(Set(network.culprits.keys).isSubset(of: [0, 1]), "\(network.culprits)")
        #expect(Set(network.misdeeds) == Set([lie.misdeed].compactMap(\.self)), "\(network.misdeeds)")
    }

    /// Everybody who has a snapshot lies: blocks are left, as long as they are kept.
    @Test(arguments: [Lie.changedLeaf, .silentAtChunks, .silentAtOffers, .otherRoot])
    func withoutAnHonestSnapshotBlocksAreFetched(lie: Lie) throws {
        var network = try Self.old(keeping: [0, 1], isPruned: false)
        let forged = try Forgery(lie, of: network.disks[0].snapshots.made[1], in: network)
        network.tamper = { message, sender in sender < lie.liars ? forged.alter(message) : message }
        try Self.join(&network, within: 900)
        #expect(network.disks[Self.newcomer].snapshots.base == nil)
    }

    /// One holder goes away in the middle of it.
    @Test func aPeerThatLeavesIsReplaced() throws {
        var network = try Self.old(keeping: [0, 3])
        try network.start(Self.newcomer)
        network.run(for: .seconds(60)) { $0.nodes[Self.newcomer]?.sync.replacesBlocks ?? false }
        network.stop(0)
        network.run(for: .seconds(300)) { $0.heights[Self.newcomer] >= $0.heights[1] }
        #expect(network.disks[Self.newcomer].snapshots.base?.head.height == 40)
        #expect(network.misdeeds.isEmpty)
    }

    // MARK: manners

    @Test func whatWasNotAskedForIsPunishedAndWhatIsLateIsNot() throws {
        let network = try Self.old()
        var node = ChainNode(
            identity: nil, timing: ConsensusTiming(), state: try network.genesis.state(), lastCommit: nil,
            past: .init(signing: nil, isWhole: true), bound: [], settings: network.settings)
        let peers = network.keys.prefix(4).map(\.publicKey)
        func punished(_ actions: [ChainNode.Action]) -> [ChainNode.Misdeed] {
            actions.compactMap { if case .punish(_, let misdeed) = $0 { misdeed } else { nil } }
        }
        for peer in peers { _ = node.handle(.connected(peer), at: .zero, clock: network.clock) }
        let manifest = network.disks[0].snapshots.made[0].manifest
        let answers: [ChainMessage] = [
            .snapshot(SnapshotOffer(manifest)), .lightBlock(LightReply(LightQuestion(3), nil)),
            .chunk(ChunkReply(ChunkName(height: 40, index: 0), [1])),
        ]
        // The first may answer what was asked over the link before this one.
        for misdeeds in [[], [ChainNode.Misdeed.unasked]] {
            for answer in answers {
                #expect(punished(node.handle(.message(answer, from: peers[0]), at: .zero, clock: network.clock)) == misdeeds)
            }
        }
        let status = NodeStatus(height: 42, rounds: RoundSummary(), isAnswer: true)
        _ = node.handle(.message(.status(status), from: peers[0]), at: .zero, clock: network.clock)
        let asked = node.handle(.timer(.gossip), at: .zero + .seconds(1), clock: network.clock)
        #expect(asked.contains { if case .send(.wantsSnapshot, peers[1]) = $0 { true } else { false } })
        // All are too slow: the attempt is over when they answer.
        _ = node.handle(.timer(.gossip), at: .zero + .seconds(40), clock: network.clock)
        #expect(!node.isSyncing)
        for (late, misdeeds) in [(true, []), (true, []), (false, [ChainNode.Misdeed.unasked])] {
            let actions = node.handle(.message(answers[0], from: peers[1]), at: .zero + .seconds(41), clock: network.clock)
            #expect(punished(actions) == misdeeds, "late: \(late)")
        }
        // It rests for a minute.
        #expect(!node.isSyncing)
    }

    @Test func questionsAreAnsweredAsOftenAsBlocksAre() throws {
        let network = try Self.old()
        var node = try #require(network.nodes[0])
        let peer = network.keys[4].publicKey
        _ = node.handle(.connected(peer), at: network.now, clock: network.clock)
        let questions: [ChainMessage] = [
            .wantsSnapshot, .wantsLightBlock(LightQuestion(1)), .wantsChunk(ChunkName(height: 40, index: 0)),
            .wantsBlocks(BlockRange(from: 1, count: 1)),
        ]
        var now = network.now
        for first in questions {
            now = now + ChainNode.blocksEvery
            #expect(node.handle(.message(first, from: peer), at: now, clock: network.clock).count == 1)
            for second in questions {
                #expect(node.handle(.message(second, from: peer), at: now + .milliseconds(49), clock: network.clock).isEmpty)
            }
        }
    }

    @Test func withoutAClockNoHeaderIsBelieved() throws {
        let network = try Self.old()
        var node = ChainNode(
            identity: nil, timing: ConsensusTiming(), state: try network.genesis.state(), lastCommit: nil,
            past: .init(signing: nil, isWhole: true), bound: [], settings: network.settings)
        for key in network.keys.prefix(4) { _ = node.handle(.connected(key.publicKey), at: .zero, clock: nil) }
        let status = NodeStatus(height: 42, rounds: RoundSummary(), isAnswer: true)
        _ = node.handle(.message(.status(status), from: network.keys[0].publicKey), at: .zero, clock: nil)
        _ = node.handle(.timer(.gossip), at: .zero + .seconds(1), clock: nil)
        #expect(!node.isSyncing)
        _ = node.handle(.timer(.gossip), at: .zero + .seconds(2), clock: network.clock)
        #expect(node.isSyncing)
    }

    /// Ten days after the start of the chain its first delegates may have left, and can no longer be punished.
    @Test func anOldGenesisIsNoStart() throws {
        let network = try Self.old(isPruned: false)
        let shift = UInt64(10 * 86_400_000)
        var node = ChainNode(
            identity: nil, timing: ConsensusTiming(), state: try network.genesis.state(), lastCommit: nil,
            past: .init(signing: nil, isWhole: true), bound: [], settings: network.settings)
        let clock = network.clock + shift
        for key in network.keys.prefix(4) { _ = node.handle(.connected(key.publicKey), at: .zero, clock: clock) }
        let status = NodeStatus(height: 42, rounds: RoundSummary(), isAnswer: true)
        _ = node.handle(.message(.status(status), from: network.keys[0].publicKey), at: .zero, clock: clock)
        _ = node.handle(.timer(.gossip), at: .zero + .seconds(1), clock: clock)
        let offer = SnapshotOffer(network.disks[0].snapshots.made[1].manifest)
        for key in network.keys.prefix(4) {
            _ = node.handle(.message(.snapshot(offer), from: key.publicKey), at: .zero + .seconds(2), clock: clock)
        }
        #expect(!node.isSyncing)
        #expect(node.syncFailure?.contains("checkpoint") == true)
    }
}
