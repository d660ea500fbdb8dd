import ArgumentParser
import Glibc
import ChainClient
import KeyCustody
import StationAPI
import StationClient

/// The buyer's wallet for Linux.
@main
struct QLink: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "qlink", abstract: "Buys network access from Qlink base stations, paid as it is used.",
        version: "0.1.0",
        subcommands: [
            WalletCommand.self, Find.self, ChannelCommand.self, Connect.self, Status.self, History.self, Pay.self, Donate.self,
            StakeCommand.self, DelegateCommand.self,
        ])

    static func main() async {
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand { try await asynchronous.run() } else { try command.run() }
        } catch let error as Problem {
            stop("the station refuses: \(error.detail)", 1)
        } catch let error as StationUnreachable {
            stop(error.description, error.isNotPermitted ? 4 : 3)
        } catch let error as ChainClientError {
            stop(Screen.wrap(error.description.printable), error.exitCode)
        } catch let error as WalletError {
            stop(Screen.wrap(error.description), 1)
        } catch let error as CustodyError {
            stop(Screen.wrap(error.description), 1)
        } catch {
            let code = exitCode(for: error).rawValue
            if code == 0 { exit(withError: error) }
            stop(error is ExitCode ? "" : fullMessage(for: error), code == 64 ? 2 : code)
        }
    }

    private static func stop(_ words: String, _ code: Int32) -> Never {
        Progress.end()
        fflush(nil)
        // What a node or a station says is printed as letters, whatever it is.
        let lines = words.split(separator: "\n", omittingEmptySubsequences: false).map { $0.printable }
        let bytes = Array((words.isEmpty ? "" : lines.joined(separator: "\n") + "\n").utf8)
        _ = write(2, bytes, bytes.count)
        Glibc.exit(code)
    }
}

struct WalletError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

extension ChainClientError {
    /// 1 refused or not believed, 2 wrong usage, 3 no answer, 4 not permitted (cli.md).
    fileprivate var exitCode: Int32 {
        switch self {
        case .badAddress: 2
        case .unreachable(_, let isNotPermitted): isNotPermitted ? 4 : 3
        case .notAnAnswer: 3
        case .refused, .otherChain, .lie, .unproved, .unwise: 1
        }
    }
}
