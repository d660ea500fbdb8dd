import Consensus
import Foundation
import Ledger
import Node
import Primitives
import SimulatedHAL
import Testing

@testable import Store

/// Three ways to one state: from the genesis by every block, from a snapshot and what came after it, and through a thousand crashes.
@Suite struct OneStateTests {
    private static let height: UInt64 = 200
    private static let crashes = 1_000

    @Test(arguments: [UInt64.random(in: 0 ... .max)]) func threeWaysLeadToOneState(seed: UInt64) async throws {
        print("seed \(seed)")
        var maker = try ChainMaker()
        var blocks: [CertifiedBlock] = []
        while blocks.count < Self.height { blocks.append(try maker.next().certified) }

        var rebuilt = try maker.genesis.state()
        for block in blocks { try extend(&rebuilt, block) }
        let synced = try await fromSnapshot(blocks, of: maker.genesis)
        let crashed = try await throughCrashes(blocks, of: maker.genesis, SplitMix64(seed: seed))
        for state in [rebuilt, synced, crashed] {
            #expect(state.root == maker.state.root && state.all == maker.state.all)
            #expect(state.head == maker.state.head && state.rotation == maker.state.rotation)
        }
    }

    @discardableResult private func extend(_ state: inout LedgerState, _ block: CertifiedBlock) throws -> BlockOutcome {
        let checked = try CheckedTransaction.check(block.block.transactions[...], on: state.chainID).get()
        let outcome = try state.execute(block.block, checked)
        state.apply(outcome)
        return outcome
    }

    // MARK: by a snapshot

    /// A node that kept a snapshot gives it to one that has nothing; from there on the newcomer takes blocks.
    private func fromSnapshot(_ blocks: [CertifiedBlock], of genesis: Genesis) async throws -> LedgerState {
        let (one, other) = (Scratch(inMemory: true), Scratch(inMemory: true))
        let giver = try ChainStore(directory: one.path)
        var state = try await giver.load(genesis).state
        for block in blocks.prefix(blocks.count - 17) {
            try await giver.append(block, try extend(&state, block), root: state.root)
            guard state.epoch.startHeight == state.head.height + 1 else { continue }
            #expect(try await giver.beginSnapshot(state.tree))
            while try await giver.continueSnapshot() {}
        }
        let manifest = try #require(await giver.snapshot())
        let newcomer = try ChainStore(directory: other.path)
        _ = try await newcomer.load(genesis)
        var reader = SnapshotReader(manifest)
        for index in 0... {
            let chunk = try #require(try await giver.chunk(ChunkName(height: manifest.height, index: UInt32(index))))
            try reader.take(chunk)
            try await newcomer.keepChunk(chunk, index: index)
            if reader.isComplete { break }
        }
        let head = try #require(try await giver.lightBlock(from: manifest.height))
        let next = try #require(try await giver.lightBlock(from: manifest.height + 1))
        let snapshot = try #require(CertifiedSnapshot(manifest, head: head, next: next.header, proofs: [head, next]))
        state = try await newcomer.install(snapshot, on: genesis)
        #expect(state.head.height > 100 && state.head.height < blocks.count)
        for block in blocks.dropFirst(Int(state.head.height)) {
            try await newcomer.append(block, try extend(&state, block), root: state.root)
        }
        return state
    }

    // MARK: by crashes

    /// The power goes a thousand times, mostly while blocks are written: of the log behind the last whole flush a part is left, sometimes
    /// with garbage behind it, and of the database nothing newer than that flush.
    private func throughCrashes(_ blocks: [CertifiedBlock], of genesis: Genesis, _ seed: SplitMix64) async throws -> LedgerState {
        let scratch = Scratch(inMemory: true)
        var random = seed
        var flushed = Flushed()
        for _ in 0..<Self.crashes {
            let store = try ChainStore(directory: scratch.path)
            var state = try await store.load(genesis).state
            let room = min(UInt64(blocks.count), flushed.height + 40) - state.head.height
            let next = blocks[Int(state.head.height)...].prefix(min(Int(room), random.number(0...20)))
            for block in next { try await store.append(block, try extend(&state, block), root: state.root) }
            if random.chance(1, in: 60) {
                try await store.close()
                flushed = try Flushed(state.head.height, scratch)
            } else {
                try flushed.tear(scratch, &random)
            }
        }
        let store = try ChainStore(directory: scratch.path)
        var state = try await store.load(genesis).state
        #expect(flushed.height > 0 && state.head.height >= flushed.height)
        for block in blocks[Int(state.head.height)...] {
            try await store.append(block, try extend(&state, block), root: state.root)
        }
        return state
    }

    /// What no loss of power takes away.
    private struct Flushed {
        var height: UInt64 = 0
        private var logSize = BlockSegment.headerSize
        /// By name.
        private var database: [String: [UInt8]] = [:]

        init() {}
        init(_ height: UInt64, _ scratch: Scratch) throws {
            self.height = height
            logSize = try Self.log(scratch).map { try bytes(of: $0).count } ?? logSize
            for name in try Self.databaseFiles(scratch) { database[name] = try bytes(of: scratch.path + "/" + name) }
        }

        func tear(_ scratch: Scratch, _ random: inout SplitMix64) throws {
            for name in try Self.databaseFiles(scratch) { try FileManager.default.removeItem(atPath: scratch.path + "/" + name) }
            for (name, bytes) in database { try put(bytes, into: scratch.path + "/" + name) }
            guard let path = try Self.log(scratch) else { return }
            let log = try bytes(of: path)
            guard log.count > logSize else { return }
            var left = Array(log.prefix(random.number(logSize...log.count)))
            if left.count < log.count, random.chance(1, in: 3) {
                left.append(~log[left.count])  // else it may be the byte that is missing
                for _ in 0..<random.number(0...90) { left.append(UInt8(random.number(0...255))) }
            }
            try put(left, into: path)
        }

        private static func databaseFiles(_ scratch: Scratch) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: scratch.path).filter { $0.hasPrefix("chain.db") }
        }

        private static func log(_ scratch: Scratch) throws -> String? {
            let folder = scratch.path + "/blocks"
            return try blockFiles(folder).last.map { folder + "/" + $0 }
        }
    }
}
