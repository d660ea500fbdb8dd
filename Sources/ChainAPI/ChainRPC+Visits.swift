import BoundedJSON
import Chain
import Consensus
import Ledger
import Node
import Primitives

/// The sealed visit records in the blocks that are kept: to be carried off page by page by whoever thinks that some are for him.
///
/// The node cannot tell for whom one is, and learns nothing from the question: everybody asks for all of them.
extension ChainRPC {
    /// Commitments of one page.
    private static let visitsLimit: UInt64 = 32
    /// Blocks that are read for one page, and bytes of transactions.
    private static let scanLimit = 128
    private static let scanBytesLimit = 2 << 20
    /// Of the transactions handed out, which are twice as long in hexadecimal.
    private static let pageBytesLimit = 1 << 20

    /// Where a page begins, and the next one goes on.
    private struct Place {
        var height: UInt64
        /// Of a transaction in the block.
        var index = 0
    }

    private struct Page {
        var commitments: [JSONValue] = []
        var bytes = 0
        var scannedBlocks = 0
        var scannedBytes = 0
    }

    /// From the oldest block that is kept, or from the one that is asked for if that is newer. Each commitment comes as the whole
    /// transaction, whose signature and name whoever asked can check.
    func visits(_ given: Arguments) async throws(Fault) -> JSONValue {
        var place = Place(
            height: try given.has("height") ? given.height() : 1,
            index: Int(try given.integer("index", in: 0...UInt64(UInt32.max), otherwise: 0)))
        let limit = Int(try given.integer("limit", in: 1...Self.visitsLimit, otherwise: Self.visitsLimit))
        let head = await source.read { $0.state.head.height }
        if place.height <= head, try await keptBlock(at: place.height) == nil {
            place = Place(height: try await oldest(from: place.height, upTo: head))
        }
        let start = place.height
        var page = Page()
        while place.height <= head, page.scannedBlocks < Self.scanLimit, page.scannedBytes < Self.scanBytesLimit,
            page.commitments.count < limit, page.bytes < Self.pageBytesLimit
        {
            // Pruned meanwhile: the next page begins with what is left.
            guard let certified = try await keptBlock(at: place.height) else { break }
            add(certified.block, to: &page, limit, &place)
        }
        return .fields([
            "from_height": .count(start), "to_height": .count(place.index == 0 ? place.height - 1 : place.height),
            "head_height": .count(head), "commitments": .list(page.commitments),
            "next": place.height > head
                ? nil : .fields(["height": .count(place.height), "index": .count(place.index)]),
        ])
    }

    private func oldest(from height: UInt64, upTo head: UInt64) async throws(Fault) -> UInt64 {
        do { return try await oldestKept(from: height, upTo: head) { try await source.block(at: $0) != nil } } catch {
            throw Fault(.internalError, "the oldest block could not be read: \(error)")
        }
    }

    /// Takes the block's commitments in, and moves behind it, or to where the page is full.
    private func add(_ block: Block, to page: inout Page, _ limit: Int, _ place: inout Place) {
        page.scannedBlocks += 1
        for (index, bytes) in block.transactions.enumerated().dropFirst(place.index) {
            guard page.commitments.count < limit, page.bytes < Self.pageBytesLimit else {
                place.index = index
                return
            }
            page.scannedBytes += bytes.count
            guard let transaction = try? Signed<Transaction>(canonicalBytes: bytes).claim,
                case .commitUsage(let commitment) = transaction.payload, !commitment.visits.isEmpty
            else { continue }
            page.bytes += bytes.count
            page.commitments.append(
                .fields([
                    "height": .count(block.header.height), "index": .count(index), "id": .id(CheckedTransaction.id(of: bytes)),
                    "asset": .id(commitment.asset), "visits": .count(commitment.visits.count), "transaction": .hex(bytes),
                ]))
        }
        place = Place(height: place.height + 1)
    }
}
