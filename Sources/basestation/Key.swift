import ArgumentParser
import Charging
import Primitives
import StationAPI
import StationClient

struct Key: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Wi-Fi passphrases, one for each buyer.",
        subcommands: [Create.self, List.self, Show.self, Revoke.self])

    static func lines(_ key: KeyView) -> [String] {
        var lines = [Screen.right("\(key.number)", 5) + "  " + Screen.fit(key.name, 20) + Screen.fit(key.state, 10)]
        lines[0] += key.mac.map { "  \($0)" } ?? ""
        if let buyer = key.buyer { lines.append("       " + buyer) }
        if let ssid = key.ssid { lines += Screen.field("network", ssid) }
        if let passphrase = key.passphrase { lines += Screen.field("passphrase", passphrase) }
        return lines
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a passphrase. Who joins with it uses what its buyer has paid.",
            usage: "basestation key create --name WHO [--channel ID|--code N|--free] [--tariff ID] [--mac MAC]",
            discussion: """
                Without --channel, --code or --free it is a guest's: the device gets as far as the portal.
                Example: basestation key create --name "Table 4" --code 12
                """)
        @OptionGroup var common: Common
        @Option(help: "What to call it.") var name: String
        @Option(help: "The buyer's channel.") var channel: String?
        @Option(help: "The number of an access code.") var code: UInt32?
        @Flag(help: "Under a tariff that is free.") var free = false
        @Option(help: "The tariff; the default one if left out.") var tariff: String?
        @Option(help: "The device. WPA3 needs it before the first time; else it is learned.") var mac: String?

        func run() async throws {
            if let channel, ChannelID(channel) == nil { throw ValidationError("a channel has 64 hexadecimal digits") }
            if let mac, MACAddress(mac) == nil { throw ValidationError("a MAC address is written like 02:00:00:00:00:11") }
            let request = KeyRequest(
                name: name, channelId: channel.flatMap { ChannelID($0) }, codeNumber: code, free: free, tariffId: tariff,
                mac: mac.flatMap { MACAddress($0) })
            let key: KeyView = try await common.station.post("/v1/keys", request)
            try common.show(key, Key.lines)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the keys, without their passphrases.")
        @OptionGroup var common: Common
        func run() async throws {
            let keys: [KeyView] = try await common.station.get("/v1/keys")
            try common.show(keys) { $0.flatMap(Key.lines) }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows a key with its passphrase.", discussion: "Example: basestation key show 3")
        @OptionGroup var common: Common
        @Argument(help: "The key's number.") var number: UInt32
        func run() async throws {
            let key: KeyView = try await common.station.get("/v1/keys/\(number)")
            try common.show(key, Key.lines)
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a passphrase worthless, and ends its session.")
        @OptionGroup var common: Common
        @Argument(help: "The key's number.") var number: UInt32
        func run() async throws { try await common.station.delete("/v1/keys/\(number)") }
    }
}
