import ArgumentParser
import ChainClient
import Consensus
import Glibc
import KeyCustody
import Ledger
import Primitives

/// Payment channels on the chain: a deposit that a station is paid from, voucher by voucher.
struct ChannelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "channel", abstract: "Deposits on the chain that stations are paid from.",
        subcommands: [Open.self, TopUp.self, Close.self, List.self])

    private static let day: UInt64 = 86_400_000

    struct Open: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Locks a deposit for a station.", usage: "qlink channel open STATION DEPOSIT [options]",
            discussion: """
                STATION is an owner's address, or the id of one station as "qlink find"
                shows it. Example: qlink channel open qlc1… 5 --days 30
                """)
        @Argument(help: "Whom to pay: an address, or a station's id.") var station: String
        @Argument(help: "So much QLC.") var deposit: String
        @Option(help: "Open for so many days.") var days: UInt64 = 30
        @Option(help: "Seconds in which the station may answer your close.") var disputeWindow: UInt64 = 3_600
        @Option(help: "The agreed tariff's digest; the station's own if left out.") var tariff: String?
        @OptionGroup var sending: SendingOptions

        func validate() throws {
            guard (1...400).contains(days) else { throw ValidationError("a channel is open for 1 to 400 days") }
            guard (1...31_536_000).contains(disputeWindow) else { throw ValidationError("the window is 1 second to a year") }
            if let tariff, Bytes32(tariff) == nil { throw ValidationError("a tariff's digest has 64 hexadecimal digits") }
        }

        func run() async throws {
            let deposit = try amount(deposit)
            var client = try await sending.chain.open()
            let sessionKey = PrivateKey()
            let terms = try await terms(deposit, sessionKey.publicKey, &client)
            let key = try sending.chain.file.load()
            VisitKey(beside: sending.chain.file).keep(of: key)
            let keys = SessionKeys(beside: sending.chain.file)
            let payee = client.address(terms.payee)
            try await sending.send(
                .openChannel(terms), "open a channel with \(deposit) QLC", by: key, through: &client
            ) { transaction, view in
                // Before it is sent: who loses this key has locked a deposit that pays for nothing.
                let id = OpenChannel.id(of: transaction.sender, transaction.sequence)
                try keys.save(sessionKey, of: id)
                (view.channelId, view.amountQlc, view.to) = (id, deposit, payee)
            }
        }

        private func terms(
            _ deposit: QLC, _ sessionKey: PublicKey, _ client: inout ChainClient
        ) async throws -> OpenChannel {
            let expiry = try await client.status().finalizedAt.milliseconds + days * ChannelCommand.day
            var terms = OpenChannel(
                payee: PublicKey(), sessionKey: sessionKey, deposit: deposit, tariff: tariff.flatMap { Bytes32($0) } ?? .zero,
                expiry: expiry, disputeWindow: disputeWindow * 1_000)
            guard let id = Bytes32(station) else {
                terms.payee = try client.key(of: station)
                return terms
            }
            let known = try await client.asset(id, waits: sending.chain.waits)
            guard let asset = known.value, !asset.isRetired else {
                throw WalletError("the chain has no station \(station), or no more; look: qlink find")
            }
            if !known.isProved { Terminal.say(Screen.wrap("the station's owner is \(ProofView(known.standing).words)") + "\n") }
            (terms.payee, terms.asset) = (asset.owner, id)
            if tariff == nil { terms.tariff = asset.facts(at: known.height).tariff }
            return terms
        }
    }

    struct TopUp: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "top-up", abstract: "Adds to a deposit, and may keep it open longer.",
            usage: "qlink channel top-up CHANNEL AMOUNT [options]",
            discussion: "Example: qlink channel top-up 4f0c… 2 --days 30")
        @Argument(help: "The channel.") var channel: String
        @Argument(help: "So much more QLC.") var amount: String
        @Option(help: "Open for so many days from now, if that is later.") var days: UInt64?
        @OptionGroup var sending: SendingOptions

        func run() async throws {
            let amount = try qlink.amount(amount)
            let id = try channelID(channel)
            guard days.map({ (1...400).contains($0) }) ?? true else {
                throw ValidationError("a channel is open for 1 to 400 days")
            }
            var client = try await sending.chain.open()
            let key = try sending.chain.file.load()
            let now = try await client.status().finalizedAt.milliseconds
            let topUp = TopUpChannel(id, by: amount, expiry: days.map { now + $0 * ChannelCommand.day } ?? 0)
            try await sending.send(.topUpChannel(topUp), "add \(amount) QLC to a channel", by: key, through: &client) {
                ($1.channelId, $1.amountQlc) = (id, amount)
            }
        }
    }

    struct Close: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a channel: once to begin, once more to get the rest.", usage: "qlink channel close CHANNEL [options]",
            discussion: """
                The station may bring its last voucher until the window is over; then the
                second close pays the rest back. Example: qlink channel close 4f0c…
                """)
        @Argument(help: "The channel.") var channel: String
        @OptionGroup var sending: SendingOptions

        func run() async throws {
            let id = try channelID(channel)
            var client = try await sending.chain.open()
            let key = try sending.chain.file.load()
            guard let record = try await client.channel(id, waits: sending.chain.waits).value else {
                throw WalletError("the chain has no channel \(id): it is closed, or never was")
            }
            guard record.payer == key.publicKey || record.terms.payee == key.publicKey else {
                throw WalletError("this wallet is no party of the channel \(id)")
            }
            let now = try await client.status().finalizedAt.milliseconds
            if record.closingSince != nil, now < record.releasedAt, record.payer == key.publicKey {
                throw WalletError(
                    "the channel is closing: the station may bring vouchers until \(ChainTime(milliseconds: record.releasedAt)); "
                        + "close again after it")
            }
            let title =
                now >= record.releasedAt || record.terms.payee == key.publicKey ? "end a channel" : "begin to close a channel"
            try await sending.send(.closeChannel(CloseChannel(id)), title, by: key, through: &client) { $1.channelId = id }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the channels that this wallet opened.", usage: "qlink channel list [options]",
            discussion: "Example: qlink channel list --json")
        @OptionGroup var chain: ChainOptions

        private struct View: Encodable {
            var channelId: Bytes32
            /// `open`, `expired`, `closing`, or `none`: closed, or never opened.
            var status: String
            var payee: String?
            var depositQlc: QLC?
            var settledQlc: QLC?
            var leftQlc: QLC?
            var expiry: ChainTime?
            var releasedAt: ChainTime?
            var proof: ProofView
        }

        func run() async throws {
            let ids = try SessionKeys(beside: chain.file).channels()
            guard !ids.isEmpty else { return chain.json ? print("[]") : print("no channels yet; open one: qlink channel open") }
            var client = try await chain.open()
            let now = try await client.status().finalizedAt.milliseconds
            let all = try await client.entries(ids.map { .channel($0) }, waits: chain.waits)
            chain.keep(client)
            let views = zip(ids, all).map { view($0, $1, now, client) }
            if chain.json { return try printJSON(views) }
            for view in views { show(view) }
            print(Screen.wrap(ProofView(all: all.map(\.standing), otherwise: "").words))
        }

        private func view(_ id: Bytes32, _ known: Known<StateEntry>, _ now: BlockTime, _ client: ChainClient) -> View {
            guard case .channel(let record)? = known.value else {
                return View(channelId: id, status: "none", proof: ProofView(known.standing))
            }
            let status = record.closingSince != nil ? "closing" : now > record.expiry ? "expired" : "open"
            return View(
                channelId: id, status: status, payee: client.address(record.terms.payee), depositQlc: record.deposit,
                settledQlc: record.settled, leftQlc: record.left, expiry: ChainTime(milliseconds: record.expiry),
                releasedAt: ChainTime(milliseconds: record.releasedAt), proof: ProofView(known.standing))
        }

        private func show(_ view: View) {
            print(view.channelId)
            guard let payee = view.payee, let deposit = view.depositQlc, let left = view.leftQlc, let expiry = view.expiry else {
                return print(Screen.field("state", "closed, or never opened"))
            }
            let until = view.status == "closing" ? view.releasedAt ?? expiry : expiry
            print(Screen.field("state", "\(view.status), until \(until)"))
            print(Screen.field("station", payee))
            print(Screen.field("left", "\(left) of \(deposit) QLC"))
        }
    }
}

private func channelID(_ text: String) throws -> Bytes32 {
    guard let id = Bytes32(text) else { throw ValidationError("a channel has 64 hexadecimal digits") }
    return id
}

/// The keys that sign vouchers, one for each channel, beside the wallet: worth the deposit and no more, so they need no passphrase.
struct SessionKeys {
    /// Channels that are listed, newest names in no order.
    private static let limit = 1_024
    private let folder: String

    init(beside file: WalletFile) { folder = file.wallet + ".channels" }

    func save(_ key: PrivateKey, of channel: Bytes32) throws {
        try PrivateFile.write(key.seed, to: "\(folder)/\(channel).key", replacing: true)
    }

    /// nil: the channel was not opened on the chain by this wallet.
    func key(of channel: Bytes32) throws -> PrivateKey? {
        try PrivateFile.read("\(folder)/\(channel).key", atMost: 32, isSecret: true).flatMap { PrivateKey(seed: $0) }
    }

    func channels() throws -> [Bytes32] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var ids: [Bytes32] = []
        while ids.count < Self.limit, let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name.hasSuffix(".key"), let id = Bytes32(String(name.dropLast(4))) { ids.append(id) }
        }
        return ids.sorted()
    }
}
