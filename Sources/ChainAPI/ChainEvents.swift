import BoundedJSON
import Chain
public import Charging
import Consensus
public import Ledger
import Node
public import Primitives

/// What a follower wants to hear of besides blocks.
public struct ChainWatch: Hashable, Sendable {
    /// Accounts and channels together.
    public static let limit = 64

    public let accounts: Set<PublicKey>
    public let channels: Set<ChannelID>

    /// - Throws: `invalidParams` if they are too many.
    public init(accounts: Set<PublicKey> = [], channels: Set<ChannelID> = []) throws(Fault) {
        guard accounts.count + channels.count <= Self.limit else {
            throw Fault(.invalidParams, "at most \(Self.limit) accounts and channels can be watched at once")
        }
        (self.accounts, self.channels) = (accounts, channels)
    }

    /// As a request names them.
    /// - Throws: `invalidParams` if one is no address or no channel's name, or they are too many.
    public init(accounts: [String], channels: [String], of genesis: Genesis) throws(Fault) {
        let network = ChainViews(genesis).network
        var (keys, names): (Set<PublicKey>, Set<ChannelID>) = ([], [])
        for text in accounts.prefix(Self.limit + 1) {
            do throws(AddressError) { keys.insert(try Address(text, on: network).key) } catch {
                throw Fault(.invalidParams, "account: \(error)")
            }
        }
        for text in channels.prefix(Self.limit + 1) {
            guard let name = ChannelID(text) else { throw Fault(.invalidParams, "channel is not 64 hexadecimal digits") }
            names.insert(name)
        }
        try self.init(accounts: keys, channels: names)
    }

    var isEmpty: Bool { accounts.isEmpty && channels.isEmpty }
}

/// The chain as server-sent events (WHATWG HTML, section 9.2): each element is text for the wire, whole events.
///
/// ```
///  event: receipt   a transaction of, or to, a watched account        ┐ those of a block come before it,
///  event: channel   a transaction about a watched channel             ┘ without an id of their own
///  event: block     the block; its id is the height                   ─▶ Last-Event-ID resumes behind it
///  event: gap       heights whose receipts are not kept: ask chain.block for them
/// ```
public struct ChainEvents: AsyncSequence, Sendable {
    /// A comment, to be sent when nothing was for 15 s or so, lest somebody between closes the line.
    public static let keepAlive = ":\n\n"
    /// Blocks that one who comes back is told of; of what is older, only that there is a gap.
    public static let replayLimit: UInt64 = 1_024
    /// Blocks that wait in memory for a slow reader. What it loses is read again for it.
    private static let lagLimit = 4

    private let source: any ChainSource
    private let history: ChainHistory
    private let watch: ChainWatch
    private let live: AsyncStream<ChainService.FinalBlock>
    private let head: UInt64
    private let first: UInt64

    /// - Parameters:
    ///   - history: follows the same source; what it has taken in is told.
    ///   - last: the `Last-Event-ID` of who comes back; nil hears of blocks from now on.
    public init(of source: any ChainSource, history: ChainHistory, watch: ChainWatch, after last: UInt64? = nil) async {
        (self.source, self.history, self.watch) = (source, history, watch)
        let (newest, blocks) = await history.blocks(lagging: Self.lagLimit)
        live = blocks
        if let newest { head = newest } else { head = await source.read { $0.state.head.height } }
        first = Swift.min(last ?? head, UInt64.max - 1) + 1
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(
            source: source, history: history, text: EventText(views: ChainViews(source.genesis), watch: watch),
            live: live.makeAsyncIterator(), head: head, expected: first)
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let source: any ChainSource
        let history: ChainHistory
        let text: EventText
        var live: AsyncStream<ChainService.FinalBlock>.Iterator
        /// Blocks up to there are final, but do not come by themselves.
        var head: UInt64
        /// The height that is told of next.
        var expected: UInt64
        /// Came by itself, and waits until those before it are told of.
        var held: ChainService.FinalBlock?

        /// nil when the node has ended.
        public mutating func next() async -> String? {
            while true {
                if expected <= head { return await replay() }
                if let block = held {
                    held = nil
                    guard block.certified.height >= expected else { continue }
                    expected = block.certified.height + 1
                    return text.events(of: block)
                }
                guard let block = await live.next() else { return nil }
                held = block
                head = Swift.max(head, block.certified.height - 1)
            }
        }

        /// One block that is past, or the gap up to the next that is kept.
        private mutating func replay() async -> String {
            let start = expected
            if head - expected >= ChainEvents.replayLimit { expected = head - ChainEvents.replayLimit + 1 }
            while expected <= head {
                if let block = await kept(at: expected) {
                    guard start == expected else { break }
                    expected += 1
                    return text.events(of: block)
                }
                expected += 1
            }
            return text.gap(start..<expected)
        }

        /// A block that cannot be read belongs to the gap too; chain.block says why.
        private func kept(at height: UInt64) async -> ChainService.FinalBlock? {
            guard let receipts = await history.receipts(at: height), let certified = try? await source.block(at: height) else {
                return nil
            }
            return ChainService.FinalBlock(certified: certified, receipts: receipts)
        }
    }
}

/// Events in words.
struct EventText: Sendable {
    let views: ChainViews
    let watch: ChainWatch

    func events(of block: ChainService.FinalBlock) -> String {
        let header = block.certified.block.header
        let summary = JSONValue.fields([
            "height": .count(header.height), "block_id": .id(header.id), "time": .time(header.time),
            "proposer": views.address(header.proposer), "transactions": .count(block.receipts.count),
            "refused": .count(block.receipts.count { $0.refusal != nil }),
        ])
        return watched(in: block).joined() + event("block", summary, id: header.height)
    }

    func gap(_ heights: Range<UInt64>) -> String {
        let last = heights.upperBound - 1
        return event("gap", .fields(["from_height": .count(heights.lowerBound), "to_height": .count(last)]), id: last)
    }

    private func watched(in block: ChainService.FinalBlock) -> [String] {
        guard !watch.isEmpty else { return [] }
        var events: [String] = []
        for (index, (bytes, receipt)) in zip(block.certified.block.transactions, block.receipts).enumerated() {
            guard let transaction = try? Signed<Transaction>(canonicalBytes: bytes).claim else { continue }
            let channels = transaction.channels.filter(watch.channels.contains)
            let isParty = transaction.parties.contains(where: watch.accounts.contains)
            guard isParty || !channels.isEmpty else { continue }
            let place = ChainHistory.Place(height: block.certified.height, index: index, receipt: receipt)
            let view = views.transaction(transaction, id: receipt.transaction, place)
            if isParty { events.append(event("receipt", view)) }
            for channel in channels {
                events.append(event("channel", .fields(["channel": .id(channel), "transaction": view])))
            }
        }
        return events
    }

    /// JSON on one line has no line break, so one `data` field holds it.
    private func event(_ name: String, _ data: JSONValue, id: UInt64? = nil) -> String {
        let line = String(decoding: data.bytes, as: UTF8.self)
        return "event: \(name)\n" + (id.map { "id: \($0)\n" } ?? "") + "data: \(line)\n\n"
    }
}
