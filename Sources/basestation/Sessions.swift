import ArgumentParser
import Charging
import Glibc
import Primitives
import StationAPI
import StationClient

struct Sessions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "One line a session.", usage: "basestation sessions [--active] [--since TIME] [--watch] [--json]",
        discussion: "Example: basestation sessions --active")
    @OptionGroup var common: Common
    @Flag(help: "Open sessions only.") var active = false
    @Option(help: "Sessions that ended since then, e.g. 2026-11-23.") var since: String?
    @Flag(help: "Show them anew each second.") var watch = false

    func run() async throws {
        if let since { try Self.check(since) }
        repeat {
            let sessions: [SessionView] = try await common.station.get(path)
            if watch, isatty(1) == 1 { print("\u{1b}[H\u{1b}[2J", terminator: "") }
            try common.show(sessions, Self.lines)
            fflush(nil)
            if watch { try await Task.sleep(for: .seconds(1)) }
        } while watch
    }

    static func check(_ since: String) throws {
        guard WallTime(since) != nil else {
            throw ValidationError("\"\(since.prefix(40))\" is not a time; write 2026-11-23 or 2026-11-23T09:00:00Z")
        }
    }

    private var path: String { "/v1/sessions?active=\(active)" + (since.map { "&since=\($0)" } ?? "") }

    static func lines(_ sessions: [SessionView]) -> [String] {
        guard !sessions.isEmpty else { return ["No sessions."] }
        let head =
            Screen.fit("CLIENT", 18) + Screen.fit("TARIFF", 12) + Screen.fit("STATE", 10) + Screen.right("TIME", 8)
            + Screen.right("UP", 10) + Screen.right("DOWN", 10) + Screen.right("QLC", 12)
        return [Screen.bold(head)]
            + sessions.map { session in
                Screen.fit(session.clientMac.description, 18) + Screen.fit(session.tariffId, 11) + " "
                    + Screen.fit(session.state, 10)
                    + Screen.right(Screen.duration(session.durationSeconds), 8)
                    + Screen.right(ByteCount(bytes: session.bytesUp).description, 10)
                    + Screen.right(ByteCount(bytes: session.bytesDown).description, 10)
                    + Screen.right(Screen.amount(session.chargeQlc), 12)
            }
    }
}

struct Usage: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Usage records.", subcommands: [Export.self])

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the signed usage records (CDRs).",
            usage: "basestation usage export [--since TIME] [--format csv|json]",
            discussion: "Example: basestation usage export --since 2026-11-01 --format csv")
        enum Format: String, ExpressibleByArgument, CaseIterable { case csv, json }
        @OptionGroup var common: Common
        @Option(help: "Sessions that ended since then.") var since = "1970-01-01"
        @Option(help: "csv or json.") var format = Format.csv

        func run() async throws {
            try Sessions.check(since)
            let isJSON = format == .json || common.json
            var all: [Signed<UsageRecord>] = []
            if !isJSON { print(UsageRow.columns.joined(separator: ",")) }
            while true {
                let after = all.last.map { "&after=\($0.claim.session)" } ?? ""
                let page: [Signed<UsageRecord>] = try await common.station.get("/v1/usage?since=\(since)\(after)")
                guard !page.isEmpty else { break }
                if isJSON { all += page } else { all = page.suffix(1) }
                if !isJSON { for record in page { print(UsageRow(record).csv) } }
            }
            if isJSON { print(String(decoding: try JSON.encode(all, pretty: true), as: UTF8.self)) }
        }
    }
}
