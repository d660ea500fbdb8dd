import ArgumentParser
import Glibc
import Primitives
import StationAPI
import StationClient
import StationConfiguration

struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The configuration.", subcommands: [Check.self, Show.self, Apply.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Says what is wrong with a configuration file, and where.")
        @Argument(help: "The file.") var file = "/etc/basestation/station.toml"
        func run() throws {
            guard let stream = fopen(file, "r") else {
                throw ValidationError("\(file) cannot be read: \(String(cString: strerror(errno)))")
            }
            defer { fclose(stream) }
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            let length = fread(&bytes, 1, bytes.count, stream)
            do {
                let configuration = try StationConfiguration(text: String(decoding: bytes[..<length], as: UTF8.self), file: file)
                print(
                    "✓ \(file) is right: \(configuration.tariffs.count) tariffs, \"\(configuration.defaultTariff)\" is the usual one"
                )
            } catch {
                print(error)
                throw ExitCode(1)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints the configuration in force.")
        @OptionGroup var common: Common
        func run() async throws { print(try await common.station.text("/v1/config"), terminator: "") }
    }

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Has the daemon read its file anew; nobody is disconnected.")
        @OptionGroup var common: Common
        func run() async throws {
            struct Nothing: Encodable {}
            let changes: [String] = try await common.station.post("/v1/config/reload", Nothing())
            try common.show(changes) { $0 }
        }
    }
}

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

struct Diagnose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Every check with ✓ or ✗, and the mend.")
    @OptionGroup var common: Common

    func run() async throws {
        let checks: [CheckView] = try await common.station.get("/v1/diagnose")
        try common.show(checks) { checks in
            checks.flatMap { check -> [String] in
                let line = Screen.fit("\(check.passed ? "✓" : "✗") \(check.name)", 24) + check.finding.prefix(56)
                return check.passed ? [line] : [line] + Screen.field("", "→ " + check.mend)
            }
        }
        if checks.contains(where: { !$0.passed }) { throw ExitCode(1) }
    }
}

struct Sim: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Steers simulated clients: join, leave, traffic, fault.",
        discussion: "Example: basestation sim traffic --client 2 --rate-down 1MB")
    @OptionGroup var common: Common
    @Argument(help: "join, leave, traffic or fault.") var action: String
    @Option(help: "The client's number.") var client: Int?
    @Option(help: "Bytes a second to the client.") var rateDown: String?
    @Option(help: "Bytes a second from the client.") var rateUp: String?
    @Option(help: "For how many seconds.") var seconds: UInt64?
    @Option(help: "radio-gone, counters-reset, interface-down, clock-jump, disk-full or none.") var fault: String?

    func run() async throws {
        for rate in [rateUp, rateDown].compactMap(\.self) where ByteCount(rate) == nil {
            throw ValidationError("a rate is written like 500kB or 1MB, for each second")
        }
        let command = SimulationCommand(
            action: action, client: client, rateUp: rateUp.flatMap { ByteCount($0)?.bytes },
            rateDown: rateDown.flatMap { ByteCount($0)?.bytes },
            seconds: seconds, fault: fault)
        try await common.station.post("/v1/sim", command)
    }
}
