import LargeLedger
import Ledger
import Primitives

/// What it takes to prove one entry of a large state to somebody who has a header and no more.
struct ProofFigures {
    var rounds: Int
    var ledger: LargeLedger

    private static let proofs = 1_000

    /// An entry as it travels.
    private struct Proved {
        var key: StateKey
        var entry: StateEntry
        var proof: [UInt8]

        /// What the one who asked does with the answer.
        func check(under root: Bytes32) throws {
            let proof = try StateProof(canonicalBytes: proof)
            guard try proof.value(at: key.path, under: root) == entry.hash else {
                preconditionFailure("a proof of the benchmark is false")
            }
        }
    }

    func measure() throws -> [Figure] {
        let state = ledger.state
        let accounts = state.all.keys.filter { $0.kind == .account }.sorted()
        let all = stride(from: 0, to: accounts.count, by: max(1, accounts.count / Self.proofs)).map { index in
            let key = accounts[index]
            return Proved(key: key, entry: state[key]!, proof: state.tree.proof(of: key.path).canonicalBytes)
        }
        let times = try ProcessorTime.pinned { time in
            try (0..<rounds).map { _ in
                try time.spent { for proved in all { try proved.check(under: state.root) } } / Double(all.count) / 1e3
            }
        }
        let size = "the state has \(state.tree.count) entries"
        return [
            Figure(
                "proof_bytes", "A proof of one account", unit: "B", reference: size,
                rounds: all.map { Double($0.proof.count) }, note: "beside the entry itself and the header"),
            Figure(
                "proof_verify_us", "  checked", unit: "µs", reference: size, rounds: times,
                note: "processor time; decoded and hashed"),
        ]
    }
}
