import Charging
import HAL
import OrderedCollections
import Primitives
import StationAPI

/// The page for people without a wallet: what it costs, what is left, a code to enter. Plain HTML, no script.
extension Station {
    func portalPage(for device: Neighbour?, notice: String?) async -> String {
        let tariff = await tariff(nil)
        let free = await cashier.read { $0.tariffs.filter(\.isFree) }
        let session = if let device { await session(of: device) } else { BuyerSessionView?.none }
        var body = "<h1>\(settings.name.escaped)</h1>"
        if !settings.portalMessage.isEmpty { body += "<p>\(settings.portalMessage.escaped)</p>" }
        if let notice { body += "<p class=notice role=alert>\(notice.escaped)</p>" }
        if let session {
            body += Self.account(session)
        } else if let tariff {
            body += "<h2>Price</h2><ul>" + tariff.inWords.map { "<li>\($0.escaped)</li>" }.joined() + "</ul>"
        }
        if session?.state != "active" {
            for tariff in free {
                body += """
                    <form method=post action=/portal/free><input type=hidden name=tariff value="\(tariff.id.escaped)">
                    <button>Use it for free</button></form>
                    """
            }
            body += """
                <h2>Access code</h2><form method=post action=/portal/code>
                <label for=code>The twelve symbols on your card</label>
                <input id=code name=code autocomplete=off autocapitalize=characters spellcheck=false maxlength=20 \
                placeholder="ABCD-EFGH-JKMN" required><button>Go online</button></form>
                <h2>Wallet</h2><p>Pay as you go with QLC: <code>qlink connect \(Self.hostHint(device))</code></p>
                """
        }
        if device == nil { body += "<p class=notice>Connect to this station's network first.</p>" }
        return Self.frame(title: settings.name, body: body)
    }

    private static func hostHint(_ device: Neighbour?) -> String { device == nil ? "STATION" : "this station" }

    private static func account(_ session: BuyerSessionView) -> String {
        let state =
            switch session.state {
            case "active": "You are online."
            case "exhausted": "What was paid is used up. Pay more, or enter a code."
            default: "The session has ended."
            }
        var rows = [
            ("Used", ByteCount(bytes: session.bytesUp + session.bytesDown).description), ("Time", time(session.durationSeconds)),
        ]
        if let bytes = session.bytesRemaining { rows.append(("Left", ByteCount(bytes: bytes).description)) }
        if let seconds = session.secondsRemaining { rows.append(("Time left", time(seconds))) }
        if session.depositQlc > .zero { rows += [("Charged", "\(session.chargeQlc) QLC"), ("Paid", "\(session.paidQlc) QLC")] }
        let table = rows.map { "<tr><th scope=row>\($0)<td>\($1)" }.joined()
        return """
            <p class=state>\(state)</p><table>\(table)</table>
            <form method=get action=/portal><button>Refresh</button></form>
            <form method=post action=/portal/leave><button class=quiet>Leave</button></form>
            """
    }

    private static func time(_ seconds: UInt64) -> String {
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
        return hours > 0 ? "\(hours) h \(minutes) min" : minutes > 0 ? "\(minutes) min \(seconds % 60) s" : "\(seconds) s"
    }

    private static func frame(title: String, body: String) -> String {
        """
        <!doctype html><html lang=en><meta charset=utf-8><title>\(title.escaped)</title>
        <meta name=viewport content="width=device-width,initial-scale=1"><meta name=color-scheme content="light dark">
        <style>
        :root{color-scheme:light dark;--ink:#16202a;--paper:#f7f8fa;--card:#fff;--line:#ccd3db;--accent:#0b5fa5;--on:#fff}
        @media(prefers-color-scheme:dark){:root{--ink:#e8edf2;--paper:#11161c;--card:#1a222b;--line:#39444f;--accent:#6db6f2;--on:#08131d}}
        body{margin:0;padding:1rem;background:var(--paper);color:var(--ink);font:1.0625rem/1.5 system-ui,sans-serif}
        main{max-width:28rem;margin:0 auto;padding:1.25rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem}
        h1{margin:0 0 .5rem;font-size:1.5rem}h2{margin:1.5rem 0 .25rem;font-size:1.0625rem}
        ul{margin:.25rem 0;padding-left:1.25rem}table{width:100%;border-collapse:collapse}
        th,td{padding:.375rem 0;border-bottom:1px solid var(--line);text-align:left;font-weight:400}
        td{text-align:right;font-variant-numeric:tabular-nums}label{display:block;margin:.25rem 0}
        input:not([type=hidden]){box-sizing:border-box;width:100%;padding:.75rem;font:inherit;letter-spacing:.08em;text-transform:uppercase;
        color:inherit;background:var(--paper);border:1px solid var(--line);border-radius:.5rem}
        button{width:100%;margin:.75rem 0 0;padding:.75rem;font:inherit;font-weight:600;color:var(--on);background:var(--accent);
        border:0;border-radius:.5rem}button.quiet{color:inherit;background:none;border:1px solid var(--line)}
        .notice{padding:.5rem .75rem;border-left:.25rem solid var(--accent);background:var(--paper)}.state{font-weight:600}
        code{overflow-wrap:anywhere}
        </style><main>\(body)</main></html>
        """
    }
}

extension String {
    /// Safe inside HTML text and quoted attributes.
    var escaped: String {
        reduce(into: "") { text, character in
            switch character {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "'": text += "&#39;"
            default: text.append(character)
            }
        }
    }
}

extension Tariff {
    /// The price as sentences, base rates first.
    var inWords: [String] {
        if isFree { return [acceptsDonations ? "Free; donations are welcome." : "Free."] }
        var lines: [String] = []
        func add(_ price: Price?, _ what: String, _ unit: UInt64, _ name: String) {
            guard let price, price.amount > .zero else { return }
            lines.append("\(price.charge(for: unit)) QLC for each \(name)\(what)")
        }
        add(rates.second, "", 60, "minute")
        if rates.hasOneBytePrice {
            add(rates.byteUp, "", 1_000_000, "megabyte")
        } else {
            add(rates.byteUp, " sent", 1_000_000, "megabyte")
            add(rates.byteDown, " received", 1_000_000, "megabyte")
        }
        if flat > .zero { lines.append("\(flat) QLC once") }
        if let package {
            let size = [package.bytes.map { ByteCount(bytes: $0).description }, package.seconds.map { "\($0 / 60) minutes" }]
            lines.append("\(package.price) QLC for \(size.compactMap { $0 }.joined(separator: " or "))")
        }
        if freeBytes > 0 { lines.append("the first \(ByteCount(bytes: freeBytes)) are free") }
        if freeSeconds > 0 { lines.append("the first \(freeSeconds / 60) minutes are free") }
        if let cap = capPerSession { lines.append("never more than \(cap) QLC a session") }
        if let cap = capPerDay { lines.append("never more than \(cap) QLC a day") }
        if !windows.isEmpty { lines.append("other prices at some hours of the day") }
        return lines
    }
}
