import Primitives

/// The figures that build/run.json keeps.
struct RunFigures {
    struct Client: Encodable {
        var client: String
        var tariff: String
        /// Seen by counters at both ends of the path, which are not the station's.
        var wireBytes: UInt64
        /// In the signed usage records, from the station's kernel.
        var countedBytes: UInt64
        var chargedBytes: UInt64
        var chargeQlc: QLC
        var seconds: UInt64
    }

    struct File: Encodable {
        var wireBytes: UInt64
        var countedBytes: UInt64
        var chargedBytes: UInt64
        var cutoffOvershootBytes: Int64
        var clients: [Client]
    }

    var clients: [Client] = []
    var cutoffOvershootBytes: Int64

    init(cutoffOvershootBytes: Int64) { self.cutoffOvershootBytes = cutoffOvershootBytes }

    var file: File {
        let sum = { (part: (Client) -> UInt64) in clients.reduce(0) { $0 + part($1) } }
        return File(
            wireBytes: sum(\.wireBytes), countedBytes: sum(\.countedBytes), chargedBytes: sum(\.chargedBytes),
            cutoffOvershootBytes: cutoffOvershootBytes, clients: clients)
    }

    var agrees: Bool {
        cutoffOvershootBytes == 0
            && clients.allSatisfy { $0.wireBytes == $0.countedBytes && $0.countedBytes == $0.chargedBytes && $0.wireBytes > 0 }
    }

    var table: [String] {
        let pad = { (text: String, width: Int) in String(repeating: " ", count: max(0, width - text.count)) + text }
        let row = { (name: String, wire: String, counted: String, charged: String, money: String) in
            name + String(repeating: " ", count: max(0, 26 - name.count)) + pad(wire, 12) + pad(counted, 12) + pad(charged, 12)
                + pad(money, 14)
        }
        let rows = clients.map {
            row($0.client, "\($0.wireBytes)", "\($0.countedBytes)", "\($0.chargedBytes)", $0.chargeQlc.description)
        }
        let total = file
        return ["", row("", "on the wire", "counted", "charged", "QLC")] + rows + [
            row("in all", "\(total.wireBytes)", "\(total.countedBytes)", "\(total.chargedBytes)", ""),
            agrees
                ? "bytes on the wire = bytes counted = bytes charged; beyond the paid byte: \(cutoffOvershootBytes)"
                : "THE COUNTS DIFFER", "",
        ]
    }
}
