import Chain
import ChainLab
import Ledger
import Node
import Primitives
import Testing

/// Four delegates and a follower, each with its own disk, on TLS over loopback. Nothing is simulated.
@Suite(.serialized) struct ChainServiceTests {
    @Test func aPaymentBecomesFinalAndSurvivesRestarts() async throws {
        let network = try Devnet(delegates: 4, followers: 1)
        defer { network.remove() }
        let payee = network.keys[1].publicKey
        let before = try network.genesis.state().account(payee).balance
        try await network.running { nodes in
            let id = try await network.pay(QLC(units: 700), to: payee, from: 4, sequence: 0, at: nodes[4])
            try await nodes[0].waitForReceipt(of: id)
            for node in nodes { try await node.wait { $0.account(payee).balance == before + QLC(units: 700) } }
        }
        // Every node starts from its disk alone, and the chain goes on.
        try await network.running { nodes in
            for node in nodes { #expect(await node.service.state.account(payee).balance == before + QLC(units: 700)) }
            let id = try await network.pay(QLC(units: 300), to: payee, from: 4, sequence: 1, at: nodes[2])
            try await nodes[4].waitForReceipt(of: id)
            for node in nodes {
                try await node.wait { $0.account(payee).balance == before + QLC(units: 1_000) }
                #expect(await node.service.state.supply == .supply)
                #expect(try await node.service.block(at: 1)?.height == 1)
                #expect(try await node.service.block(at: 1_000) == nil)
            }
        }
    }

    @Test func whoComesLateFetchesTheChain() async throws {
        let network = try Devnet(delegates: 4, followers: 1)
        defer { network.remove() }
        let payee = network.keys[1].publicKey
        try await network.running(only: [0, 1, 2]) { nodes in
            for sequence in 0..<5 as Range<UInt64> {
                let id = try await network.pay(QLC(units: 100), to: payee, from: 0, sequence: sequence, at: nodes[0])
                try await nodes[1].waitForReceipt(of: id)
            }
        }
        let before = try network.genesis.state().account(payee).balance
        try await network.running { nodes in
            for node in nodes { try await node.wait { $0.account(payee).balance == before + QLC(units: 500) } }
        }
    }
}
