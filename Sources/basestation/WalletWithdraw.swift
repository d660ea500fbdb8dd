import ArgumentParser
import Glibc
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
        @Option(help: "The order's id, to ask for the same one again: it pays once.") var id: String?
        @Flag(help: "Do not ask whether it is meant.") var yes = false

        func validate() throws {
            if let id, Bytes32(id) == nil { throw ValidationError("an order's id has 64 hexadecimal digits") }
            for text in [keep, amount == "all" ? nil : amount].compactMap({ $0 }) where QLC(text) == nil {
                throw ValidationError("\"\(text.prefix(40))\" is not an amount of QLC; write it like 0.5")
            }
            guard QLC(amount) != .zero else { throw ValidationError("an amount is above zero") }
        }

        func run() async throws {
            let wallet: WalletView = try await common.station.get("/v1/wallet")
            guard let account = wallet.chain else { throw Refusal(Screen.wrap(Wallet.hasNoChain).joined(separator: "\n")) }
            try check(account)
            var random = SystemRandomNumberGenerator()
            let id = id.flatMap { Bytes32($0) } ?? .random(using: &random)
            var order = try await known(id)
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

        /// What was ordered under this id before.
        private func known(_ id: Bytes32) async throws -> OrderView? {
            guard self.id != nil else { return nil }
            do {
                let order: OrderView = try await common.station.get("/v1/wallet/orders/\(id)")
                let isSame = order.to == address.lowercased() && (amount == "all" || order.amountQlc == QLC(amount))
                guard isSame else { throw Refusal("order \(id) is another one; a new payment needs a new id") }
                return order
            } catch let problem as Problem {
                guard problem.kind == .unknown else { throw problem }
                return nil
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
            try confirm("pay \(Screen.amount(amount)) QLC to\n\(address)\n\(Screen.amount(kept)) QLC stay for fees")
            let request = WithdrawalRequest(to: address, amountQlc: amount, keepQlc: kept)
            do { return try await common.station.put("/v1/wallet/orders/\(id)", request) } catch let error as StationUnreachable {
                throw StationUnreachable(
                    description: "\(error). Whether it was ordered is not known: repeat it with --id \(id)",
                    isNotPermitted: error.isNotPermitted)
            }
        }

        private func confirm(_ what: String) throws {
            guard !yes else { return }
            guard isatty(0) == 1 else { throw ValidationError("nobody is there to say yes: add --yes") }
            let question = Array("\(what)\nNothing takes it back. Go on [yes/no]? ".utf8)
            _ = Glibc.write(2, question, question.count)
            guard let answer = readLine(), ["yes", "y"].contains(answer.lowercased()) else {
                throw Refusal("nothing was ordered")
            }
        }
    }
}
