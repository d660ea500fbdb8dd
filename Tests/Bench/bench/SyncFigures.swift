import Foundation
import Lab
import LargeLedger
import NodeLab
import Primitives

/// What a newcomer needs to have all blocks of a chain, each checked and applied: a real daemon on one core, and another that serves it on
/// the other.
struct SyncFigures {
    var say: (String) -> Void

    private static let blocks: UInt64 = 58_000
    /// Between blocks: the chain is younger than the trusting period of nine days.
    private static let interval: UInt64 = 10_000
    private static let patience = Duration.seconds(900)

    func measure() async throws -> [Figure] {
        let begin = UInt64(Date().timeIntervalSince1970 * 1_000) - (Self.blocks + 100) * Self.interval
        let keys = [PrivateKey(), PrivateKey()]
        let net = try ChainNet(
            genesis: try LargeLedger(begin: begin, interval: Self.interval).genesis, keys: keys, roles: ["archive", "archive"],
            delay: .zero)
        defer { net.close() }
        try grow(net, begin)
        _ = try await net.start(0, prefix: Self.core(0))
        say("sync: \(Self.blocks) blocks from one node to another")
        let begun = ContinuousClock.now
        let newcomer = try await net.start(1, prefix: Self.core(1))
        try await waitUntil("all blocks are there", timeout: Self.patience, every: .milliseconds(100)) {
            guard newcomer.isRunning else { throw LabError.unreadable(what: "the newcomer's end", text: newcomer.stderr) }
            return try await net.height(of: 1) >= Self.blocks
        }
        let seconds = (ContinuousClock.now - begun) / .seconds(1)
        let facts = try ProcessFacts(newcomer.pid)
        let reference = "go-qlc: 3 blocks/s, over 800 MB"
        let note = "\(Self.blocks) blocks of 21 delegates, one transfer each, over TLS; the daemon's start included; one round"
        return [
            Figure(
                "sync_blocks_per_second", "Blocks fetched, checked, applied", unit: "1/s", goal: .atLeast(500),
                reference: reference, rounds: [Double(Self.blocks) / seconds], note: note),
            Figure(
                "sync_peak_mb", "  memory at its most", unit: "MB", goal: .atMost(128), reference: reference,
                rounds: [facts.peak], note: "VmHWM; a limit of as much would not be felt"),
        ]
    }

    private func grow(_ net: ChainNet, _ begin: UInt64) throws {
        say("sync: a chain of \(Self.blocks) blocks")
        let chain = net.nodes[0].chainFolder
        try FileManager.default.createDirectory(
            atPath: chain, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let growing = try Lab.start([
            try Products.url("lightnode").path, "trade", chain, "--begin", "\(begin)", "--interval", "\(Self.interval)",
            "--blocks", "\(Self.blocks)",
        ])
        let output = try growing.wait(timeout: Self.patience)
        guard output.succeeded else { throw LabError.failed(command: growing.command, output: output, input: "") }
    }

    /// The last cores of this machine: one for who serves, one for who is measured.
    private static func core(_ number: Int) -> [String] {
        ["taskset", "--cpu-list", "\(number % ProcessInfo.processInfo.activeProcessorCount)"]
    }
}
