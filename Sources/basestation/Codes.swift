import ArgumentParser
import Primitives
import StationAPI
import StationClient
import StationConfiguration

struct Codes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Access codes for people without a wallet.", subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes codes and prints them; they are not stored and cannot be shown again.",
            usage: "basestation codes create --data 1GB|--time 1h [--count N] [--valid 30d]",
            discussion: "Example: basestation codes create --data 1GB --count 10 --valid 30d")
        @OptionGroup var common: Common
        @Option(help: "Data that a code is good for.") var data: String?
        @Option(help: "Time that a code is good for.") var time: String?
        @Option(help: "How many.") var count = 1
        @Option(help: "How long it may be used from now on.") var valid: String?

        func run() async throws {
            guard (data == nil) != (time == nil) else { throw ValidationError("give either --data 1GB or --time 1h") }
            if let data, ByteCount(data) == nil { throw ValidationError("data is written like 500MB or 1GB") }
            for text in [time, valid].compactMap(\.self) where Nanoseconds(text) == nil {
                throw ValidationError("a time is written like 1h or 30d")
            }
            let request = CodesRequest(
                bytes: data.flatMap { ByteCount($0)?.bytes }, seconds: time.flatMap { Nanoseconds($0)?.wholeSeconds },
                count: count,
                validSeconds: valid.flatMap { Nanoseconds($0)?.wholeSeconds })
            let codes: [CodeView] = try await common.station.post("/v1/codes", request)
            try common.show(codes) { codes in
                codes.map { code in
                    Screen.right("\(code.number)", 5) + "   \(code.code ?? "")   " + (data ?? time ?? "")
                        + (code.validUntil.map { ", until \($0)" } ?? "")
                }
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the codes, without what was printed.")
        @OptionGroup var common: Common
        func run() async throws {
            let codes: [CodeView] = try await common.station.get("/v1/codes")
            try common.show(codes) { codes in
                codes.map { code in
                    let size = code.bytes.map { ByteCount(bytes: $0).description } ?? Screen.duration(code.seconds ?? 0)
                    let used =
                        code.bytes != nil ? ByteCount(bytes: code.usedBytes).description : Screen.duration(code.usedSeconds)
                    return Screen.right("\(code.number)", 5) + "  " + Screen.fit(size, 10) + Screen.fit("used \(used)", 18)
                        + code.state
                }
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a code worthless, and ends its session.")
        @OptionGroup var common: Common
        @Argument(help: "The code's number.") var number: UInt32
        func run() async throws { try await common.station.delete("/v1/codes/\(number)") }
    }
}
