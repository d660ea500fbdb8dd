import ArgumentParser
import Primitives
import StationAPI
import StationClient

struct Wallet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What the station earned, and the way to take it out.",
        subcommands: [Address.self, Balance.self, Withdraw.self, Settle.self, Backup.self, Restore.self])

    struct Address: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the station's address; its key, if it has no chain node.")
        @OptionGroup var common: Common
        func run() async throws {
            let wallet: WalletView = try await common.station.get("/v1/wallet")
            try common.show(wallet) { ["\($0.chain?.address ?? "\($0.address)")"] }
        }
    }

    struct Balance: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what the station has on the chain, and what it earned.",
            usage: "basestation wallet balance [--json]")
        @OptionGroup var common: Common
        func run() async throws {
            let wallet: WalletView = try await common.station.get("/v1/wallet")
            try common.show(wallet, Self.lines)
        }

        private static func lines(_ wallet: WalletView) -> [String] {
            let earned = "\(Screen.amount(wallet.earnedQlc)) QLC were charged to channels, settled or not"
            guard let account = wallet.chain else {
                return Screen.wrap(earned) + Screen.wrap(Wallet.hasNoChain)
            }
            var rows = [("address", account.address)]
            for (label, amount, what) in [
                ("unsettled", account.unsettledQlc, "held as vouchers; \"basestation wallet settle\" fetches it"),
                ("staked", account.stakedQlc, "with delegates"), ("rewards", account.rewardsQlc, "of the stake, not fetched"),
                ("unbonding", account.unbondingQlc, "stake on its way back"),
                ("promised", account.promisedQlc, "on its way out, with fees"),
            ] where amount > .zero { rows.append((label, "\(Screen.amount(amount)) QLC \(what)")) }
            rows.append(("earned", earned))
            if wallet.earnedByHandQlc > .zero {
                rows.append(("", "of it \(Screen.amount(wallet.earnedByHandQlc)) QLC on channels that were paid by hand"))
            }
            rows.append(("as of", account.time.map { "block \(account.height), \($0)" } ?? "genesis: there is no block yet"))
            if account.syncing { rows.append(("", "the node is catching up: newer blocks may say otherwise")) }
            return [Screen.bold("\(account.balanceQlc) QLC")] + rows.flatMap(Screen.field)
        }
    }

    static let hasNoChain =
        "This station has no chain node, so there is no account to pay from: name a genesis file below [chain], and restart the daemon."
}
