import ArgumentParser
import Charging
import Glibc
import KeyCustody
import StationAPI
import StationClient

/// What owners and technicians hold in their hands (cli.md). It asks the daemon, and nothing else.
@main
struct BaseStationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "basestation", abstract: "Looks after a Qlink base station.",
        discussion: "Start with: basestation status", version: "0.1.0",
        subcommands: [
            Status.self, Sessions.self, Usage.self, TariffCommand.self, Codes.self, Client.self, Key.self, RadioCommand.self,
            Identify.self,
            ChainCommand.self, ChannelCommand.self,
            Wallet.self, StakeCommand.self, UnstakeCommand.self, DelegateCommand.self, Earnings.self, MiningCommand.self,
            PoolCommand.self,
            Config.self, Diagnose.self,
            Setup.self, Sim.self,
        ])

    /// Exit codes: 0 done, 1 refused or a check failed, 2 wrong usage, 3 no answer, 4 not permitted.
    static func main() async {
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand { try await asynchronous.run() } else { try command.run() }
        } catch let error as Problem {
            stop(error.detail, error.status == 401 || error.status == 403 ? 4 : 1)
        } catch let error as StationUnreachable {
            stop(error.description, error.isNotPermitted ? 4 : 3)
        } catch let error as CustodyError {
            stop(error.description, 1)
        } catch let error as StorageError {
            stop(error.description, error.kind == .notPermitted ? 4 : 1)
        } catch let error as Refusal {
            stop(error.description, error.isNotPermitted ? 4 : 1)
        } catch {
            let code = exitCode(for: error).rawValue
            if code == 0 { exit(withError: error) }
            stop(error is ExitCode ? "" : fullMessage(for: error), code == 64 ? 2 : code)
        }
    }

    private static func stop(_ words: String, _ code: Int32) -> Never {
        fflush(nil)
        let bytes = Array((words.isEmpty ? "" : words + "\n").utf8)
        _ = write(2, bytes, bytes.count)
        Glibc.exit(code)
    }
}

/// What every command takes.
struct Common: ParsableArguments {
    @Option(help: "The daemon's control socket.")
    var socket = getenv("BASESTATION_SOCKET").map { String(cString: $0) } ?? "/run/basestation/control.sock"
    @Flag(help: "Print JSON, as documented in docs/api.md.") var json = false

    var station: StationConnection { StationConnection(.unix(socket)) }

    /// Prints the value as JSON if that was asked for, else as `lines`.
    func show<T: Encodable>(_ value: T, _ lines: (T) -> [String]) throws {
        if json {
            print(String(decoding: try JSON.encode(value, pretty: true), as: UTF8.self))
        } else {
            let lines = lines(value)
            for line in lines.isEmpty ? ["none"] : lines { print(line) }
        }
    }
}
