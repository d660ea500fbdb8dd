import Consensus
import Ledger
import Node
import Primitives

/// Checks once more all that a node keeps of its chain: `basestation chain verify`.
///
/// With every block since genesis each one is carried out again, on a ledger of its own. Where the oldest were pruned, those that are there must
/// be the ancestors, hash by hash, of a block that the delegates of this epoch made final: no other history leads there.
public struct ChainVerifier: Sendable {
    public struct Progress: Hashable, Sendable {
        /// The oldest block that is kept.
        public var from: UInt64
        /// Checked up to here.
        public var height: UInt64
        /// The head when it began.
        public var to: UInt64

        public init(from: UInt64, height: UInt64, to: UInt64) { (self.from, self.height, self.to) = (from, height, to) }
        /// Whether the whole history is there, and was carried out again.
        public var isReplayed: Bool { from <= 1 }
    }

    /// What is wrong, and where.
    public struct Damage: Error, Hashable, Sendable, CustomStringConvertible {
        public var height: UInt64
        public var why: String
        public var description: String {
            "block \(height): \(why); stop the daemon and remove the directory \"chain\" in its state: the chain is fetched again"
        }
    }

    private static let page: UInt16 = 64

    private let service: ChainService
    private let genesis: Genesis

    public init(_ service: ChainService) { (self.service, genesis) = (service, service.genesis) }

    /// - Parameter report: hears of the progress now and then.
    /// - Throws: `Damage`; whatever reading the disk throws; `CancellationError`.
    public func verify(_ report: @Sendable (Progress) async -> Void) async throws -> Progress {
        let (head, root, epoch) = await service.read { ($0.state.head, $0.state.root, $0.state.epoch) }
        let oldest = try await oldestKept(upTo: head.height) { try await service.block(at: $0) != nil }
        var progress = Progress(from: oldest, height: 0, to: head.height)
        progress.height = progress.from - 1
        var check = Check(genesis: genesis, state: progress.isReplayed ? try genesis.state() : nil)
        while progress.height < head.height {
            try Task.checkCancellation()
            let blocks = try await service.blocks(BlockRange(from: progress.height + 1, count: Self.page))
            guard !blocks.isEmpty else { throw Damage(height: progress.height + 1, why: "it is missing") }
            for certified in blocks.prefix(Int(clamping: head.height - progress.height)) { try check.take(certified) }
            progress.height = min(head.height, progress.height + UInt64(blocks.count))
            await report(progress)
        }
        if let state = check.state {
            guard state.root == root else { throw Damage(height: head.height, why: "the ledger after it is not the one in use") }
        } else if let last = check.last {
            guard last.block.header.id == head.block else {
                throw Damage(height: head.height, why: "it is not the ledger's head")
            }
            // At the very end of an epoch the delegates who signed are gone; the next block's commit proves the same.
            guard head.height >= epoch.startHeight else { return progress }
            do { try last.commit.verify(chainID: genesis.chainID, by: epoch.current) } catch {
                throw Damage(height: head.height, why: "\(error)")
            }
        }
        return progress
    }

    private struct Check {
        let genesis: Genesis
        /// nil where the history is not whole.
        var state: LedgerState?
        var last: CertifiedBlock?

        mutating func take(_ certified: CertifiedBlock) throws {
            do { try check(certified) } catch { throw Damage(height: certified.height, why: "\(error)") }
            last = certified
        }

        private mutating func check(_ certified: CertifiedBlock) throws {
            let (block, commit) = (certified.block, certified.commit)
            guard commit.block == block.header.id, commit.height == certified.height else {
                throw ConsensusError.commitInvalid("it is for another block")
            }
            let checked = try CheckedTransaction.check(block.transactions[...], on: genesis.chainID).get()
            if var next = state {
                state = nil  // one owner, or the ledger would be copied for every block
                try commit.verify(chainID: genesis.chainID, by: next.epoch.current)
                next.apply(try next.execute(block, checked, knownCommit: last?.commit))
                state = next
            } else {
                guard block.isSealed else { throw LedgerError.blockInvalid("its body is not the one that the header promises") }
                guard last.map({ $0.block.header.id == block.header.parent && $0.height + 1 == certified.height }) ?? true else {
                    throw LedgerError.headerWrong(field: "parent")
                }
            }
        }
    }
}
