import ArgumentParser
import Chain
import Glibc
import LargeLedger
import Ledger
import Logging
import Node
import Primitives
import Store

/// A node that only follows, as a program by itself, so that `bench` can see from outside what it takes.
@main
struct LightNode: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "A light node alone on a disk, for bench.", subcommands: [Grow.self, Trade.self, Rest.self, Day.self])
}

/// Makes the chain that the others start from.
struct Grow: AsyncParsableCommand {
    @Argument(help: "A directory that is there and empty.") var directory: String
    @Option var accounts = 100_000
    @Option var assets = 10_000

    func run() async throws {
        let store = try ChainStore(directory: directory, keepsSnapshots: false)
        var ledger = try LargeLedger()
        _ = try await store.load(ledger.genesis)
        try await ledger.grow(accounts: accounts, assets: assets) { block in
            try await store.append(block.certified, block.outcome, root: block.root)
        }
        try await store.close()
    }
}

/// Makes an archive that another node can fetch: blocks of one transfer each, the last of them a moment ago.
struct Trade: AsyncParsableCommand {
    @Argument(help: "A directory that is there and empty.") var directory: String
    @Option(help: "The time of the first block's parent, in milliseconds since 1970.") var begin: UInt64
    @Option(help: "Milliseconds from one block to the next.") var interval: UInt64
    @Option var blocks: Int

    func run() async throws {
        let store = try ChainStore(directory: directory, keepsSnapshots: true, blocksKept: nil)
        var ledger = try LargeLedger(begin: begin, interval: interval)
        _ = try await store.load(ledger.genesis)
        try await ledger.trade(blocks: blocks) { block in
            try await store.append(block.certified, block.outcome, root: block.root)
        }
        try await store.close()
    }
}

/// Starts from the disk as after a restart, says so, and rests until it is ended.
struct Rest: AsyncParsableCommand {
    @Argument var directory: String

    func run() async throws {
        let start = ContinuousClock.now
        let boot: @Sendable () -> Instant = {
            let elapsed = (ContinuousClock.now - start).components
            return Instant(nanoseconds: elapsed.seconds * 1_000_000_000 + elapsed.attoseconds / 1_000_000_000)
        }
        let service = try await ChainService(
            genesis: LargeLedger().genesis, identity: nil, storage: try ChainStore(directory: directory, keepsSnapshots: false),
            transport: IdleTransport(), clock: ChainClock(boot: boot, wall: { nil }), logger: Logger(label: "lightnode"))
        let entries = await service.read { $0.state.tree.count }
        print("resting with \(entries) entries")
        fflush(nil)
        try await service.run()
    }
}

/// Peers that never say a word.
private struct IdleTransport: ChainTransport {
    /// Until the node is ended.
    func next() async -> ChainNode.Event? {
        while (try? await Task.sleep(for: .seconds(3_600))) != nil {}
        return nil
    }

    func send(_ message: ChainMessage, to peer: PublicKey?) async {}
    func punish(_ peer: PublicKey, _ misdeed: ChainNode.Misdeed) async {}
}
