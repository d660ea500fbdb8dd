import Foundation
import HAL
import Lab
import LinuxHAL
import Primitives

/// How fast clients are let in: one transaction each, and a hundred in one; against `nft`, the tool for doing it by hand.
struct AdmissionFigures {
    var rounds: Int
    var say: (String) -> Void

    private static let single = 200
    private static let batched = 2_000
    private static let byHand = 5

    private struct Round {
        var single: Double
        var singleProcessor: Double
        var batched: Double
        var byHand: Double
    }

    func measure() async throws -> [Figure] {
        say("admissions")
        return try await withTopology(Plan(clients: 1, isDirect: true)) { lab in
            let gate = try await openGate(rules: Products.rules, clients: 0, in: lab)
            _ = try await round(gate, lab)
            var all: [Round] = []
            for _ in 0..<rounds { all.append(try await round(gate, lab)) }
            return figures(all)
        }
    }

    /// Everyone who comes goes again, so that each round begins alike.
    private func round(_ gate: LinuxPacketGate, _ lab: Topology) async throws -> Round {
        let entries = Crowd.entries(Self.batched)
        let processor = try ProcessorTime(process: getpid())
        let before = processor.nanoseconds
        let single = try await seconds {
            for entry in entries.prefix(Self.single) { try await gate.apply([.serve(entry)]) }
        }
        let spent = Double(processor.nanoseconds - before) / Double(Self.single) / 1e3
        try await gate.apply(entries.prefix(Self.single).map { .forget($0.mark) })
        let batched = try await seconds {
            for start in stride(from: 0, to: entries.count, by: 100) {
                try await gate.apply(entries[start..<start + 100].map { .serve($0) })
            }
        }
        try await gate.apply(entries.map { .forget($0.mark) })
        let byHand = try await seconds { for _ in 0..<Self.byHand { try admitByHand(entries[0], in: lab) } }
        return Round(
            single: Double(Self.single) / single, singleProcessor: spent, batched: Double(Self.batched) / batched,
            byHand: Double(Self.byHand) / byHand)
    }

    private func seconds(_ body: () async throws -> Void) async rethrows -> Double {
        let start = ContinuousClock.now
        try await body()
        return start.duration(to: .now).seconds
    }

    /// The same elements as text; the second transaction takes them out again, so it counts as two.
    private func admitByHand(_ entry: GateEntry, in lab: Topology) throws {
        let (up, down) = (entry.mark.value, entry.mark.value | 0x8000_0000)
        let v4 = entry.addresses.first { !$0.isIPv6 }!
        let v6 = entry.addresses.first { $0.isIPv6 }!
        let elements = [
            "quota_of { \(up) : \"q\(up)\", \(down) : \"q\(up)\" }", "account { \(up), \(down) }",
            "bind4 { lan0 . \(entry.mac) . \(v4) : \(up) }", "bind6 { lan0 . \(entry.mac) . \(v6) : \(up) }",
            "down4 { \(v4) : \(down) }", "down6 { \(v6) : \(down) }",
        ]
        let add = ["add quota inet gate q\(up) { 1000000000000 bytes }"] + elements.map { "add element inet gate \($0)" }
        try lab.router.run(["nft", "-f", "-"], input: add.joined(separator: "\n") + "\n")
        let delete = elements.map { "delete element inet gate \($0)" } + ["delete quota inet gate q\(up)"]
        try lab.router.run(["nft", "-f", "-"], input: delete.joined(separator: "\n") + "\n")
    }

    private func figures(_ all: [Round]) -> [Figure] {
        let byHand = all.map { $0.byHand * 2 }.quantile(0.5).short
        return [
            Figure(
                "admissions_per_second", "Admissions, one by one", unit: "1/s", goal: .atLeast(1_000),
                reference: "nft -f, one transaction each: \(byHand) a second", rounds: all.map(\.single)),
            Figure(
                "admission_cpu_us", "  CPU time of one", unit: "µs",
                reference: "nft -f, one transaction each: \(byHand) a second",
                rounds: all.map(\.singleProcessor)),
            Figure(
                "admissions_ratio", "  against nft", unit: "ratio", reference: "nft -f, one transaction each: \(byHand) a second",
                rounds: all.map { $0.single / ($0.byHand * 2) }),
            Figure(
                "admissions_batched_per_second", "Admissions, a hundred in one transaction", unit: "1/s", goal: .atLeast(1_000),
                reference: "nft -f, one transaction each: \(byHand) a second", rounds: all.map(\.batched)),
        ]
    }
}
