import ArgumentParser
import Charging
import Primitives
import StationAPI
import StationClient

struct Client: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Devices on the clients' ports.", subcommands: [List.self, Disconnect.self, Block.self, Allow.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the devices.")
        @OptionGroup var common: Common
        func run() async throws {
            let clients: [ClientView] = try await common.station.get("/v1/clients")
            try common.show(clients) { clients in
                clients.map { client in
                    let state = client.blocked ? "blocked" : client.sessionId == nil ? "not paying" : "in session"
                    return Screen.fit(client.mac.description, 19) + Screen.fit(client.port, 12) + Screen.fit(state, 12)
                        + Screen.fit(client.addresses.map(\.description).joined(separator: " "), 37)
                }
            }
        }
    }

    struct Disconnect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a device's session, and its Wi-Fi association: with its key it may come back.")
        @OptionGroup var target: Target
        func run() async throws { try await target.tell("disconnect") }
    }
    struct Block: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a device's session as disconnect does, and lets it open no other.")
        @OptionGroup var target: Target
        func run() async throws { try await target.tell("block") }
    }
    struct Allow: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lets a blocked device in again.")
        @OptionGroup var target: Target
        func run() async throws { try await target.tell("allow") }
    }

    struct Target: ParsableArguments {
        @OptionGroup var common: Common
        @Argument(help: "The device's MAC address.") var mac: String
        func tell(_ verb: String) async throws {
            guard let mac = MACAddress(mac) else { throw ValidationError("a MAC address is written like 02:00:00:00:00:11") }
            try await common.station.post("/v1/clients/\(mac)/\(verb)")
        }
    }
}

struct ChannelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "channel", abstract: "Buyers' deposits: the station's own book, and the chain's.",
        subcommands: [List.self, Open.self, TopUp.self, Close.self])

    static func line(_ channel: ChannelView) -> [String] {
        [
            channel.channelId.description + (channel.chainId == .zero ? "" : "  chain") + (channel.closed ? "  closed" : ""),
            "  deposit \(Screen.amount(channel.depositQlc)), paid \(Screen.amount(channel.paidQlc)), charged \(Screen.amount(channel.chargedQlc)) QLC",
        ]
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the channels.")
        @OptionGroup var common: Common
        func run() async throws {
            let channels: [ChannelView] = try await common.station.get("/v1/channels")
            try common.show(channels) { $0.flatMap(ChannelCommand.line) }
        }
    }

    struct Open: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Opens a channel for a buyer who paid its deposit by hand.",
            usage: "basestation channel open --buyer ADDRESS --deposit QLC",
            discussion: "Example: basestation channel open --buyer 9b2e… --deposit 5")
        @OptionGroup var common: Common
        @Option(help: "The buyer's address (qlink wallet address).") var buyer: String
        @Option(help: "QLC.") var deposit: String
        func run() async throws {
            guard let payer = PublicKey(buyer) else { throw ValidationError("a buyer's address has 64 hexadecimal digits") }
            guard let amount = QLC(deposit) else { throw ValidationError("an amount is written like 0.5") }
            let channel: ChannelView = try await common.station.post(
                "/v1/channels", ChannelRequest(payer: payer, depositQlc: amount))
            try common.show(channel, ChannelCommand.line)
        }
    }

    struct TopUp: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "topup", abstract: "States a channel's whole deposit anew.")
        @OptionGroup var common: Common
        @Argument(help: "The channel.") var channel: String
        @Option(help: "The whole deposit after the top-up, in QLC.") var deposit: String
        func run() async throws {
            guard ChannelID(channel) != nil else { throw ValidationError("a channel has 64 hexadecimal digits") }
            guard let amount = QLC(deposit) else { throw ValidationError("an amount is written like 0.5") }
            let view: ChannelView = try await common.station.put(
                "/v1/channels/\(channel)/deposit", DepositRequest(depositQlc: amount))
            try common.show(view, ChannelCommand.line)
        }
    }

    struct Close: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Closes a channel and ends its session.", usage: "basestation channel close CHANNEL [options]",
            discussion: """
                A channel of the chain is closed there: what was paid is the station's at once,
                and the rest of the deposit its payer's.
                """)
        @OptionGroup var common: Common
        @OptionGroup var patience: ChainPatience
        @Argument(help: "The channel.") var channel: String

        func run() async throws {
            guard ChannelID(channel) != nil else { throw ValidationError("a channel has 64 hexadecimal digits") }
            guard let order: OrderView = try await common.station.delete("/v1/channels/\(channel)") else { return }
            try await common.follow(order, patience, "close a channel", again: "basestation channel close \(channel)")
        }
    }
}
