import ArgumentParser
import ChainClient
import Ledger
import Primitives

/// QLC that votes for a delegate and shares in its fees.
struct StakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stake", abstract: "QLC that votes for delegates and earns fees.",
        subcommands: [Status.self, Add.self, Withdraw.self])

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what is staked, earned, and on its way back.",
            usage: "qlink stake status [--delegate ADDRESS] [options]",
            discussion: "It looks at the 100 delegates with most stake, and at those that are named.")
        @Option(help: "Another delegate to look at; may be repeated.") var delegate: [String] = []
        @OptionGroup var chain: ChainOptions

        private struct View: Encodable {
            struct Stake: Encodable {
                var delegate: String
                var delegateStatus: String
                var worthQlc: QLC
                var rewardQlc: QLC
                var commissionPermyriad: UInt16
            }
            struct Unbonding: Encodable {
                var delegate: String
                var amountQlc: QLC
                var releasedAt: ChainTime
            }
            var address: String
            var stakes: [Stake]
            var unbondings: [Unbonding]
            var proof: ProofView
        }

        func run() async throws {
            guard delegate.count <= 100 else { throw ValidationError("name at most 100 delegates") }
            let own = try chain.file.publicKey()
            var client = try await chain.open()
            let others = try delegate.map { try client.key(of: $0) }
            let stakes = try await client.stakes(of: own, with: others, waits: chain.waits)
            let back = try await client.unbondings(of: own, waits: chain.waits)
            chain.keep(client)
            let standings = stakes.map { ProofView($0.standing) } + back.map { ProofView($0.standing) }
            let view = View(
                address: client.address(own),
                stakes: stakes.map {
                    .init(
                        delegate: client.address($0.delegate.key), delegateStatus: "\($0.delegate.status)", worthQlc: $0.worth,
                        rewardQlc: $0.reward, commissionPermyriad: $0.delegate.commission)
                },
                unbondings: back.compactMap(\.value).map {
                    .init(
                        delegate: client.address($0.delegate), amountQlc: $0.amount,
                        releasedAt: ChainTime(milliseconds: $0.releasedAt))
                },
                proof: standings.first { !$0.proved } ?? standings.first ?? ProofView("there is nothing to prove"))
            if chain.json { try printJSON(view) } else { show(view) }
        }

        private func show(_ view: View) {
            if view.stakes.isEmpty, view.unbondings.isEmpty { return print("nothing is staked") }
            for stake in view.stakes {
                print(stake.delegate)
                print(Screen.field("staked", "\(stake.worthQlc) QLC, the delegate is \(stake.delegateStatus)"))
                print(Screen.field("earned", "\(stake.rewardQlc) QLC, paid out with the next change"))
            }
            for unbonding in view.unbondings {
                print("on its way back: \(unbonding.amountQlc) QLC, free at \(unbonding.releasedAt)")
            }
            print(Screen.wrap(view.proof.words))
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stakes an amount with a delegate.", usage: "qlink stake add DELEGATE AMOUNT [options]",
            discussion: "It can be punished with the delegate. Example: qlink stake add qlc1… 1000")
        @Argument(help: "The delegate's address.") var delegate: String
        @Argument(help: "So much QLC.") var amount: String
        @OptionGroup var sending: SendingOptions

        func run() async throws {
            let amount = try qlink.amount(amount)
            var client = try await sending.chain.open()
            let delegate = try client.key(of: delegate)
            let name = client.address(delegate)
            let key = try sending.chain.file.load()
            try await sending.send(
                .stake(Stake(with: delegate, amount: amount)), "stake \(amount) QLC", by: key, through: &client
            ) { ($1.amountQlc, $1.to) = (amount, name) }
        }
    }

    struct Withdraw: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes stake back; it is free after the unbonding time.",
            usage: "qlink stake withdraw DELEGATE AMOUNT|all [options]",
            discussion: "Example: qlink stake withdraw qlc1… all")
        @Argument(help: "The delegate's address.") var delegate: String
        @Argument(help: "So much QLC, or all.") var amount: String
        @OptionGroup var sending: SendingOptions

        func run() async throws {
            // The largest amount stands for all of it, whatever it is worth by then.
            let amount = try self.amount == "all" ? QLC(units: .max) : qlink.amount(self.amount)
            var client = try await sending.chain.open()
            let delegate = try client.key(of: delegate)
            let name = client.address(delegate)
            let key = try sending.chain.file.load()
            let title = self.amount == "all" ? "take all stake back" : "take \(amount) QLC of stake back"
            try await sending.send(
                .unstake(Unstake(from: delegate, amount: amount)), title, by: key, through: &client
            ) { ($1.amountQlc, $1.to) = (self.amount == "all" ? nil : amount, name) }
        }
    }
}

/// Standing for election.
struct DelegateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delegate", abstract: "Stand for election as a delegate.", subcommands: [Register.self])

    struct Register: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The wallet's key stands for election, or again.",
            usage: "qlink delegate register --commission PERCENT [options]",
            discussion: """
                The same key has to sign blocks: on a station, name its key file.
                Stake with it then: qlink stake add. Example: qlink delegate register
                --commission 10% --wallet /var/lib/basestation/station.key
                """)
        @Option(help: "The delegate's own part of the fees, like 10% or 2.5%.") var commission: String
        @OptionGroup var sending: SendingOptions

        func run() async throws {
            let commission = try permyriad(commission)
            var client = try await sending.chain.open()
            let key = try sending.chain.file.load()
            try await sending.send(
                .registerDelegate(RegisterDelegate(commission: commission)), "stand for election", by: key, through: &client)
        }

        /// Hundredths of a per cent.
        private func permyriad(_ text: String) throws -> UInt16 {
            guard text.hasSuffix("%"), let part = QLC(String(text.dropLast())), part.units.isMultiple(of: 1_000_000),
                part.units <= 100 * QLC.unitsPerQLC
            else { throw ValidationError("\"\(text)\" is no commission; write it like 10% or 2.5%, up to 100%") }
            return UInt16(part.units / 1_000_000)
        }
    }
}
