import Chain
import ChainLab
import Consensus
import Ledger
import Node
import Primitives
import Store
import Testing

/// A newcomer and a chain that has forgotten its first blocks, on real disks and TLS over loopback.
@Suite(.serialized) struct SnapshotSyncTests {
    @Test func aNewcomerJoinsAChainWhoseFirstBlocksAreGone() async throws {
        var parameters = Parameters()
        try parameters.set(.epochBlocks, to: 6)
        var timing = ConsensusTiming()
        timing.blockInterval = .milliseconds(50)
        let network = try Devnet(
            delegates: 4, followers: 1, parameters: parameters, timing: timing, gap: 8, blocksKept: 4, segmentSize: 2_048)
        defer { network.remove() }
        // No delegate: those earn fees at every epoch's end.
        let payee = network.keys[4].publicKey
        try await network.running(only: [0, 1, 2, 3]) { nodes in
            for sequence in 0..<40 as Range<UInt64> {
                let id = try await network.pay(QLC(units: 100), to: payee, from: 0, sequence: sequence, at: nodes[0])
                try await nodes[1].waitForReceipt(of: id)
            }
            for node in nodes { #expect(try await node.service.block(at: 1) == nil, "it is kept") }
        }
        let before = try network.genesis.state().account(payee).balance
        try await network.running { nodes in
            let newcomer = nodes[4].service
            for node in nodes { try await node.wait { $0.account(payee).balance == before + QLC(units: 4_000) } }
            // Not one block was applied from the first on.
            #expect(try await newcomer.block(at: 1) == nil)
            let id = try await network.pay(QLC(units: 300), to: payee, from: 0, sequence: 40, at: nodes[2])
            try await nodes[4].waitForReceipt(of: id)
            for node in nodes { try await node.wait { $0.account(payee).balance == before + QLC(units: 4_300) } }
            let (mine, theirs) = (await newcomer.state, await nodes[0].service.state)
            #expect(mine.head == theirs.head && mine.root == theirs.root && mine.all == theirs.all)
            #expect(mine.rotation == theirs.rotation && mine.supply == .supply)
        }
        // It starts from its own disk.
        try await network.running(only: [4]) { nodes in
            #expect(await nodes[0].service.state.account(payee).balance == before + QLC(units: 4_300))
        }
    }
}
