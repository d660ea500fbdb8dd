import ChainClient
import Charging
import Ledger
import Primitives
import StationAPI

/// `qlink history --chain`: what the node remembers of the wallet's account, and the visits that this wallet alone can read.
struct AccountHistoryList {
    private struct View: Encodable {
        var address: String
        /// Receipts up to there are not kept any more.
        var forgottenUpToHeight: UInt64
        var transactions: [TransactionAnswer]
        /// Left out if the wallet's key could not be had.
        var visits: [VisitView]?
        /// The blocks that were looked through for them.
        var visitsFromHeight: UInt64?
        var visitsToHeight: UInt64?
        var proof: ProofView
    }

    let chain: ChainOptions

    func show() async throws {
        let own = try chain.file.publicKey()
        var client = try await chain.open()
        let history = try await client.history(of: own)
        let visits = try await visits(through: &client)
        let view = View(
            address: client.address(own), forgottenUpToHeight: history.forgottenUpTo, transactions: history.transactions,
            visits: visits?.visits.map { VisitView($0) }, visitsFromHeight: visits?.fromHeight, visitsToHeight: visits?.toHeight,
            proof: ProofView("histories have no proof; balances have"))
        if chain.json { return try printJSON(view) }
        if history.forgottenUpTo > 0 { print("the node has forgotten what was up to height \(history.forgottenUpTo)") }
        if history.transactions.isEmpty { print("no transactions that the node remembers") }
        for transaction in history.transactions { lines(transaction, own: view.address).forEach { print($0) } }
        show(visits, view.visits ?? [])
    }

    private func visits(through client: inout ChainClient) async throws -> VisitHistory? {
        guard try !chain.file.isOutOfReach() else { return nil }
        let key = OpeningKey(of: try chain.file.load())
        let visits = try await client.visits(for: key, waits: chain.waits)
        chain.keep(client)
        return visits
    }

    private func show(_ history: VisitHistory?, _ visits: [VisitView]) {
        guard let history else {
            return print(
                Screen.wrap("visits: the wallet has a passphrase and nobody is there to type it: --passphrase-file FILE"))
        }
        for visit in visits { visit.lines.forEach { print($0) } }
        let blocks = "in blocks \(history.fromHeight) to \(history.toHeight), all that the node has or shows"
        print(Screen.wrap("\(visits.isEmpty ? "no" : "\(visits.count)") visits \(blocks); that there are no more is not proved"))
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

/// One visit, as it is printed.
private struct VisitView: Encodable {
    var sessionId: String
    var assetId: AssetID
    /// The key of the asset's owner.
    var station: StationID
    var tariffId: String
    var startedAt: WallTime
    var endedAt: WallTime
    var durationSeconds: UInt64
    var bytesUp: UInt64
    var bytesDown: UInt64
    var chargeQlc: QLC
    var height: UInt64
    var transactionId: Bytes32
    var proof: ProofView

    init(_ visit: VisitHistory.Visit) {
        let record = visit.record
        (sessionId, assetId, station, tariffId) = (record.session.description, record.asset, record.station, record.tariffID)
        (startedAt, endedAt, durationSeconds) = (record.startedAt, record.endedAt, record.seconds)
        (bytesUp, bytesDown, chargeQlc) = (record.bytesUp, record.bytesDown, record.charge)
        (height, transactionId, proof) = (visit.height, visit.transaction, ProofView(visit.standing))
    }

    /// Of 80 columns at most.
    var lines: [String] {
        let bytes = ByteCount(bytes: bytesUp.saturatingAdd(bytesDown)).description
        let used = Screen.right(bytes, 10) + Screen.right("\(durationSeconds) s", 12) + Screen.right(chargeQlc.description, 20)
        return [
            Screen.right("\(height)", 9) + "  " + Screen.fit("visit", 6) + Screen.fit(startedAt.description, 20) + " " + used,
            "           " + Screen.fit("\(tariffId.printable) at \(assetId)", 66),
            "           " + Screen.fit(proof.proved ? "proved" : proof.words, 66),
        ]
    }
}
