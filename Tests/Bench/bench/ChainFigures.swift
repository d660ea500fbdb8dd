import Foundation
import Lab

/// What a node of the chain takes of a board: memory with a large ledger, and what a day without transactions writes.
///
/// Each is a process of its own on a real disk; its peers are silent or simulated.
struct ChainFigures {
    var rounds: Int
    /// On a disk, not in memory.
    var directory: String
    var say: (String) -> Void

    private static let accounts = 100_000
    private static let assets = 10_000
    private static let blocksPerDay = 1_440

    func measure() throws -> [Figure] {
        let (large, small) = (try grow(accounts: Self.accounts, assets: Self.assets), try grow(accounts: 0, assets: 0))
        say("light node: at rest")
        let facts = try (0..<rounds).map { _ in try rest(large) }
        let bare = try rest(small)
        return memory(facts, bare: bare) + (try disk(large))
    }

    private func grow(accounts: Int, assets: Int) throws -> String {
        say("light node: a chain of \(accounts) accounts, \(assets) assets")
        let chain = "\(directory)/\(accounts)"
        try FileManager.default.createDirectory(atPath: chain, withIntermediateDirectories: true)
        let grown = try start(["grow", chain, "--accounts", "\(accounts)", "--assets", "\(assets)"])
        _ = try finish(grown, within: .seconds(300))
        return chain
    }

    /// Started from the disk, and left alone for two seconds.
    private func rest(_ chain: String) throws -> ProcessFacts {
        let node = try start(["rest", chain])
        defer { node.terminate() }
        let end = ContinuousClock.now + .seconds(60)
        while !node.stdout.hasSuffix("entries\n") {
            guard node.isRunning, .now < end else { throw LabError.unreadable(what: "the light node's start", text: node.stderr) }
            Thread.sleep(forTimeInterval: 0.02)
        }
        Thread.sleep(forTimeInterval: 2)
        return try ProcessFacts(node.pid)
    }

    /// What a day of empty blocks writes: first by who follows, then by a delegate, each day on top of the one before.
    private func disk(_ chain: String) throws -> [Figure] {
        let written = try [[], ["--delegate"]].map { options in
            say("a day of \(Self.blocksPerDay) empty blocks \(options.joined())")
            let day = try finish(start(["day", chain, "--blocks", "\(Self.blocksPerDay)"] + options), within: .seconds(900))
            guard let bytes = Double(day.trimmed) else { throw LabError.unreadable(what: "a day's bytes", text: day) }
            return bytes
        }
        let reference = "/proc/PID/io write_bytes, each minute all that is dirty written; the file system's journal not counted"
        let note = "\(Self.blocksPerDay) empty blocks of 21 delegates, \(Self.accounts) accounts"
        return [
            Figure(
                "chain_disk_bytes_per_day_idle", "Written a day, light node", unit: "B/d", goal: .atMost(20e6),
                reference: reference, rounds: [written[0]], note: note),
            Figure(
                "chain_disk_bytes_per_day_idle_delegate", "  a delegate", unit: "B/d", reference: reference,
                rounds: [written[1]], note: "\(note); an fsync before each vote"),
        ]
    }

    private func memory(_ facts: [ProcessFacts], bare: ProcessFacts) -> [Figure] {
        let reference = "the same program with an empty ledger: RSS \(bare.rss.short) MB, peak \(bare.peak.short) MB"
        let note = "\(Self.accounts) accounts, \(Self.assets) assets; started from its disk; peers that are silent, no TLS"
        return [
            Figure(
                "light_node_rss_mb", "RSS of a light node", unit: "MB", goal: .atMost(48), reference: reference,
                rounds: facts.map(\.rss), note: note),
            Figure("light_node_pss_mb", "  Pss", unit: "MB", reference: reference, rounds: facts.map(\.pss), note: note),
            Figure(
                "light_node_peak_mb", "  peak, while it starts", unit: "MB", reference: reference, rounds: facts.map(\.peak),
                note: note),
        ]
    }

    private func start(_ arguments: [String]) throws -> LabProcess {
        try Lab.start([Products.url("lightnode").path] + arguments)
    }

    private func finish(_ process: LabProcess, within timeout: Duration) throws -> String {
        let output = try process.wait(timeout: timeout)
        guard output.succeeded else { throw LabError.failed(command: process.command, output: output, input: "") }
        return output.stdout
    }
}
