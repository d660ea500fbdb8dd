import ChainClient
import Primitives
import StationAPI

/// `qlink history --chain`: what the node remembers of the wallet's account.
struct AccountHistoryList {
    private struct View: Encodable {
        var address: String
        /// Receipts up to there are not kept any more.
        var forgottenUpToHeight: UInt64
        var transactions: [TransactionAnswer]
        var proof: ProofView
    }

    let chain: ChainOptions

    func show() async throws {
        let own = try chain.file.publicKey()
        let client = try await chain.open()
        let history = try await client.history(of: own)
        let view = View(
            address: client.address(own), forgottenUpToHeight: history.forgottenUpTo, transactions: history.transactions,
            proof: ProofView("histories have no proof; balances have"))
        if chain.json { return try printJSON(view) }
        if history.forgottenUpTo > 0 { print("the node has forgotten what was up to height \(history.forgottenUpTo)") }
        if history.transactions.isEmpty { print("no transactions that the node remembers") }
        for transaction in history.transactions { lines(transaction, own: view.address).forEach { print($0) } }
    }

    private func lines(_ transaction: TransactionAnswer, own: String) -> [String] {
        let isOut = transaction.sender == own
        let named = transaction.payload.amountQlc.map { QLC($0)?.description ?? "all" }
        let amount = named ?? transaction.payload.depositQlc?.description
        let kind = transaction.kind.printable.split(separator: "_").joined(separator: " ")
        var lines = [
            Screen.right("\(transaction.height ?? 0)", 9) + "  " + Screen.fit(kind, 18) + " " + (isOut ? "out " : "in  ")
                + Screen.right(amount ?? "", 20) + "  " + Screen.fit(transaction.status.printable, 10)
        ]
        let other =
            isOut ? transaction.payload.to ?? transaction.payload.payee ?? transaction.payload.delegate : transaction.sender
        if let other { lines.append("           " + Screen.fit(other.printable, 66)) }
        if let reason = transaction.reason { lines.append("           " + Screen.fit(reason.printable, 66)) }
        return lines
    }
}
