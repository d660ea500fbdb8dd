import ArgumentParser
import Primitives
import StationAPI
import StationClient

extension Wallet {
    struct Withdraw: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Pays from the station's account to an address.",
            usage: "basestation wallet withdraw ADDRESS AMOUNT|all [options]",
            discussion: """
                What the station needs for the fees of its next settlements stays in the account;
                "wallet balance --json" says how much, and --keep changes it.
                Example: basestation wallet withdraw qlc1… all
                """)
        @OptionGroup var common: Common
        @OptionGroup var patience: ChainPatience
        @Argument(help: "Whom to pay: an address of this chain.") var address: String
        @Argument(help: "So much QLC, or all.") var amount: String
        @Option(help: "Leave so much QLC in the account.") var keep: String?
        @OptionGroup var giving: OrderGiving

        func validate() throws {
            for text in [keep, amount == "all" ? nil : amount].compactMap({ $0 }) where QLC(text) == nil {
                throw ValidationError("\"\(text.prefix(40))\" is not an amount of QLC; write it like 0.5")
            }
            guard QLC(amount) != .zero else { throw ValidationError("an amount is above zero") }
        }

        func run() async throws {
            let wallet: WalletView = try await common.station.get("/v1/wallet")
            guard let account = wallet.chain else { throw Refusal(Screen.wrap(Wallet.hasNoChain).joined(separator: "\n")) }
            try check(account)
            let id = giving.newID
            var order = try await giving.known(id, common) {
                $0.to == address.lowercased() && (amount == "all" || $0.amountQlc == QLC(amount))
            }
            if order == nil { order = try await give(id, account) }
            guard let order else { return }
            try await common.follow(
                order, patience, "pay \(Screen.amount(order.amountQlc ?? .zero)) QLC",
                again: "basestation wallet withdraw \(address) \(amount) --id \(id)")
        }

        private func check(_ account: WalletView.Account) throws {
            let network = Primitives.Address.Network.allCases.first { account.address.hasPrefix($0.prefix + "1") } ?? .main
            do throws(AddressError) { _ = try Primitives.Address(address, on: network) } catch {
                throw Refusal("\(address.prefix(90).printable): \(error)")
            }
        }

        private func give(_ id: Bytes32, _ account: WalletView.Account) async throws -> OrderView {
            let kept = keep.flatMap { QLC($0) } ?? account.reserveQlc
            let most = account.withdrawable(keeping: kept)
            guard let amount = amount == "all" ? most : QLC(amount), amount > .zero else {
                throw Refusal(
                    "of \(account.balanceQlc) QLC, \(kept) QLC stay for the fees of settlements: nothing is left to withdraw; "
                        + "keep less with --keep, or fetch what channels hold: basestation wallet settle")
            }
            try giving.confirm(
                "pay \(Screen.amount(amount)) QLC to\n\(address)\n\(Screen.amount(kept)) QLC stay for fees\nNothing takes it back."
            )
            let request = WithdrawalRequest(to: address, amountQlc: amount, keepQlc: kept)
            return try await giving.give(id) { try await common.station.put("/v1/wallet/orders/\(id)", request) }
        }
    }
}
