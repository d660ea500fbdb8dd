import ArgumentParser
import Primitives
import StationAPI
import StationClient

/// What goes on now, as the stations say it.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the sessions that go on: used, paid, left.", usage: "qlink status [options]",
        discussion: "Example: qlink status")

    @Flag(help: "Print JSON: an array of the stations' answers.") var json = false
    @OptionGroup var file: WalletFile

    func run() async throws {
        let journal = Journal(beside: file)
        var answers: [BuyerSessionView] = []
        var silent: [String] = []
        for var visit in journal.visits() where visit.endedAt == nil {
            do {
                let session: BuyerSessionView = try await visit.connection().get("/v1/sessions/\(visit.sessionId)")
                visit.update(session)
                if visit.endedAt == nil { answers.append(session) } else { journal.write(visit) }
                if !json, visit.endedAt == nil { show(session, of: visit) }
            } catch let problem as Problem where problem.kind == .unknown {
                visit.endedAt = .now  // the station has closed the account
                journal.write(visit)
            } catch is StationUnreachable {
                silent.append(visit.station)
            }
        }
        if json { print(String(decoding: try JSON.encode(answers, pretty: true), as: UTF8.self)) }
        if !silent.isEmpty {
            throw StationUnreachable(
                description: "no answer from \(silent.joined(separator: ", ")); ask again where it can be reached",
                isNotPermitted: false)
        }
        if !json, answers.isEmpty { print("no session goes on") }
    }

    private func show(_ session: BuyerSessionView, of visit: Visit) {
        print("\(visit.station)  tariff \(session.tariffId)  \(session.state)")
        print(
            "  used  \(ByteCount(bytes: session.bytesUp + session.bytesDown)) in \(session.durationSeconds) s for \(session.chargeQlc) QLC"
        )
        if visit.channel != nil {
            print(
                "  paid  \(session.paidQlc - session.chargedEarlierQlc) QLC ahead and used, of \(session.depositQlc) QLC in the channel"
            )
        }
        if let bytes = session.bytesRemaining { print("  left  \(ByteCount(bytes: bytes))") }
        if let seconds = session.secondsRemaining { print("  left  \(seconds) s") }
    }
}

struct History: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists this wallet's sessions, oldest first.", usage: "qlink history [--chain] [options]",
        discussion: """
            With --chain it lists what the chain has instead: the transactions that the
            node remembers, and the records of visits, which this wallet alone can read.
            Example: qlink history --json
            """)

    @Flag(name: .customLong("chain"), help: "The account's transactions and visits on the chain.") var onChain = false
    @OptionGroup var chain: ChainOptions

    func run() async throws {
        if onChain { return try await AccountHistoryList(chain: chain).show() }
        let (file, json) = (chain.file, chain.json)
        let visits = Journal(beside: file).visits()
        if json { return print(String(decoding: try JSON.encode(visits, pretty: true), as: UTF8.self)) }
        if visits.isEmpty { return print("no sessions yet") }
        print(Self.row("BEGUN", "STATION", "TARIFF", "BYTES", "TIME", "QLC"))
        for visit in visits {
            print(
                Self.row(
                    visit.startedAt.description, visit.station, visit.tariffId, ByteCount(bytes: visit.bytes).description,
                    "\(visit.durationSeconds) s", visit.endedAt == nil ? "goes on" : visit.chargeQlc.description))
        }
    }

    /// 80 columns.
    private static func row(_ begun: String, _ station: String, _ tariff: String, _ bytes: String, _ time: String, _ cost: String)
        -> String
    {
        let left = [(begun, 20), (station, 16), (tariff, 11)].map { pad($0, $1) + " " }
        let right = [(bytes, 9), (time, 8), (cost, 11)].map { String(pad(String($0.reversed()), $1).reversed()) }
        return left.joined() + right.joined(separator: " ")
    }

    private static func pad(_ text: String, _ columns: Int) -> String {
        text.count <= columns ? text + String(repeating: " ", count: columns - text.count) : text.prefix(columns - 1) + "…"
    }
}

extension Visit {
    func connection() throws -> StationConnection {
        var connection = StationConnection(StationAddress(station))
        if let simulatedClient { connection.headers = [("X-Simulated-Client", "\(simulatedClient)")] }
        return connection
    }
}

extension StationAddress {
    /// `10.0.0.1`, `10.0.0.1:2050`, `fd77::1`, `[fd77::1]:2050`.
    init(_ text: String) {
        if IPAddress(text) == nil, let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (1...65_535).contains(port)
        {
            self = .tcp(host: text[..<colon].trimmingBrackets, port: port)
        } else {
            self = .tcp(host: text, port: 2050)
        }
    }
}

extension Substring {
    fileprivate var trimmingBrackets: String { String(hasPrefix("[") && hasSuffix("]") ? dropFirst().dropLast() : self) }
}
