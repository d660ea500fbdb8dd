import Consensus
import Ledger
@testable import Node
import Primitives
import Testing

/// A node that is behind, and those who say that they have what it misses.
@Suite struct CatchUpTests {
    /// Four delegates with some blocks, and a node that starts.
    private func late(blocks: Int) throws -> NetworkOfNodes {
        var network = try NetworkOfNodes(delegates: 4, followers: 1)
        network.stop(4)
        for amount in 1...blocks {
            network.submit(.transfer(Transfer(to: network.keys[1].publicKey, amount: QLC(units: UInt64(amount)))), by: 0, at: 0)
            network.run(for: .milliseconds(2_500)) { $0.heights[0] >= UInt64(amount) }
        }
        return network
    }

    @Test func smallAnswersComeOneAfterTheOther() throws {
        var network = try late(blocks: 12)
        network.blocksPerAnswer = 1
        try network.start(4)
        network.run(for: .seconds(6)) { $0.heights[4] >= 12 }
        #expect(network.heights[4] >= 12)
        #expect(network.misdeeds.isEmpty)
    }

    /// 1 MiB takes longer than ten seconds over many a cellular link.
    @Test func aLateAnswerIsTakenAndNotPunished() throws {
        let network = try late(blocks: 2)
        var node = try #require(network.blank)
        let (peer, block) = (network.keys[0].publicKey, network.disks[0].log[0])
        #expect(node.asks(after: [(peer, 1)], at: .zero) == [peer])
        let later = Instant.zero + .seconds(11)
        #expect(node.asks(after: [], at: later) == [])
        let actions = node.handle(.message(.blocks(Blocks([block])), from: peer), at: later, clock: network.clock)
        #expect(node.state.head.height == 1)
        #expect(!actions.contains { if case .punish = $0 { true } else { false } })
        // The answer to a question over the link before this one may come as well; nothing comes beyond it.
        for isUnasked in [false, true] {
            let again = node.handle(.message(.blocks(Blocks([block])), from: peer), at: later, clock: network.clock)
            #expect(again.contains { if case .punish(peer, .unasked) = $0 { true } else { false } } == isUnasked)
        }
    }

    @Test func whoPromisesAndDoesNotAnswerIsAskedLast() throws {
        let network = try late(blocks: 2)
        var node = try #require(network.blank)
        let (liar, honest) = (network.keys[0].publicKey, network.keys[1].publicKey)
        #expect(node.asks(after: [(liar, 1_000_000), (honest, 1)], at: .zero) == [liar])
        #expect(node.asks(after: [], at: .zero + .seconds(11)) == [honest])
        _ = node.handle(
            .message(.blocks(Blocks([network.disks[0].log[0]])), from: honest), at: .zero + .seconds(11), clock: network.clock)
        #expect(node.state.head.height == 1)
        #expect(node.asks(after: [(honest, 2), (liar, 1_000_000)], at: .zero + .seconds(12)) == [honest])
    }
}

extension NetworkOfNodes {
    /// A follower at height 0 that knows all others.
    fileprivate var blank: ChainNode? {
        guard let state = try? genesis.state() else { return nil }
        var node = ChainNode(
            identity: nil, timing: ConsensusTiming(), state: state, lastCommit: nil, past: .init(signing: nil, isWhole: true),
            bound: [])
        _ = node.start(clock: clock)
        for key in keys { _ = node.handle(.connected(key.publicKey), at: .zero, clock: clock) }
        return node
    }
}

extension ChainNode {
    /// Whom it asks for blocks when these say how high they are, and a second passes.
    fileprivate mutating func asks(after claims: [(peer: PublicKey, height: UInt64)], at now: Instant) -> [PublicKey] {
        var actions: [Action] = []
        for (peer, height) in claims {
            let status = NodeStatus(height: height, rounds: RoundSummary(), isAnswer: true)
            actions += handle(.message(.status(status), from: peer), at: now, clock: nil)
        }
        actions += handle(.timer(.gossip), at: now, clock: nil)
        return actions.compactMap { if case .send(.wantsBlocks, let peer) = $0 { peer } else { nil } }
    }
}
