import ArgumentParser
import ChainClient
import Ledger
import Primitives

extension WalletCommand {
    struct Balance: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what an account has on the chain.", usage: "qlink wallet balance [ADDRESS] [options]",
            discussion: "Example: qlink wallet balance --genesis mainnet.json")
        @Argument(help: "Another account's address; else the wallet's own.") var address: String?
        @OptionGroup var chain: ChainOptions

        private struct View: Encodable {
            var address: String
            var balanceQlc: QLC
            /// How many transactions of the account are in blocks.
            var sequence: UInt64
            var height: UInt64
            var proof: ProofView
        }

        func run() async throws {
            let own = try address == nil ? chain.file.publicKey() : nil
            var client = try await chain.open()
            let key = try own ?? client.key(of: address ?? "")
            let known = try await client.account(key, waits: chain.waits)
            chain.keep(client)
            let account = known.value ?? Account()
            let view = View(
                address: client.address(key), balanceQlc: account.balance, sequence: account.sequence, height: known.height,
                proof: ProofView(known.standing))
            if chain.json { return try printJSON(view) }
            print("\(view.balanceQlc) QLC")
            print(Screen.field("address", view.address))
            print(Screen.wrap(view.proof.words))
        }
    }

    struct Send: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Pays an amount to an address, on the chain.", usage: "qlink wallet send ADDRESS AMOUNT [options]",
            discussion: "Example: qlink wallet send qlc1… 12.5")
        @Argument(help: "Whom to pay: an address.") var address: String
        @Argument(help: "So much QLC.") var amount: String
        @OptionGroup var sending: SendingOptions

        func run() async throws {
            let amount = try qlink.amount(amount)
            var client = try await sending.chain.open()
            let to = try client.key(of: address)
            let key = try sending.chain.file.load()
            guard to != key.publicKey else { throw WalletError("this is the wallet's own address; nothing was sent") }
            let name = client.address(to)
            try await sending.send(
                .transfer(Transfer(to: to, amount: amount)), "pay \(amount) QLC", by: key, through: &client
            ) { ($1.amountQlc, $1.to) = (amount, name) }
        }
    }
}
