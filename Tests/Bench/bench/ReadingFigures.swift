import CBench
import Foundation
import HAL
import Lab
import LinuxHAL

/// What it takes to read every client's counters, against the kernel's own part of it: the same dump, thrown away unread.
struct ReadingFigures {
    var rounds: Int
    var clients: [Int]
    var rules = Products.rules
    var say: (String) -> Void

    private struct Round {
        var wall: Double
        var processor: Double
        var dump: Double
    }

    func measure() async throws -> [Figure] {
        var figures: [Figure] = []
        for count in clients {
            say("reading \(count) clients")
            figures += try await withTopology(Plan(clients: 1, isDirect: true)) { lab in
                let gate = try await openGate(rules: rules, clients: count - 1, in: lab)
                let socket = try lab.router.inside { bench_netfilter_socket() }
                guard socket >= 0 else { throw LabError.system("a netfilter socket", errno: errno) }
                defer { close(socket) }
                _ = try await round(gate, socket, expecting: count)
                var all: [Round] = []
                for _ in 0..<rounds { all.append(try await round(gate, socket, expecting: count)) }
                return self.figures(all, clients: count)
            }
        }
        return figures
    }

    /// Small tables are read often, so that a clock's grain does not show.
    private func round(_ gate: LinuxPacketGate, _ socket: Int32, expecting count: Int) async throws -> Round {
        let times = max(1, 10_000 / count / 4)
        let processor = try ProcessorTime(process: getpid())
        let start = ContinuousClock.now
        let before = processor.nanoseconds
        for _ in 0..<times {
            let readings = try await gate.readings()
            guard readings.count == count else {
                throw LabError.unreadable(what: "the gate", text: "\(readings.count) readings of \(count) clients")
            }
        }
        let spent = Double(processor.nanoseconds - before) / Double(times) / 1e6
        let wall = start.duration(to: .now).milliseconds / Double(times)
        let beforeDump = processor.nanoseconds
        for _ in 0..<times {
            let bytes = bench_dump(socket, "gate", "account")
            guard bytes > 0 else { throw LabError.system("dumping the accounts", errno: Int32(-bytes)) }
        }
        return Round(wall: wall, processor: spent, dump: Double(processor.nanoseconds - beforeDump) / Double(times) / 1e6)
    }

    private func figures(_ all: [Round], clients: Int) -> [Figure] {
        let dump = all.map(\.dump).quantile(0.5).short
        return [
            Figure(
                "read_\(clients)_clients_ms", "Reading \(clients) clients", unit: "ms",
                goal: clients == 10_000 ? .atMost(15) : nil,
                reference: "wall time; the kernel's own dump costs \(dump) ms of CPU", rounds: all.map(\.wall)),
            Figure(
                "read_\(clients)_clients_cpu_ms", "  its CPU time", unit: "ms",
                reference: "the kernel's own dump, unread: \(dump) ms of CPU", rounds: all.map(\.processor)),
            Figure(
                "read_\(clients)_clients_ratio", "  against the dump alone", unit: "ratio",
                reference: "the kernel's own dump, unread: \(dump) ms of CPU", rounds: all.map { $0.processor / $0.dump }),
        ]
    }
}
