import ArgumentParser
import StationAPI
import StationClient
import StationConfiguration

struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The configuration.", subcommands: [Check.self, Show.self, Diff.self, Apply.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Says what is wrong with a configuration file, and where.")
        @Argument(help: "The file.") var file = "/etc/basestation/station.toml"
        @Flag(help: "Print JSON: an array of {file, line, column, what, mend}.") var json = false
        func run() throws {
            if json { return try check() }
            do {
                let configuration = try StationConfiguration.load(path: file)
                print(
                    "✓ \(file) is right: \(configuration.tariffs.count) tariffs, \"\(configuration.defaultTariff)\" is the usual one"
                )
            } catch {
                print(error)
                throw ExitCode(1)
            }
        }

        private func check() throws {
            var problems: [ConfigurationError.Problem] = []
            do { _ = try StationConfiguration.load(path: file) } catch { problems = error.problems }
            print(String(decoding: try JSON.encode(problems, pretty: true), as: UTF8.self))
            if !problems.isEmpty { throw ExitCode(1) }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints the configuration file as the daemon last read it.")
        @OptionGroup var common: Common
        func run() async throws { print(try await common.station.text("/v1/config"), terminator: "") }
    }

    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says what a file would change, and what of it waits for a restart.",
            discussion: "Example: basestation config diff /etc/basestation/station.toml")
        @OptionGroup var common: Common
        @Argument(help: "The file.") var file = "/etc/basestation/station.toml"
        func run() async throws {
            let text: String
            do { text = try StationConfiguration.text(of: file) } catch {
                print(error)
                throw ExitCode(1)
            }
            let changes: [String] = try await common.station.post("/v1/config/diff", ConfigurationText(text: text))
            try common.show(changes) { $0.isEmpty ? ["\(file) says what is in force"] : $0.flatMap { Screen.wrap($0) } }
        }
    }

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Has the daemon read its file anew; nobody is disconnected.")
        @OptionGroup var common: Common
        func run() async throws {
            struct Nothing: Encodable {}
            let changes: [String] = try await common.station.post("/v1/config/reload", Nothing())
            try common.show(changes) { $0.isEmpty ? ["nothing has changed"] : $0.flatMap { Screen.wrap($0) } }
        }
    }
}
