import Foundation
import Lab
import Ledger
import NodeLab
import Primitives

/// How long a payment takes to be final: four delegates and a station, each a real daemon in a namespace of its own, on wires of 50 ms.
struct DevnetFigures {
    var rounds: Int
    var say: (String) -> Void

    private static let delegates = 4
    private static let station = 4
    private static let delay = Duration.milliseconds(50)
    /// Longer than from one block to the next while there is work.
    private static let quiet = Duration.milliseconds(2_500)

    func measure() async throws -> [Figure] {
        say("devnet: \(Self.delegates) delegates and a station, \(Int(Self.delay / .milliseconds(1))) ms from one another")
        let keys = (1...6).map { PrivateKey(seed: [UInt8](repeating: UInt8($0), count: 32))! }
        let net = try ChainNet(
            genesis: .devnet(keys, delegates: Self.delegates), keys: keys,
            roles: Array(repeating: "delegate", count: Self.delegates) + ["light"], delay: Self.delay)
        defer { net.close() }
        for node in net.nodes { _ = try await net.start(node.index) }
        var (quiet, busy): ([Double], [Double]) = ([], [])
        _ = try await pay(net, by: keys[5])  // connections, caches
        for _ in 0..<rounds {
            try await Task.sleep(for: Self.quiet)
            quiet.append(try await pay(net, by: keys[5]))
            busy.append(try await pay(net, by: keys[5]))
        }
        let note = "a transfer handed to the station, until the station and all delegates have it in a final block"
        return [
            Figure(
                "devnet_finality_ms", "Final, after a quiet moment", unit: "ms", goal: .atMost(1_000),
                reference: "3 messages one after the other: 150 ms", rounds: quiet, note: note),
            Figure(
                "devnet_payment_ms", "  right behind another block", unit: "ms",
                reference: "a block every 2,000 ms while there is work", rounds: busy, note: note),
        ]
    }

    /// Milliseconds from handing it in until every node says that it is final.
    private func pay(_ net: ChainNet, by wallet: PrivateKey) async throws -> Double {
        let begun = ContinuousClock.now
        let payment = try await net.submit(
            .transfer(Transfer(to: net.nodes[0].key.publicKey, amount: QLC(units: 1_000))), by: wallet, at: Self.station)
        for node in net.nodes.reversed() { try await net.wait(for: payment, at: node.index) }
        return (ContinuousClock.now - begun) / .milliseconds(1)
    }
}
