import ArgumentParser
import Primitives
import StationAPI
import StationClient
import StationConfiguration

struct MiningCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mining", abstract: "Shows and steers mining in idle time.",
        subcommands: [Show.self, Pause.self, Resume.self], defaultSubcommand: Show.self)

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status", abstract: "Shows whether the station mines, why or why not, and what comes of it.")
        @OptionGroup var common: Common

        func run() async throws { try common.show(try await common.station.get("/v1/mining"), MiningCommand.lines) }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stops mining at once.", usage: "basestation mining pause [--for TIME]",
            discussion: "It stays so over restarts. Example: basestation mining pause --for 2h")
        @OptionGroup var common: Common
        @Option(name: .customLong("for"), help: "Mine again after so long, e.g. 30m; left out: when resumed.") var time: String?

        func validate() throws {
            guard let time else { return }
            guard let seconds = Nanoseconds(time)?.wholeSeconds, (1...MiningPause.longest).contains(seconds) else {
                throw ValidationError("\"\(time.prefix(40))\" is no time of 1 s to a year; write it like 30m or 2h")
            }
        }

        func run() async throws {
            let pause = MiningPause(seconds: time.flatMap { Nanoseconds($0)?.wholeSeconds })
            let view: MiningView = try await common.station.post("/v1/mining/pause", pause)
            try common.show(view) { Screen.wrap("✓ \($0.reason)") }
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lets the station mine again when it is idle.")
        @OptionGroup var common: Common

        func run() async throws {
            let view: MiningView = try await common.station.post("/v1/mining/resume", MiningPause(seconds: nil))
            try common.show(view) { Screen.wrap("✓ \($0.state.rawValue): \($0.reason)") }
        }
    }

    // MARK: For people

    static func lines(_ view: MiningView) -> [String] {
        var lines = [Screen.bold(heading(view))]
        lines += Screen.field("why", view.reason)
        for reason in view.reasons.dropFirst() { lines += Screen.field("", "also: \(reason)") }
        lines += Screen.field("jobs", view.connected.map { "from \($0)" } ?? "none yet from \(view.source)")
        if view.hashes > 0 { lines += Screen.field("hashrate", rates(view.hashrate) + "; \(view.hashes) hashes so far") }
        lines += Screen.field("shares", shares(view.shares))
        if view.blocksFound > 0 { lines += Screen.field("blocks", "\(view.blocksFound) found and accepted") }
        if let refusal = view.shares.lastRefusal { lines += Screen.field("", "last refusal: \(refusal)") }
        if let pool = view.pool { lines += Self.pool(pool) }
        for (label, use) in [("today", view.today), ("7 days", view.sevenDays)] {
            guard let percent = use.percent else { continue }
            lines += Screen.field(
                label, "mined \(Screen.duration(use.minedSeconds)) of \(Screen.duration(use.idleSeconds)) idle, \(percent) %")
        }
        if let longest = view.yields.longestMilliseconds {
            lines += Screen.field("yielded", "\(view.yields.count) times to clients, in \(longest) ms at most")
        }
        lines += worker(view)
        if let celsius = view.temperatureCelsius { lines += Screen.field("heat", "\(celsius) °C") }
        return lines
    }

    private static func pool(_ pool: MiningView.Pool) -> [String] {
        let checked = pool.statementsChecked == 1 ? "one block's statement" : "\(pool.statementsChecked) blocks' statements"
        return Screen.field(
            "owed",
            "\(Screen.amount(pool.balanceQlc)) QLC, and \(Screen.amount(pool.paidQlc)) QLC paid, for \(pool.shares) shares: signed by the pool"
        )
            + (pool.statementsChecked > 0 ? Screen.field("", "\(checked) checked, all in order") : [])
    }

    private static func heading(_ view: MiningView) -> String {
        let since = "for \(Screen.duration(view.sinceSeconds))"
        return switch view.state {
        case .mining: "● mining \(since)\(view.mode.map { ", \($0) mode" } ?? "")"
        case .waiting: "○ not mining \(since)"
        case .paused: "○ paused \(since)"
        }
    }

    private static func rates(_ rate: MiningView.Rate) -> String {
        let spans = [("10 s", rate.tenSeconds), ("60 s", rate.minute), ("15 min", rate.quarterHour)]
        let known = spans.compactMap { span, value in value.map { "\(tenths($0)) H/s in \(span)" } }
        return known.isEmpty ? "not known yet" : known.joined(separator: ", ")
    }

    private static func tenths(_ rate: Double) -> String {
        let tenths = UInt64(max(0, min(rate, 1e12)) * 10)
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func shares(_ shares: MiningView.Shares) -> String {
        let refused = [
            ("stale", shares.stale), ("of low difficulty", shares.lowDifficulty), ("duplicate", shares.duplicate),
            ("invalid", shares.invalid), ("refused otherwise", shares.other),
        ].filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }
        let last = shares.lastSecondsAgo.map { ", the last \(Screen.duration($0)) ago" } ?? ""
        let percent = shares.acceptedPercent.map { " (\($0) %)" } ?? ""
        return (["\(shares.accepted) accepted\(percent)\(last)"] + refused).joined(separator: "; ")
    }

    private static func worker(_ view: MiningView) -> [String] {
        var words: [String] = []
        if let threads = view.worker.threads { words.append(threads == 1 ? "one thread" : "\(threads) threads") }
        if let huge = view.worker.hugePages { words.append(huge ? "huge pages" : "no huge pages") }
        if let placement = view.worker.placement { words.append(placement) }
        if view.worker.starts > 1 { words.append("started \(view.worker.starts) times") }
        var lines = words.isEmpty ? [] : Screen.field("process", words.joined(separator: ", "))
        if let trouble = view.worker.trouble { lines += Screen.field("", "! \(trouble)") }
        return lines
    }
}
