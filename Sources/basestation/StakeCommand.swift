import ArgumentParser
import Primitives
import StationAPI
import StationClient

/// QLC of the station's that votes for a delegate and earns fees.
struct StakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stake", abstract: "Stakes QLC, or shows what is staked.",
        usage: "basestation stake [status]\n       basestation stake AMOUNT|all [options]",
        discussion: """
            Stake votes for the delegate that was chosen (basestation delegate), shares in
            its fees, and in its punishment. What the fees of the next settlements are stays
            in the account. Example: basestation stake 1000
            """)
    @OptionGroup var common: Common
    @OptionGroup var patience: ChainPatience
    @OptionGroup var giving: OrderGiving
    @Argument(help: "So much QLC, or all; or status.") var amount = "status"
    @Option(help: "Leave so much QLC in the account.") var keep: String?

    func validate() throws {
        for text in [keep, ["all", "status"].contains(amount) ? nil : amount].compactMap({ $0 }) where QLC(text) == nil {
            throw ValidationError("\"\(text.prefix(40))\" is not an amount of QLC; write it like 0.5")
        }
        guard QLC(amount) != .zero else { throw ValidationError("an amount is above zero") }
    }

    func run() async throws {
        guard amount != "status" else { return try common.show(try await common.station.get("/v1/stake"), Self.lines) }
        let id = giving.newID
        var order = try await giving.known(id, common) {
            $0.kind == "stake" && (amount == "all" || $0.amountQlc == QLC(amount))
        }
        if order == nil { order = try await give(id) }
        guard let order else { return }
        try await common.follow(
            order, patience, "stake \(Screen.amount(order.amountQlc ?? .zero)) QLC",
            again: "basestation stake \(amount) --id \(id)")
    }

    private func give(_ id: Bytes32) async throws -> OrderView {
        let view: StakeView = try await common.station.get("/v1/stake")
        let kept = keep.flatMap { QLC($0) } ?? view.reserveQlc
        guard let amount = amount == "all" ? view.stakeable(keeping: kept) : QLC(amount), amount > .zero else {
            throw Refusal(
                "of \(view.balanceQlc) QLC, \(kept) QLC stay for the fees of settlements: nothing is left to stake; "
                    + "keep less with --keep, or fetch what channels hold: basestation wallet settle")
        }
        let delegate = view.delegate ?? "whom you choose first: basestation delegate ADDRESS"
        try giving.confirm(
            "stake \(Screen.amount(amount)) QLC with\n\(delegate)\nTaken back, it is free after the unbonding time.")
        let request = StakeRequest(.stake, amountQlc: amount, keepQlc: kept)
        return try await giving.give(id) { try await common.station.put("/v1/stake/orders/\(id)", request) }
    }

    static func lines(_ view: StakeView) -> [String] {
        let (staked, rewards) = view.stakes.reduce((QLC.zero, QLC.zero)) { ($0.0 + $1.stakedQlc, $0.1 + $1.rewardsQlc) }
        var rows = [("chosen", view.delegate ?? "nobody: basestation delegate ADDRESS chooses with whom to stake")]
        if rewards > .zero {
            rows.append(("rewards", "\(Screen.amount(rewards)) QLC, paid out with the next change of the stake"))
        }
        for stake in view.stakes {
            rows.append(("delegate", stake.delegate))
            let standing = stake.elected ? "\(stake.delegateStatus), signs blocks" : stake.delegateStatus
            let commission = QLC(units: UInt64(stake.commissionPermyriad) * QLC.unitsPerQLC / 100)
            rows.append(
                ("", "\(Screen.amount(stake.stakedQlc)) QLC; \(standing); keeps \(Screen.amount(commission)) % of its fees"))
        }
        for back in view.returning {
            rows.append(("on its way", "\(Screen.amount(back.amountQlc)) QLC, free at \(back.releasedAt) or soon after"))
        }
        if let policy = view.restaking {
            rows.append(
                (
                    "restaking",
                    "\(policy.percent) % of rewards, from \(Screen.amount(policy.leastQlc)) QLC on; "
                        + "\(Screen.amount(policy.keepQlc)) QLC stay liquid"
                ))
            if policy.owedQlc > .zero { rows.append(("", "\(Screen.amount(policy.owedQlc)) QLC wait for it")) }
        }
        if view.syncing { rows.append(("", "the node is catching up: newer blocks may say otherwise")) }
        return [Screen.bold("\(staked) QLC staked")] + rows.flatMap(Screen.field)
    }
}

struct UnstakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unstake", abstract: "Takes stake back.", usage: "basestation unstake AMOUNT|all [options]",
        discussion: """
            It votes and earns no more at once, can still be punished, and is in the account
            after the unbonding time. Example: basestation unstake all
            """)
    @OptionGroup var common: Common
    @OptionGroup var patience: ChainPatience
    @OptionGroup var giving: OrderGiving
    @Argument(help: "So much QLC, or all.") var amount: String
    @Option(help: "From this delegate, if the stake is with several.") var from: String?

    func validate() throws {
        guard amount == "all" || QLC(amount) != nil else {
            throw ValidationError("\"\(amount.prefix(40))\" is not an amount of QLC; write it like 0.5")
        }
        guard QLC(amount) != .zero else { throw ValidationError("an amount is above zero") }
    }

    func run() async throws {
        let (id, request) = (giving.newID, StakeRequest(.unstake, amountQlc: QLC(amount), from: from))
        var order = try await giving.known(id, common) {
            $0.kind == "unstake" && $0.amountQlc == request.amountQlc && (from == nil || from == $0.delegate)
        }
        let title = amount == "all" ? "take all stake back" : "take \(Screen.amount(QLC(amount) ?? .zero)) QLC of stake back"
        if order == nil {
            try giving.confirm("\(title)\nIt earns no more at once, and is free after the unbonding time.")
            order = try await giving.give(id) { try await common.station.put("/v1/stake/orders/\(id)", request) }
        }
        guard let order else { return }
        try await common.follow(order, patience, title, again: "basestation unstake \(amount) --id \(id)")
    }
}

struct DelegateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delegate", abstract: "Chooses with whom the station stakes.",
        usage: "basestation delegate ADDRESS|none [options]",
        discussion: """
            The next stake goes to it, and what is restaked. What is staked already stays with
            whom it is: take it back, and stake it again when it is free.
            Example: basestation delegate qlc1…
            """)
    @OptionGroup var common: Common
    @Argument(help: "A delegate's address, or none.") var delegate: String

    func run() async throws {
        let choice = DelegateChoice(delegate: delegate == "none" ? nil : delegate)
        let view: StakeView = try await common.station.put("/v1/stake/delegate", choice)
        try common.show(view) { view in
            var lines = ["✓ the next stake goes to " + (view.delegate == nil ? "nobody" : "\n\(view.delegate ?? "")")]
            for stake in view.stakes where stake.delegate != view.delegate {
                lines += Screen.field("stays", "\(Screen.amount(stake.stakedQlc)) QLC with")
                lines += Screen.field("", stake.delegate)
            }
            return lines
        }
    }
}
