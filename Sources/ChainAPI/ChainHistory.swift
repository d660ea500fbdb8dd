public import Chain
public import Ledger
import Node
public import Primitives

/// What became of the newest transactions: blocks say what was asked for, only receipts say what was done.
///
/// Bounded by heights and by receipts, 2 to 3 MB when full; it begins anew with the program.
public actor ChainHistory {
    public static let heightsLimit = 1_024
    public static let receiptsLimit = 16_384

    /// Where a transaction stands, and what it came to.
    public struct Place: Hashable, Sendable {
        public var height: UInt64
        public var index: Int
        public var receipt: Receipt
    }

    private var receipts: [UInt64: [Receipt]] = [:]
    /// Oldest first.
    private var heights: [UInt64] = []
    private var places: [Bytes32: (height: UInt64, index: Int)] = [:]
    private var followers: [AsyncStream<ChainService.FinalBlock>.Continuation] = []
    private var hasEnded = false

    public init() {}

    /// Takes in blocks until there are no more.
    public func follow(_ source: any ChainSource) async {
        for await block in await source.finalBlocks(lagging: 64) { note(block) }
        end()
    }

    /// Returns when the block at `height` was taken in, which the source is about to tell; at once if nothing was before it.
    func catchUp(to height: UInt64) async {
        guard let newest = heights.last, newest < height else { return }
        for await block in blocks(lagging: 1).blocks where block.certified.height >= height { return }
    }

    /// No more blocks come.
    public func end() {
        for follower in followers { follower.finish() }
        (followers, hasEnded) = ([], true)
    }

    public func note(_ block: ChainService.FinalBlock) {
        let height = block.certified.height
        guard receipts.updateValue(block.receipts, forKey: height) == nil else { return }
        heights.append(height)
        for (index, receipt) in block.receipts.enumerated() { places[receipt.transaction] = (height, index) }
        followers.removeAll { if case .terminated = $0.yield(block) { true } else { false } }
        while heights.count > 1, heights.count > Self.heightsLimit || places.count > Self.receiptsLimit { forgetOldest() }
    }

    private func forgetOldest() {
        for receipt in receipts.removeValue(forKey: heights.removeFirst()) ?? [] { places[receipt.transaction] = nil }
    }

    /// The newest height that was taken in, and the blocks after it. A follower that lags by more than `limit` loses the oldest.
    func blocks(lagging limit: Int) -> (newest: UInt64?, blocks: AsyncStream<ChainService.FinalBlock>) {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ChainService.FinalBlock.self, bufferingPolicy: .bufferingNewest(limit))
        if hasEnded { continuation.finish() } else { followers.append(continuation) }
        return (heights.last, stream)
    }

    public func place(of transaction: Bytes32) -> Place? {
        guard let place = places[transaction], let receipts = receipts[place.height] else { return nil }
        return Place(height: place.height, index: place.index, receipt: receipts[place.index])
    }

    /// Of the block at `height`; nil when they are not kept.
    public func receipts(at height: UInt64) -> [Receipt]? { receipts[height] }
}
