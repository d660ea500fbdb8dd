import ArgumentParser
import Primitives
import StationAPI
import StationClient

struct PoolCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pool", abstract: "Shows the mining pool that this station runs.",
        subcommands: [Show.self, Statement.self], defaultSubcommand: Show.self)

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status", abstract: "Shows the pool, its members, and what it owes them.")
        @OptionGroup var common: Common

        func run() async throws { try common.show(try await common.station.get("/v1/pool"), PoolCommand.status) }
    }

    struct Statement: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows how a block that the pool found was shared.",
            discussion: "Each member can check its own line: its station does with every block.")
        @OptionGroup var common: Common
        @Argument(help: "Its number, from 1 on.") var number: UInt64

        func run() async throws {
            try common.show(try await common.station.get("/v1/pool/statements/\(number)"), PoolCommand.statement)
        }
    }

    // MARK: For people

    static func status(_ view: PoolView) -> [String] {
        var lines = [Screen.bold(view.listen.map { "● open to miners at \($0)" } ?? "○ nobody can connect")]
        for trouble in view.troubles { lines += Screen.field("trouble", "! \(trouble)") }
        let rate = view.hashrate.map { ", \(UInt64(max(0, min($0, 1e18)))) H/s" } ?? ""
        lines += Screen.field("miners", "\(view.connections) connected\(rate)")
        if view.height > 0 { lines += Screen.field("looks for", "block \(view.height) of Monero, difficulty \(view.difficulty)") }
        lines += Screen.field("shares", shares(view.shares) + (view.bans > 0 ? "; \(view.bans) miners banned" : ""))
        lines += Screen.field(
            "terms",
            "fee \(view.feePermyriad / 100).\(String(view.feePermyriad % 100 + 100).dropFirst()) %, \(view.qlcPerXmr) QLC for an XMR"
        )
        lines += Screen.field(
            "blocks", "\(view.blocksFound) found; \(view.statements) statements, the last of them \(view.openBlocks.count) open")
        lines += Screen.field("owed", "\(Screen.amount(view.owedQlc)) QLC, and \(view.openPayouts.count) payouts on their way")
        for payout in view.openPayouts where payout.state == "unknown" {
            lines += Screen.field("", "! payout \(payout.number): whether it was paid is not known; look at the chain")
        }
        guard !view.members.isEmpty else { return lines }
        lines += [
            "",
            Screen.bold(
                Screen.fit("MEMBER", 36) + Screen.right("SHARES", 10) + Screen.right("OWED QLC", 16)
                    + Screen.right("PAID QLC", 16)),
        ]
        for member in view.members.sorted(by: { ($0.connections, $0.work) > ($1.connections, $1.work) }) {
            let name = (member.connections > 0 ? "● " : "○ ") + member.address
            lines.append(
                Screen.fit(name, 36) + Screen.right("\(member.shares)", 10) + Screen.right(Screen.amount(member.balanceQlc), 16)
                    + Screen.right(Screen.amount(member.paidQlc), 16))
        }
        return lines
    }

    static func statement(_ view: PoolStatementView) -> [String] {
        var lines = [Screen.bold("Statement \(view.statement), \(view.state)")]
        lines += Screen.field("block", "\(view.block), height \(view.height)")
        lines += Screen.field(
            "worth", "\(Screen.amount(view.grossQlc)) QLC, of which the operator's fee \(Screen.amount(view.feeQlc)) QLC")
        lines += Screen.field("work", "\(view.windowWork) in its window")
        lines += ["", Screen.bold(Screen.fit("MEMBER", 36) + Screen.right("WORK", 20) + Screen.right("QLC", 22))]
        for line in view.lines {
            lines.append(
                Screen.fit(line.address, 36) + Screen.right("\(line.windowWork)", 20)
                    + Screen.right(Screen.amount(line.amountQlc), 22))
        }
        return lines
    }

    private static func shares(_ shares: PoolView.Shares) -> String {
        let refused = [
            ("stale", shares.stale), ("of low difficulty", shares.lowDifficulty), ("duplicate", shares.duplicate),
            ("invalid", shares.invalid), ("refused otherwise", shares.other),
        ].filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }
        return (["\(shares.accepted) accepted"] + refused).joined(separator: "; ")
    }
}
