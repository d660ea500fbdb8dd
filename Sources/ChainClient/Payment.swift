public import Ledger
public import Primitives

/// Making a transaction, sending it, and waiting until it is final.
extension ChainClient {
    /// A transaction may wait for a block so long, of the chain's time. Short: what was given up is not done later.
    public static let validity: UInt64 = 10 * 60_000
    /// The chain's clock and this one may differ by so much, the age of an idle chain's last block included.
    private static let clockDrift: UInt64 = 10 * 60_000
    /// Transactions of one account that wait at a time, at most (chain.md, "Peers": 16), and some to spare.
    private static let waitingLimit: UInt64 = 64
    /// Before it is believed that the node does not know what became of a transaction.
    private static let looks = 10

    /// Unsigned, with the next number of its sender and the least fee.
    /// - Parameter feeLimit: what the fee may be at most, whatever the node says that the chain asks for.
    /// - Throws: `unwise` if the fee is above the limit, or the node's time is far ahead of the wallet's.
    public func draft(
        _ payload: Payload, by sender: PublicKey, feeLimit: QLC
    ) async throws(ChainClientError) -> Transaction {
        let address = Address(sender, on: network).description
        let next: SequenceAnswer = try await connection.call(.nextSequence, ["address": .text(address)])
        guard next.nextSequence >= next.sequence, next.nextSequence - next.sequence <= Self.waitingLimit else {
            throw .notAnAnswer(node: node, why: "the number after \(next.sequence) is not \(next.nextSequence)")
        }
        let parameters = try await connection.call(.parameters, as: ParametersAnswer.self).parameters
        let time = try await status().finalizedAt.milliseconds
        guard time <= clock.now().saturatingAdd(Self.clockDrift) else {
            throw .unwise(
                "the chain says it is \(ChainTime(milliseconds: time)), this clock \(ChainTime(milliseconds: clock.now())): set it"
            )
        }
        var transaction = Transaction(
            chainID: chainID, sender: sender, sequence: next.nextSequence, fee: .zero,
            validUntil: time.saturatingAdd(Self.validity), payload: payload)
        transaction.fee = Fees.least(
            for: payload, bytes: transaction.canonicalBytes.count + Signature.size, parameters)
        guard transaction.fee <= feeLimit else {
            throw .unwise("the fee would be \(transaction.fee) QLC, more than \(feeLimit): allow it with --fee-limit")
        }
        return transaction
    }

    /// Sends it. If no answer comes the same bytes are sent again, which never pays twice.
    public func submit(_ signed: CheckedTransaction) async throws(ChainClientError) {
        var failure: ChainClientError?
        for _ in 0..<3 {
            do throws(ChainClientError) {
                let answer: SubmitAnswer = try await connection.call(
                    .submit, ["transaction": .text(Hex.encode(signed.bytes))])
                guard answer.id == signed.id else { throw .lie(node: node, why: "it names another transaction than was sent") }
                return
            } catch .unreachable(let words, let isNotPermitted) {
                failure = .unreachable(words, isNotPermitted: isNotPermitted)
                await clock.sleep(pause)
            } catch {
                // A block may have taken it already, unheard.
                guard failure != nil, error.isInadmissible else { throw error }
                return
            }
        }
        if let failure { throw failure }
    }

    public enum Outcome: Hashable, Sendable {
        case waiting
        case done(height: UInt64)
        case refused(height: UInt64, reason: String)
        /// No block took it in time, and none will.
        case expired
        /// Its number is used, but the node cannot say any more by what, or what came of it.
        case unknown
    }

    /// What became of it, as the node says.
    /// - Parameter waits: until it is final or can be so no more; else one look.
    public func outcome(of signed: CheckedTransaction, waits: Bool) async throws(ChainClientError) -> Outcome {
        let start = clock.now()
        var unheard = 0
        while true {
            let outcome = try await look(for: signed)
            // A node may know the account's new number a moment before it knows what became of the transaction.
            if outcome == .unknown { unheard += 1 }
            guard waits, outcome == .waiting || outcome == .unknown && unheard < Self.looks else { return outcome }
            onWait?("a block that takes it", Int((clock.now() &- start) / 1_000))
            await clock.sleep(pause)
        }
    }

    private func look(for signed: CheckedTransaction) async throws(ChainClientError) -> Outcome {
        do throws(ChainClientError) {
            let answer: TransactionAnswer = try await connection.call(.transaction, ["id": .text("\(signed.id)")])
            guard answer.id == signed.id else { throw .lie(node: node, why: "it tells of another transaction than was asked") }
            switch (answer.status, answer.height) {
            case ("done", let height?): return .done(height: height)
            case ("refused", let height?): return .refused(height: height, reason: answer.reason ?? "it does not say why")
            default: return try await hasExpired(signed.transaction) ? .expired : .waiting
            }
        } catch {
            guard error.isNotFound else { throw error }
            return try await missing(signed)
        }
    }

    /// The node has forgotten it, or its pool has let it go.
    private func missing(_ signed: CheckedTransaction) async throws(ChainClientError) -> Outcome {
        let address = Address(signed.transaction.sender, on: network).description
        let next: SequenceAnswer = try await connection.call(.nextSequence, ["address": .text(address)])
        if next.sequence > signed.transaction.sequence { return .unknown }
        if try await hasExpired(signed.transaction) { return .expired }
        do throws(ChainClientError) { try await submit(signed) } catch {
            // A block took it between the two questions; or none can any more, and then it expires.
            guard error.isInadmissible else { throw error }
        }
        return .waiting
    }

    /// By the chain's own time. A chain that stands still lets nothing expire.
    private func hasExpired(_ transaction: Transaction) async throws(ChainClientError) -> Bool {
        try await status().finalizedAt.milliseconds > transaction.validUntil
    }
}
