public import Charging
import Ledger
public import Logging
public import Primitives

/// Which channels the station serves, of those that are opened to it.
public struct ChannelTerms: Hashable, Sendable {
    /// Milliseconds. A shorter dispute window could close while a board restarts or its uplink is down.
    public var leastDisputeWindow: UInt64 = 600_000
    /// Not more than the engine takes; of more, those with the largest deposits.
    public var channelLimit = 65_536

    public init() {}

    /// Whether the channel can pay this station from now on.
    func accept(_ record: ChannelRecord, for station: PublicKey, at time: UInt64) -> Bool {
        record.terms.payee == station && record.terms.disputeWindow >= leastDisputeWindow && record.isOpen(at: time)
    }
}

extension ChannelRecord {
    /// Nobody has begun to close it, and its time is not over: what a voucher adds now can be settled with a whole window left.
    func isOpen(at time: UInt64) -> Bool { closingSince == nil && time < expiry }
}

/// The station's channels as the chain has them.
///
/// First what differs from what the station holds, found in the whole state; then what differs after each block, found at the channels
/// that its transactions name. A channel is told as closed as soon as its payer closes it or its expiry is reached: what it paid is
/// still settled, more is not taken. An expiry that moves later is followed and told to nobody.
///
/// An event that is told again changes nothing in the engine: what was told and not taken in (the power went) is told at the next start.
public struct ChainChannelBook: ChannelBook {
    private let chain: any SettlementChain
    private let station: StationID
    private let terms: ChannelTerms
    private let held: @Sendable () async -> [ChannelAccount]
    private let demand: @Sendable (ChannelID) async -> Void
    private let logger: Logger

    /// - Parameters:
    ///   - held: the accounts of the charging engine.
    ///   - settler: whom `settle` asks.
    public init(
        chain: any SettlementChain, station: StationID, terms: ChannelTerms = ChannelTerms(),
        held: @escaping @Sendable () async -> [ChannelAccount], settler: Settler, logger: Logger
    ) {
        self.init(chain: chain, station: station, terms: terms, held: held, demand: { await settler.demand($0) }, logger: logger)
    }

    init(
        chain: any SettlementChain, station: StationID, terms: ChannelTerms = ChannelTerms(),
        held: @escaping @Sendable () async -> [ChannelAccount], demand: @escaping @Sendable (ChannelID) async -> Void,
        logger: Logger
    ) {
        (self.chain, self.station, self.terms, self.held) = (chain, station, terms, held)
        (self.demand, self.logger) = (demand, logger)
    }

    /// Ends with the node. Each is made when it is asked for: who is slow misses blocks, and has the state read again in their place.
    public func events() async -> AsyncStream<ChannelEvent> {
        let follower = ChannelFollower(
            chain, for: station, terms: terms, blocks: await chain.finalBlocks(lagging: ChannelFollower.lag), logger: logger)
        let chainID = await chain.chainID
        await follower.start(from: await held().filter { $0.channel.chainID == chainID && !$0.isClosed }.map(\.channel))
        return AsyncStream { await follower.next() }
    }

    /// Has the channel settled as soon as that pays its fee: the last voucher that the station holds, which contains this one.
    public func settle(_ voucher: Signed<Voucher>) async { await demand(voucher.claim.channel) }

    /// Hands every event over until it is taken in. What the engine refuses is passed over; what the disk refuses is tried again.
    public func tell(
        every pause: Duration = .seconds(1), _ take: @Sendable (ChannelEvent) async throws -> Void
    ) async throws {
        for await event in await events() {
            while true {
                do {
                    try await take(event)
                    break
                } catch let error as ChargingError {
                    logger.error("a channel of the chain is not taken in: \(error)")
                    break
                } catch {
                    logger.error("a channel of the chain waits: \(error)")
                    try await Task.sleep(for: pause)
                }
            }
        }
    }
}
