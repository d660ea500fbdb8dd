import ArgumentParser
import Primitives
import StationAPI
import StationClient

struct Earnings: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what the station earned, and with what.", usage: "basestation earnings [--since TIME] [--json]",
        discussion: "Days are UTC. Example: basestation earnings --since 2026-11-01")
    @OptionGroup var common: Common
    @Option(help: "Also what was earned since then, e.g. 2026-11-23.") var since: String?

    func run() async throws {
        if let since { try Sessions.check(since) }
        let view: EarningsView = try await common.station.get("/v1/earnings" + (since.map { "?since=\($0)" } ?? ""))
        try common.show(view, Self.lines)
    }

    private static func lines(_ view: EarningsView) -> [String] {
        let width = view.since == nil ? 18 : 15
        let heads = ["TODAY", "7 DAYS"] + (view.since == nil ? [] : ["SINCE"]) + ["IN ALL"]
        var lines = [Screen.bold(Screen.fit("QLC", 12) + heads.map { Screen.right($0, width) }.joined())]
        let rows: [(String, EarningsView.Earned?)] = [("clients", view.clients), ("stake", view.stake)]
        for (label, earned) in rows {
            guard let earned else { continue }
            let amounts = [earned.todayQlc, earned.sevenDaysQlc] + (earned.sinceQlc.map { [$0] } ?? []) + [earned.totalQlc]
            lines.append(Screen.fit(label, 12) + amounts.map { Screen.right(Screen.amount($0), width) }.joined())
        }
        if let unclaimed = view.stakeUnclaimedQlc, unclaimed > .zero {
            lines += Screen.field("of stake", "\(Screen.amount(unclaimed)) QLC are paid out with its next change")
        }
        if let mining = view.mining {
            lines += Screen.field(
                "mining",
                "\(Screen.amount(mining.poolPaidQlc)) QLC paid by the pool, \(Screen.amount(mining.poolBalanceQlc)) QLC to come, "
                    + "for \(mining.shares) shares")
        }
        if let since = view.since { lines += Screen.field("since", "\(since)") }
        return lines
    }
}
