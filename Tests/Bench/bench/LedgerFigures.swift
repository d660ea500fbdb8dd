import Consensus
import Crypto
import LargeLedger
import Ledger
import Primitives

/// How much of applying a block is more than checking its signatures: state, tree and receipts of a large ledger. And what it takes
/// somebody without the ledger to believe one entry of it.
struct LedgerFigures {
    var rounds: Int
    var say: (String) -> Void

    private static let accounts = 100_000
    private static let assets = 10_000
    private static let vouchersAtOnce = 62

    /// One block: what it takes, and what its signatures alone take, in nanoseconds of one processor.
    private struct Round {
        var applied: Double
        var raw: Double
        var signatures: Int
    }

    func measure() async throws -> [Figure] {
        say("ledger: \(Self.accounts) accounts, \(Self.assets) assets")
        var ledger = try LargeLedger()
        try await ledger.grow(accounts: Self.accounts, assets: Self.assets)
        try ledger.openChannels()
        var transfers: [Round] = []
        var settlements: [Round] = []
        for number in 0...rounds {
            transfers.append(try round(of: ledger.transfers(), on: &ledger))
            settlements.append(
                try round(of: ledger.settlements(UInt64(number + 1), atOnce: Self.vouchersAtOnce), on: &ledger))
        }
        return figures(Array(transfers.dropFirst()), Array(settlements.dropFirst()))
            + (try ProofFigures(rounds: rounds, ledger: ledger).measure())
    }

    private func round(of transactions: [CheckedTransaction], on ledger: inout LargeLedger) throws -> Round {
        let block = ledger.block(of: transactions)
        let signatures = try transactions.flatMap { try RawSignature.all(in: $0) }
        let round = try ProcessorTime.pinned { time in
            let half = signatures.count / 2
            let before = time.spent { signatures[..<half].forEach { $0.check() } }
            let applied = try time.spent { _ = try ledger.apply(block) }
            let after = time.spent { signatures[half...].forEach { $0.check() } }
            return Round(applied: applied, raw: before + after, signatures: signatures.count)
        }
        ledger.certify(block)
        return round
    }

    private func figures(_ transfers: [Round], _ settlements: [Round]) -> [Figure] {
        let raw = transfers.map { $0.raw / Double($0.signatures) / 1e3 }.quantile(0.5)
        let reference = "Ed25519 verify of swift-crypto: \(raw.short) µs"
        return [
            Figure(
                "ledger_apply_ratio", "Transfers, applied", unit: "ratio", goal: .atLeast(0.85), reference: reference,
                rounds: transfers.map { $0.raw / $0.applied },
                note:
                    "1,000 a block on \(Self.accounts) accounts; signatures, state, root and receipts; processor time of one core"
            ),
            Figure(
                "ledger_settle_ratio", "Vouchers, settled", unit: "ratio", goal: .atLeast(0.85), reference: reference,
                rounds: settlements.map { $0.raw / $0.applied }, note: "\(Self.vouchersAtOnce) a transaction"),
            Figure(
                "block_1000_tx_ms", "A block of 1,000 transfers", unit: "ms", goal: .atMost(150), reference: "one core",
                rounds: transfers.map { $0.applied / 1e6 }),
        ]
    }
}

/// One signature with everything prepared: what the library alone takes.
private struct RawSignature {
    var key: Curve25519.Signing.PublicKey
    var signature: [UInt8]
    var message: [UInt8]

    func check() { precondition(key.isValidSignature(signature, for: message), "a signature of the benchmark is false") }

    static func all(in checked: CheckedTransaction) throws -> [RawSignature] {
        let signed = try Signed<Transaction>(canonicalBytes: checked.bytes)
        var all = [try RawSignature(signed, by: signed.claim.sender)]
        if case .settleChannels(let settlement) = signed.claim.payload {
            all += try settlement.vouchers.map { try RawSignature($0.voucher, by: $0.sessionKey) }
        }
        return all
    }

    private init(_ signed: Signed<some Signable>, by signer: PublicKey) throws {
        key = try Curve25519.Signing.PublicKey(rawRepresentation: signer.raw.bytes)
        (signature, message) = (signed.signature.bytes, signed.claim.digest.bytes)
    }
}
