import ArgumentParser
import ChainClient
import Ledger
import Primitives
import StationAPI

/// What every command takes that sends a transaction.
struct SendingOptions: ParsableArguments {
    @Option(help: "Send nothing if the fee is more QLC than this.") var feeLimit = "0.1"
    @OptionGroup var chain: ChainOptions
}

/// A transaction on its way, as `--json` says it.
struct SentView: Encodable {
    var transactionId: Bytes32
    var kind: String
    var sender: String
    var sequence: UInt64
    var feeQlc: QLC
    var validUntil: ChainTime
    /// `waiting`, `done`, `refused`, `expired` or `unknown`.
    var status = "waiting"
    var height: UInt64?
    var reason: String?
    var amountQlc: QLC?
    var to: String?
    var channelId: Bytes32?
    /// That the transaction's number is used, on the chain of the genesis file.
    var proof = ProofView("it was not waited for")
}

extension SendingOptions {
    /// Signs, sends, waits and tells.
    /// - Parameters:
    ///   - title: what is done, in words.
    ///   - prepare: done before anything is sent: what must not be lost then.
    func send(
        _ payload: Payload, _ title: String, by key: PrivateKey, through client: inout ChainClient,
        _ prepare: (Transaction, inout SentView) throws -> Void = { _, _ in }
    ) async throws {
        guard let limit = QLC(feeLimit) else { throw ValidationError("\"\(feeLimit)\" is not an amount of QLC") }
        let draft = try await client.draft(payload, by: key.publicKey, feeLimit: limit)
        var view = SentView(
            transactionId: draft.digest, kind: "\(payload.kind)".inSnakeCase, sender: client.address(draft.sender),
            sequence: draft.sequence, feeQlc: draft.fee, validUntil: ChainTime(milliseconds: draft.validUntil))
        try prepare(draft, &view)
        let signed = CheckedTransaction(signing: draft, by: key)
        try await client.submit(signed)
        if chain.waits {
            view.take(try await client.outcome(of: signed, waits: true))
            if let height = view.height { view.proof = try await use(of: signed, by: height, &client) }
        }
        chain.keep(client)
        if chain.json { try printJSON(view) } else { show(view, title) }
        if view.status == "refused" || view.status == "expired" { throw ExitCode(1) }
    }

    /// A node that says "done" of what no block has would be found out here.
    private func use(
        of signed: CheckedTransaction, by height: UInt64, _ client: inout ChainClient
    ) async throws -> ProofView {
        let account = try await client.account(signed.transaction.sender)
        guard account.height >= height else { return ProofView("the node went back behind height \(height)") }
        guard account.value?.sequence ?? 0 > signed.transaction.sequence else {
            throw ChainClientError.lie(
                node: chain.node, why: "it says that a block has the transaction, and the account shows that none has")
        }
        return ProofView(account.standing)
    }

    private func show(_ view: SentView, _ title: String) {
        print(title)
        if let to = view.to { print(Screen.field("to", to)) }
        if let channel = view.channelId { print(Screen.field("channel", channel)) }
        print(Screen.field("transaction", view.transactionId))
        print(Screen.field("fee", "\(view.feeQlc) QLC"))
        switch view.status {
        case "done": print("final at height \(view.height ?? 0)")
        case "refused": print(Screen.wrap("REFUSED at height \(view.height ?? 0), only the fee is paid: \(view.reason ?? "")"))
        case "expired": print("EXPIRED: no block took it by \(view.validUntil), and none will; nothing is paid")
        case "unknown": print("in a block, but the node cannot say what came of it: look at the balance")
        default: print("sent; no block has it yet: qlink history --chain")
        }
        if view.height != nil { print(Screen.wrap(view.proof.words)) }
    }
}

extension SentView {
    fileprivate mutating func take(_ outcome: ChainClient.Outcome) {
        switch outcome {
        case .waiting: status = "waiting"
        case .done(let at): (status, height) = ("done", at)
        case .refused(let at, let why): (status, height, reason) = ("refused", at, why.printable)
        case .expired: status = "expired"
        case .unknown: status = "unknown"
        }
    }
}
