import Charging
import Consensus
import Foundation
import Ledger
import Node
import Primitives
import Testing

@testable import Store

/// Snapshots on disk: made beside the chain, given to newcomers, and put in the place of a newcomer's chain.
@Suite struct SnapshotStoreTests {
    private let scratch = Scratch(inMemory: true)

    private func directory(_ name: String) throws -> String {
        let path = scratch.path + "/" + name
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    /// Appends blocks up to `height`, with snapshots as a node has them made.
    private func extend(_ store: ChainStore, _ maker: inout ChainMaker, to height: UInt64) async throws {
        while maker.state.head.height < height {
            let (certified, outcome) = try maker.next()
            try await store.append(certified, outcome, root: maker.state.root)
            guard maker.state.epoch.startHeight == maker.state.head.height + 1 else { continue }
            #expect(try await store.beginSnapshot(maker.state.tree))
            while try await store.continueSnapshot() {}
        }
    }

    private func opened(_ path: String, _ maker: ChainMaker, keepsSnapshots: Bool = true) async throws -> (
        ChainStore, StoredChain
    ) {
        let store = try ChainStore(directory: path, keepsSnapshots: keepsSnapshots, blocksKept: 4, segmentSize: 4_096)
        return (store, try await store.load(maker.genesis))
    }

    /// All of a snapshot, checked as a newcomer checks it.
    private func chunks(of manifest: SnapshotManifest, from store: ChainStore) async throws -> [[UInt8]] {
        var reader = SnapshotReader(manifest)
        var chunks: [[UInt8]] = []
        while !reader.isComplete {
            let name = ChunkName(height: manifest.height, index: UInt32(chunks.count))
            chunks.append(try #require(try await store.chunk(name)))
            try reader.take(chunks[chunks.count - 1])
        }
        return chunks
    }

    private func certified(_ manifest: SnapshotManifest, by store: ChainStore) async throws -> CertifiedSnapshot {
        let head = try #require(try await store.lightBlock(from: manifest.height))
        let next = try #require(try await store.lightBlock(from: manifest.height + 1))
        return try #require(CertifiedSnapshot(manifest, head: head, next: next.header, proofs: [head, next]))
    }

    // MARK: giving

    /// It holds the state of its block whatever is flushed while it is written; the newest two are kept.
    @Test func aSnapshotIsWrittenBesideTheChain() async throws {
        var maker = try ChainMaker(accounts: 12_000)
        let path = try directory("a")
        let (store, _) = try await opened(path, maker)
        try await extend(store, &maker, to: 8)
        #expect(await store.snapshot() == nil, "nobody could verify it yet")
        let eight = maker.state
        try await extend(store, &maker, to: 15)
        let last = try maker.next()
        try await store.append(last.certified, last.outcome, root: maker.state.root)
        #expect(try await store.beginSnapshot(maker.state.tree))
        let sixteen = maker.state
        var slices = 1
        while try await store.continueSnapshot() {
            for _ in 0..<17 {
                let next = try maker.next()
                try await store.append(next.certified, next.outcome, root: maker.state.root)
            }
            slices += 1
        }
        #expect(slices == 3 && maker.state.head.height == 16 + 2 * 17)
        try await expectNewest(sixteen, in: store)
        #expect(eight.root != sixteen.root)
        try await extend(store, &maker, to: 64)
        #expect(try await store.chunk(ChunkName(height: 8, index: 0)) == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/snapshots").count == 3)
    }
    private func expectNewest(_ state: LedgerState, in store: ChainStore) async throws {
        let newest = try #require(await store.snapshot())
        #expect(newest.height == 16 && newest.root == state.root)
        #expect(try await chunks(of: newest, from: store).count == 3)
        #expect(try await store.chunk(ChunkName(height: 8, index: 0)) != nil)
        #expect(try await store.chunk(ChunkName(height: 8, index: 3)) == nil)
        #expect(try await store.chunk(ChunkName(height: 24, index: 0)) == nil)
    }

    /// Blocks behind the older snapshot stay, whoever has begun to fetch it; what came before goes, but the ends of epochs.
    @Test func whatAnswersANewcomerIsKept() async throws {
        var maker = try ChainMaker()
        let (store, _) = try await opened(try directory("a"), maker)
        try await extend(store, &maker, to: 100)
        let older: UInt64 = 88
        #expect(try await store.blocks(BlockRange(from: 1, count: 1), atMost: 1 << 20).isEmpty)
        #expect(try await store.blocks(BlockRange(from: older + 1, count: 1), atMost: 1 << 20).count == 1)
        for (asked, found) in [(1, 8), (8, 8), (9, 16), (older, older), (older + 3, older + 3), (100, 100)] as [(UInt64, UInt64)]
        {
            let block = try #require(try await store.lightBlock(from: asked))
            #expect(block.height == found)
            #expect(throws: Never.self) { try block.check(chainID: maker.state.chainID) }
        }
        #expect(try await store.lightBlock(from: nil)?.height == 100)
        #expect(try await store.lightBlock(from: 101) == nil)
    }

    /// The file is there whole or not at all, whatever is left of it.
    @Test func aTornOrDamagedSnapshotIsNeverGiven() async throws {
        var maker = try ChainMaker()
        let path = try directory("a")
        var (store, _): (ChainStore?, StoredChain) = try await opened(path, maker)
        try await extend(store!, &maker, to: 9)
        try await store!.close()
        store = nil
        let file = path + "/snapshots/00000000000000000008.snapshot"
        let whole = try bytes(of: file)
        for cut in stride(from: 0, to: whole.count, by: 13) {
            try put(whole.prefix(cut), into: file)
            #expect(try SnapshotFiles(path + "/snapshots").manifests.isEmpty, "cut at \(cut)")
        }
        for place in stride(from: 0, to: whole.count, by: 7) {
            var damaged = whole
            damaged[place] ^= 4
            try put(damaged, into: file)
            let files = try SnapshotFiles(path + "/snapshots")
            #expect(try files.chunk(0, at: 8) == nil, "bit at \(place)")
            #expect(files.manifests.isEmpty && !FileManager.default.fileExists(atPath: file))
        }
        try put(whole, into: file)
        try put([1, 2, 3], into: path + "/snapshots/drafts/16")
        let files = try SnapshotFiles(path + "/snapshots")
        #expect(try files.manifests.map(\.height) == [8] && files.chunk(0, at: 8) != nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/snapshots/drafts").isEmpty)
    }

    // MARK: taking

    @Test(arguments: [true, false]) func aSnapshotTakesThePlaceOfTheChain(keepsSnapshots: Bool) async throws {
        var maker = try ChainMaker(accounts: 12_000)
        let (store, _) = try await opened(try directory("a"), maker)
        try await extend(store, &maker, to: 9)
        let path = try directory("b")
        let (newcomer, _) = try await opened(path, maker, keepsSnapshots: keepsSnapshots)
        let manifest = try #require(await store.snapshot())
        for (index, chunk) in try await chunks(of: manifest, from: store).enumerated() {
            try await newcomer.keepChunk(chunk, index: index)
        }
        let installed = try await newcomer.install(try await certified(manifest, by: store), on: maker.genesis)
        // The same blocks on both from here on.
        var ahead = try ChainMaker(accounts: 12_000)
        for _ in 0..<8 { _ = try ahead.next() }
        #expect(installed.root == ahead.state.root && installed.all == ahead.state.all && installed.head == ahead.state.head)
        #expect(installed.rotation == ahead.state.rotation)
        #expect(try await newcomer.lightBlock(from: nil)?.height == 8)
        var state = installed
        for _ in 0..<30 {
            let next = try ahead.next()
            let checked = try CheckedTransaction.check(next.certified.block.transactions[...], on: state.chainID).get()
            let outcome = try state.execute(next.certified.block, checked)
            state.apply(outcome)
            try await newcomer.append(next.certified, outcome, root: state.root)
        }
        try await newcomer.close()
        #expect(await newcomer.snapshot()?.height == (keepsSnapshots ? 8 : nil))
    }

    /// Where a crash may come while a snapshot is installed, and what is there then.
    enum Crash: CaseIterable { case beforeTheMark, markedOnly, halfEmptied, emptied, replaced }

    @Test(arguments: Crash.allCases) func aCrashLeavesTheOldStateOrTheNew(crash: Crash) async throws {
        var maker = try ChainMaker()
        let (store, _) = try await opened(try directory("a"), maker)
        try await extend(store, &maker, to: 41)
        let path = try directory("b")
        var before = try ChainMaker()
        var newcomer: ChainStore? = try await opened(path, before).0
        try await extend(newcomer!, &before, to: 21)
        let manifest = try #require(await store.snapshot())
        let snapshot = try await certified(manifest, by: store)
        let chunks = try await chunks(of: manifest, from: store)
        for (index, chunk) in chunks.enumerated() { try await newcomer!.keepChunk(chunk, index: index) }
        try await newcomer!.flush()
        let (mark, blocks) = (path + "/blocks.left", path + "/blocks")
        switch crash {
        case .beforeTheMark: break
        case .markedOnly:
            newcomer = nil
            try put([], into: mark)
        case .halfEmptied:
            newcomer = nil
            let names = try FileManager.default.contentsOfDirectory(atPath: blocks).filter { $0.hasSuffix(".blocks") }.sorted()
            try #require(names.count > 2)
            try FileManager.default.removeItem(atPath: blocks + "/" + names[names.count - 1])
            // Without the mark this is damage.
            #expect(throws: StorageError.self) { _ = try ChainStore(directory: path, segmentSize: 4_096) }
            try put([], into: mark)
        case .emptied: try await newcomer!.beginLeaving()
        case .replaced:
            _ = try await newcomer!.install(snapshot, on: maker.genesis)
            newcomer = nil
            try put([], into: mark)
        }
        newcomer = nil
        let (again, stored) = try await opened(path, maker)
        #expect(stored.state.head.height == (crash == .replaced ? 40 : 21))
        #expect(stored.state.root == (crash == .replaced ? manifest.root : before.state.root))
        #expect(stored.lastCommit?.height == stored.state.head.height)
        #expect(stored.lastHeader?.id == stored.state.head.block)
        #expect(!FileManager.default.fileExists(atPath: mark))
        // It can take the snapshot now, from the first chunk on.
        guard crash != .replaced else { return }
        await #expect(throws: StorageError.self) { try await again.keepChunk(chunks[0], index: 1) }
        for (index, chunk) in chunks.enumerated() { try await again.keepChunk(chunk, index: index) }
        #expect(try await again.install(snapshot, on: maker.genesis).root == manifest.root)
    }
}
