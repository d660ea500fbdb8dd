import Charging
import Primitives

/// A signed usage record as a line of CSV (RFC 4180; no field needs quotes).
struct UsageRow {
    var claim: UsageRecord
    var signature: Signature

    init(_ signed: Signed<UsageRecord>) { (claim, signature) = (signed.claim, signed.signature) }

    static let columns = [
        "session_id", "buyer", "access_code", "tariff_id", "client_mac", "started_at", "ended_at", "duration_seconds", "bytes_up",
        "bytes_down", "charge_qlc", "paid_qlc", "end_reason", "station_signature",
        "voucher_qlc", "voucher_bytes", "buyer_signature",
    ]

    var csv: String {
        let code: String = claim.accessCode.map { String($0) } ?? ""
        let voucherBytes: String = (claim.voucher?.claim.cumulativeBytes).map { String($0) } ?? ""
        let fields: [String] = [
            claim.session.description, claim.buyer?.description ?? "", code, claim.tariffID,
            claim.mac.description, claim.startedAt.description, claim.endedAt.description, String(claim.seconds),
            String(claim.bytesUp), String(claim.bytesDown), claim.charge.description, claim.paid.description,
            claim.endReason.rawValue, signature.description,
            claim.voucher?.claim.cumulativeAmount.description ?? "", voucherBytes, claim.voucher?.signature.description ?? "",
        ]
        return fields.joined(separator: ",")
    }
}
