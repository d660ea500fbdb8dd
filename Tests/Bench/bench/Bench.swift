import ArgumentParser
import CBench
import Foundation
import Lab

/// `make bench`: what the station costs, each figure beside what it is measured against.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures the station, each figure against a reference in the same run.",
        discussion: "bench forward --rules FILE --clients 10   compares other rules of the gate with the board's")

    enum Group: String, CaseIterable, ExpressibleByArgument {
        case forward, read, admit, vouchers, ledger, chain, devnet, sync, daemon, mining, sizes
    }

    @Argument(help: "What to measure: \(Group.allCases.map(\.rawValue).joined(separator: ", ")); all when none is named.")
    var groups: [Group] = []
    @Option(help: "Rounds of each figure; the median counts.") var rounds = 7
    @Option(parsing: .upToNextOption, help: "With so many clients.") var clients = [10, 1_000, 10_000]
    @Option(help: "Rules of the gate: forward compares them with the board's, read reads them instead.") var rules: String?
    @Option(help: "Where the figures go.") var output = "build/bench.json"

    func validate() throws {
        guard rounds > 0 else { throw ValidationError("--rounds must be 1 or more") }
        guard clients.allSatisfy({ (1...20_000).contains($0) }) else { throw ValidationError("--clients: 1 to 20000 each") }
    }

    func run() async throws {
        closeLabOnSignals()
        guard Namespace.isAvailable else { throw ValidationError("namespaces need root: sudo make bench") }
        try? FileManager.default.removeItem(atPath: scratch)  // there is none but after a run that was killed
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        var report = Report()
        var failures = 0
        for group in groups.isEmpty ? Group.allCases : groups {
            // What the others find out is not thrown away for one that cannot be measured.
            do {
                let (title, figures) = try await measure(group)
                report.add(title, figures)
                show(Report.table(title, figures))
            } catch {
                failures += 1
                say("\(group.rawValue) could not be measured: \(error)")
            }
        }
        show("\n" + report.summary)
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: output).deletingLastPathComponent(), withIntermediateDirectories: true)
        try report.json().write(to: URL(fileURLWithPath: output))
        show("The figures, their references and spreads are in \(output).")
        if failures > 0 { throw ExitCode.failure }
    }

    private func measure(_ group: Group) async throws -> (String, [Figure]) {
        setPriority(for: group)
        switch group {
        case .forward:
            let forward = ForwardFigures(rounds: rounds, clients: clients, otherRules: rules, say: say)
            let other = rules.map { " (*: \($0))" } ?? ""
            return ("Forwarding through the gate, against plain NAT\(other)", try await forward.measure())
        case .read:
            let reading = ReadingFigures(rounds: rounds, clients: clients, rules: rules ?? Products.rules, say: say)
            return ("Reading every client's counters", try await reading.measure())
        case .admit: return ("Letting clients in", try await AdmissionFigures(rounds: rounds, say: say).measure())
        case .vouchers:
            let vouchers = VoucherFigures(rounds: rounds, directory: scratch + "/vouchers", say: say)
            return ("Taking payments in", try await vouchers.measure())
        case .ledger: return ("The ledger", try await LedgerFigures(rounds: rounds, say: say).measure())
        case .chain:
            let chain = ChainFigures(rounds: rounds, directory: scratch + "/chain", say: say)
            return ("A node of the chain", try chain.measure())
        case .devnet: return ("Four delegates on wires of 50 ms", try await DevnetFigures(rounds: rounds, say: say).measure())
        case .sync: return ("A newcomer to the chain", try await SyncFigures(say: say).measure())
        case .daemon: return ("The daemon", try await DaemonFigures(rounds: rounds, say: say).measure())
        case .mining: return ("Mining in idle time", try await MiningFigures(rounds: rounds, say: say).measure())
        case .sizes: return ("Programs", try SizeFigures(directory: scratch + "/sizes").measure())
        }
    }

    /// Wall time counts in some groups: what else runs on the machine then waits. Processor time needs no such thing.
    private func setPriority(for group: Group) {
        let countsWallTime = [.read, .admit, .vouchers, .devnet, .sync].contains(group)
        bench_set_niceness(countsWallTime ? -20 : 0)
    }

    /// Beside the figures, so that it is on a disk and not in memory.
    private var scratch: String { output + ".scratch" }
}

/// At once, also into a pipe.
private func show(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

/// Progress goes where it does not mix with the table.
func say(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }
