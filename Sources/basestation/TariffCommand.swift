import ArgumentParser
import Charging
import Primitives
import StationAPI
import StationClient
import StationConfiguration

struct TariffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tariff", abstract: "Prices.", subcommands: [Show.self, Set.self, Simulate.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the tariffs.")
        @OptionGroup var common: Common
        func run() async throws {
            let view: TariffsView = try await common.station.get("/v1/tariffs")
            try common.show(view) { view in
                view.tariffs.map { ($0.id == view.defaultTariffId ? "● " : "  ") + Screen.fit($0.id, 20) + $0.name }
            }
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a tariff the usual one, until the daemon restarts.",
            discussion: "Example: basestation tariff set free")
        @OptionGroup var common: Common
        @Argument(help: "The tariff's id.") var tariff: String
        func run() async throws {
            let view: TariffsView = try await common.station.put(
                "/v1/tariffs/default", DefaultTariffRequest(tariffId: tariff))
            try common.show(view) { _ in ["New sessions are offered \"\(tariff)\". Write it into station.toml to keep it."] }
        }
    }

    struct Simulate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What a session would cost, line by line.",
            usage: "basestation tariff simulate [--tariff ID] --bytes 1GB --duration 2h",
            discussion: "Example: basestation tariff simulate --bytes 1GB --duration 2h")
        @OptionGroup var common: Common
        @Option(help: "The tariff; the usual one if left out.") var tariff: String?
        @Option(help: "Bytes received, e.g. 1GB.") var bytes = "0B"
        @Option(help: "Bytes sent.") var up = "0B"
        @Option(help: "How long, e.g. 2h.") var duration = "0s"

        func run() async throws {
            guard let down = ByteCount(bytes), let up = ByteCount(up) else {
                throw ValidationError("data is written like 500MB or 1GB")
            }
            guard let time = Nanoseconds(duration) else { throw ValidationError("a time is written like 90s, 5m or 2h") }
            let view: TariffsView = try await common.station.get("/v1/tariffs")
            guard let tariff = view.tariffs.first(where: { $0.id == tariff ?? view.defaultTariffId }) else {
                throw Problem(.unknown, "there is no tariff \"\(tariff ?? "")\"; see basestation tariff show")
            }
            var usage = Charging.Usage()
            usage.add(
                bytesUp: up.bytes, bytesDown: down.bytes, time: time, in: .init(day: 0, window: Charging.Usage.Key.noWindow))
            let lines = tariff.invoice(for: usage)
            try common.show(lines) { lines in
                lines.map { line in
                    let isCap = line.item == .capPerDay || line.item == .capPerSession
                    let price = line.price.map { "\(Screen.amount($0.amount)) / \($0.per)" } ?? ""
                    return Screen.fit(line.item.rawValue, 16) + Screen.right(isCap ? "" : String(line.quantity), 20)
                        + Screen.right(price, 22) + Screen.right((isCap ? "-" : "") + line.charge.description, 20)
                } + [Screen.fit("total", 58) + Screen.right(tariff.charge(for: usage).description, 20)]
            }
        }
    }
}
