import Charging
import Consensus
import Ledger
@testable import Node
import Primitives
import SimulatedHAL
import Testing

@Suite struct ChainNodeTests {
    @Test func fourDelegatesAndAFollowerAgree() throws {
        var network = try NetworkOfNodes(delegates: 4, followers: 1)
        let payment = network.submit(.transfer(Transfer(to: network.keys[1].publicKey, amount: QLC(units: 700))), by: 4, at: 4)
        let before = try #require(network.nodes[0]).state.account(network.keys[1].publicKey).balance
        network.run(for: .seconds(10)) { $0.receipts[payment] != nil && Set($0.heights).count == 1 }
        #expect(network.now < Instant.zero + .seconds(6), "final at \(network.now)")
        let receipt = try #require(network.receipts[payment])
        #expect(receipt.refusal == nil)
        #expect(Set(network.nodes.map { $0?.state.root }).count == 1)
        #expect(network.nodes[3]?.state.account(network.keys[1].publicKey).balance == before + QLC(units: 700))
        #expect(network.nodes.allSatisfy { $0?.state.supply == .supply })
        #expect(network.misdeeds.isEmpty)
    }

    @Test func withoutWorkABlockComesAMinute() throws {
        var network = try NetworkOfNodes(delegates: 4, followers: 0)
        network.run(for: .seconds(601))
        #expect((9...10).contains(network.heights.min() ?? 0), "heights \(network.heights)")
    }

    @Test func oneOfFourCanBeGone() throws {
        var network = try NetworkOfNodes(delegates: 4, followers: 1)
        network.run(for: .seconds(1))
        network.stop(2)
        for amount in 1...10 {
            network.submit(.transfer(Transfer(to: network.keys[0].publicKey, amount: QLC(units: UInt64(amount)))), by: 4, at: 4)
            network.run(for: .seconds(20))
        }
        #expect(network.receipts.count == 10)
        #expect(network.receipts.values.allSatisfy { $0.refusal == nil })
    }

    @Test func whoSleptLongCatchesUp() throws {
        var network = try NetworkOfNodes(delegates: 4, followers: 1)
        network.stop(4)
        for amount in 1...100 {
            network.submit(.transfer(Transfer(to: network.keys[1].publicKey, amount: QLC(units: UInt64(amount)))), by: 0, at: 0)
            network.run(for: .milliseconds(2_500))
        }
        let height = network.heights.max() ?? 0
        #expect(height > 80)
        try network.start(4)
        network.run(for: .seconds(15)) { $0.heights[4] >= height }
        #expect(network.heights[4] >= height)
        #expect(network.nodes[4]?.state.supply == .supply)
        #expect(network.misdeeds.isEmpty)
    }

    @Test func allRestartWithWhatTheyHaveOnDisk() throws {
        var network = try NetworkOfNodes(delegates: 4, followers: 0)
        for turn in 0..<8 {
            let payment = network.submit(.transfer(Transfer(to: network.keys[1].publicKey, amount: QLC(units: 5))), by: 0, at: 0)
            network.run(for: network.random.milliseconds(1_900...2_400))
            for index in 0..<4 { network.stop(index) }
            for index in 0..<4 { try network.start(index) }
            if network.receipts[payment] == nil {
                network.submit(.transfer(Transfer(to: network.keys[1].publicKey, amount: QLC(units: 5))), by: 0, at: 0)
            }
            network.run(for: .seconds(30))
            #expect(network.receipts.count > turn)
            #expect(Set(network.nodes.map { $0?.state.root }).count == 1)
        }
    }

    @Test func aChannelEarnsItsPayee() throws {
        var network = try NetworkOfNodes(delegates: 4, followers: 2)
        let (payer, payee, session) = (network.keys[4].publicKey, network.keys[5].publicKey, PrivateKey())
        let sequence = try #require(network.nodes[4]).state.account(payer).sequence
        let opening = OpenChannel(
            payee: payee, sessionKey: session.publicKey, deposit: QLC(units: 1_000_000), expiry: network.clock + 86_400_000,
            disputeWindow: 3_600_000)
        let id = OpenChannel.id(of: payer, sequence)
        network.submit(.openChannel(opening), by: 4, at: 4)
        network.run(for: .seconds(5))
        let channel = try #require(network.nodes[5]?.state.channel(id))
        #expect(channel.left == QLC(units: 1_000_000))
        let voucher = Voucher(
            chainID: network.genesis.chainID, channel: id, cumulativeAmount: QLC(units: 300_000), cumulativeBytes: 9, sequence: 1)
        let before = try #require(network.nodes[5]).state.account(payee).balance
        let fee = QLC(units: 1_000_000)
        network.submit(
            .closeChannel(CloseChannel(id, voucher: PresentedVoucher(Signed(voucher, by: session), by: session.publicKey))),
            by: 5,
            at: 5, fee: fee)
        network.run(for: .seconds(5))
        #expect(network.nodes[0]?.state.channel(id) == nil)
        #expect(network.nodes[0]?.state.account(payee).balance == before + QLC(units: 300_000) - fee)
        #expect(network.receipts.values.allSatisfy { $0.refusal == nil })
    }

    /// A node that has heard a proposal and gets the final block from a peer does not take another body behind the same header.
    @Test func aBlockThatIsCaughtUpWithHasItsOwnBody() throws {
        var network = try NetworkOfNodes(delegates: 4, followers: 1)
        network.submit(.transfer(Transfer(to: network.keys[1].publicKey, amount: QLC(units: 700))), by: 4, at: 0)
        network.run(for: .seconds(10)) { !($0.nodes[4]?.candidates.isEmpty ?? true) }
        var behind = try #require(network.nodes[4])
        network.run(for: .seconds(10)) { !$0.disks[0].log.isEmpty }
        let whole = try #require(network.disks[0].log.first)
        var altered = whole
        altered.block.transactions = []
        let peer = network.keys[0].publicKey
        func offer(_ block: CertifiedBlock) -> [ChainNode.Action] {
            network.now = network.now + .seconds(1)
            let status = NodeStatus(height: 1, rounds: RoundSummary(), isAnswer: true)
            _ = behind.handle(.message(.status(status), from: peer), at: network.now, clock: network.clock)
            return behind.handle(.message(.blocks(Blocks([block])), from: peer), at: network.now, clock: network.clock)
        }
        #expect(behind.candidates[whole.block.header.id] != nil)
        let refused = offer(altered).contains { if case .punish(peer, .falseBlock) = $0 { true } else { false } }
        #expect(refused)
        #expect(behind.state.head.height == 0)
        _ = offer(whole)
        #expect(behind.state.head.height == 1)
    }

    /// So much of one delegate's goes through the network, and no more, however much it signs. A second copy goes nowhere.
    @Test func whoSignsWithoutEndIsPassedOnAFewTimes() throws {
        let network = try NetworkOfNodes(delegates: 4, followers: 1)
        var node = try #require(network.nodes[4])
        let (chainID, peer) = (node.state.chainID, network.keys[0].publicKey)
        let cheat = try #require(network.keys.first { $0.publicKey == node.state.rotation.proposer })
        var passedOn: [ChainMessage.Kind: Int] = [:]
        for number in (0..<20 as Range<UInt64>).flatMap({ [$0, $0] }) {
            var block = Block()
            block.header.time = number
            block.seal()
            let id = block.header.id
            let proposal = Proposal(chainID: chainID, height: 1, round: 0, validRound: nil, block: id)
            let vote = Vote(chainID: chainID, height: 1, round: 0, step: .prevote, block: id)
            for message in [
                ChainMessage.proposal(ProposedBlock(Signed(proposal, by: cheat), block)),
                .vote(Verified(signing: vote, by: cheat).ballot),
            ] {
                for case .send(message, nil) in node.handle(.message(message, from: peer), at: network.now, clock: network.clock)
                {
                    passedOn[message.kind, default: 0] += 1
                }
            }
        }
        #expect(passedOn == [.proposal: 2, .vote: 4])
    }
}
