import Chain
import Charging
import Consensus
import Ledger
import Logging
import Node
import Primitives

/// Compares the channels that the station was told of with those of the ledger.
actor ChannelFollower {
    /// Blocks that wait here at most; two minutes of a busy chain.
    static let lag = 64

    private struct Told {
        var deposit: QLC
        var expiry: BlockTime
    }

    /// What the ledger has of some channels.
    private struct Reading: Sendable {
        var height: UInt64
        var time: BlockTime
        var records: [(id: ChannelID, record: ChannelRecord?)]
    }

    private let chain: any SettlementChain
    private let station: StationID
    private let terms: ChannelTerms
    private let blocks: AsyncStream<ChainService.FinalBlock>
    private let logger: Logger
    private var told: [ChannelID: Told] = [:]
    private var chainID = Bytes32.zero
    private var height: UInt64 = 0
    /// No told channel expires before.
    private var soonestExpiry = BlockTime.max
    /// The next one last. Of each channel that was told or is in the ledger two at most.
    private var pending: [ChannelEvent] = []

    /// - Parameter blocks: from before `start`, so that nothing falls between.
    init(
        _ chain: any SettlementChain, for station: StationID, terms: ChannelTerms, blocks: AsyncStream<ChainService.FinalBlock>,
        logger: Logger
    ) {
        (self.chain, self.station, self.terms, self.blocks, self.logger) = (chain, station, terms, blocks, logger)
    }

    /// - Parameter known: the open channels that the station holds.
    func start(from known: [Channel]) async {
        chainID = await chain.chainID
        for channel in known { told[channel.id] = Told(deposit: channel.deposit, expiry: .max) }
        await takeAll()
    }

    func next() async -> ChannelEvent? {
        while true {
            if let event = pending.popLast() { return event }
            guard let block = await nextBlock() else { return nil }
            let number = block.certified.height
            if number > height + 1 {
                logger.notice("blocks \(height + 1) to \(number - 1) were not followed: all channels are read again")
                await takeAll()
            } else {
                // The ledger may be further already: what later blocks name is read again when they come here.
                await take(await read(named(in: block.certified.block)))
                height = max(height, number)
            }
        }
    }

    private func takeAll() async {
        let reading = await readAll()
        await take(reading)
        height = reading.height
    }

    private func nextBlock() async -> ChainService.FinalBlock? {
        for await block in blocks { return block }
        return nil
    }

    /// All open channels to the station: one walk over the ledger's entries, which a running node holds in memory.
    private func readAll() async -> Reading {
        let (station, terms, known) = (station, terms, Array(told.keys))
        return await chain.read { now in
            let (state, time) = (now.state, now.state.head.time)
            var open: [(id: ChannelID, record: ChannelRecord)] = []
            state.walk(.channel) { key, entry in
                guard case .channel(let record) = entry, terms.accept(record, for: station, at: time) else { return }
                open.append((key.id, record))
            }
            open.sort { ($1.record.deposit, $0.id) < ($0.record.deposit, $1.id) }
            // The known ones first: those that are gone make room.
            let records =
                known.map { (id: $0, record: state.channel($0)) } + open.map { (id: $0.id, record: Optional($0.record)) }
            return Reading(height: state.head.height, time: time, records: records)
        }
    }

    private func read(_ ids: [ChannelID]) async -> Reading {
        await chain.read { now in
            Reading(
                height: now.state.head.height, time: now.state.head.time, records: ids.map { ($0, now.state.channel($0)) })
        }
    }

    /// Channels that may be others after the block. Its signatures were checked before it became final.
    private func named(in block: Block) -> [ChannelID] {
        block.transactions.compactMap { bytes in
            guard let transaction = try? Signed<Transaction>(canonicalBytes: bytes).claim else { return nil }
            switch transaction.payload {
            case .openChannel(let terms):
                return terms.payee == station ? OpenChannel.id(of: transaction.sender, transaction.sequence) : nil
            case .topUpChannel(let topUp): return told[topUp.channel] == nil ? nil : topUp.channel
            case .closeChannel(let close): return told[close.channel] == nil ? nil : close.channel
            default: return nil
            }
        }
    }

    private func take(_ reading: Reading) async {
        var events = reading.records.flatMap { compare($0.id, $0.record, at: reading.time) }
        if reading.time >= soonestExpiry {
            // Looked up again: it may have been moved later in a block that does not stand here yet.
            let due = await read(told.filter { reading.time >= $0.value.expiry }.keys.sorted())
            events += due.records.flatMap { compare($0.id, $0.record, at: due.time) }
        }
        soonestExpiry = told.values.map(\.expiry).min() ?? .max
        pending = events.reversed()
    }

    private func compare(_ id: ChannelID, _ record: ChannelRecord?, at time: BlockTime) -> [ChannelEvent] {
        guard let known = told[id] else {
            guard let record, terms.accept(record, for: station, at: time) else { return [] }
            guard told.count < terms.channelLimit else {
                logger.warning("channel \(id) is not served: there are \(terms.channelLimit) already")
                return []
            }
            told[id] = Told(deposit: record.deposit, expiry: record.expiry)
            // The ledger does not say when it was opened; people are shown when the station saw it first.
            let now = WallTime(secondsSince1970: Int64(clamping: time / 1_000))
            let channel = Channel(
                id: id, payer: record.payer, payee: record.terms.payee, sessionKey: record.terms.sessionKey,
                deposit: record.deposit, openedAt: now, chainID: chainID)
            return [.opened(channel)]
        }
        guard let record, record.isOpen(at: time) else {
            told[id] = nil
            return [.closed(id)]
        }
        told[id] = Told(deposit: record.deposit, expiry: record.expiry)
        return record.deposit > known.deposit ? [.toppedUp(id, deposit: record.deposit)] : []
    }
}
