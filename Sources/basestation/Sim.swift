import ArgumentParser
import Primitives
import StationAPI
import StationClient

struct Sim: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Steers simulated clients: join, leave, traffic, fault.",
        usage: "basestation sim join|leave|traffic|fault [options]",
        discussion: "Example: basestation sim traffic --client 2 --rate-down 1MB")
    @OptionGroup var common: Common
    @Argument(help: "join, leave, traffic or fault.") var action: String
    @Option(help: "The client's number.") var client: Int?
    @Option(help: "Bytes a second to the client.") var rateDown: String?
    @Option(help: "Bytes a second from the client.") var rateUp: String?
    @Option(help: "For how many seconds.") var seconds: UInt64?
    @Option(help: "radio-gone, counters-reset, interface-down, clock-jump, disk-full or none.") var fault: String?

    @Option(help: "For join: on the air, with this Wi-Fi key.") var key: UInt32?

    func run() async throws {
        for rate in [rateUp, rateDown].compactMap(\.self) where ByteCount(rate) == nil {
            throw ValidationError("a rate is written like 500kB or 1MB, for each second")
        }
        let command = SimulationCommand(
            action: action, client: client, rateUp: rateUp.flatMap { ByteCount($0)?.bytes },
            rateDown: rateDown.flatMap { ByteCount($0)?.bytes },
            seconds: seconds, fault: fault, key: key)
        try await common.station.post("/v1/sim", command)
    }
}
