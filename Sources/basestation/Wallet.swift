import ArgumentParser
import StationAPI
import StationClient

struct Wallet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What the station earned.", subcommands: [Address.self, Balance.self])

    struct Address: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints the station's address.")
        @OptionGroup var common: Common
        func run() async throws {
            let wallet: WalletView = try await common.station.get("/v1/wallet")
            try common.show(wallet) { ["\($0.address)"] }
        }
    }

    struct Balance: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints what was earned and not settled yet.")
        @OptionGroup var common: Common
        func run() async throws {
            let wallet: WalletView = try await common.station.get("/v1/wallet")
            try common.show(wallet) { ["\($0.earnedQlc) QLC"] }
        }
    }
}
