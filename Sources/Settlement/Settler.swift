import Chain
public import Charging
import Consensus
import Ledger
public import Logging
import Node
public import Primitives

/// Brings the station's vouchers to the chain, what the station says of itself and what it delivered: what the policies want, one
/// transaction at a time.
///
/// ```
///  every 2 s:  ledger's state + held vouchers ─▶ what is decided? ─▶ what next? ─▶ sign ─▶ disk ─▶ node
/// ```
///
/// It compares what is held with what is settled, and remembers only what may be on its way: a transaction that is lost, refused or
/// overtaken leaves the difference, and the difference is sent again. Vouchers are cumulative, so nothing is paid twice; what may stand
/// only once (a registration) is sent anew only when it is certain that the one before is in no block. This is also the watcher: a
/// payer's close with an older amount is a difference like any other, and goes first.
public actor Settler {
    /// A block's distance while there is work.
    public static let pace = Duration.seconds(2)
    /// Blocks between two looks: with more, the node is catching up with the chain, and what it knows is old.
    private static let newBlocksLimit: UInt64 = 8
    /// Blocks without the transaction that is waiting: others pay more.
    private static let patience: UInt64 = 4
    /// Milliseconds of the ledger's time between two looks at the registry when nothing of ours came in: assets are many.
    private static let registryPace: UInt64 = 60_000
    /// What is not a settlement may cost so many times its least fee.
    private static let registryPatience: UInt64 = 8

    public struct Status: Hashable, Sendable {
        /// Held, and not in the ledger yet.
        public var unsettled = QLC.zero
        /// The transaction that was sent last and is not decided.
        public var underway: Bytes32?
        /// Why nothing gets on, and what to do; nil: all is well.
        public var trouble: String?

        public init() {}
    }

    let key: PrivateKey
    let chain: any SettlementChain
    let store: any SettlementStore
    let policy: SettlementPolicy
    let held: @Sendable () async -> [HeldVoucher]
    let listing: @Sendable () async -> StationListing?
    let usage: UsageCommitter?
    let network: Address.Network
    /// What becomes of the rewards of the stake.
    public nonisolated let restaking: RestakePolicy
    let logger: Logger

    private var outbox: Outbox?
    private var since: [ChannelID: UInt64] = [:]
    var demanded: Set<ChannelID> = []
    /// One after a batch was refused, then more again: one voucher that somebody overtook refuses all beside it.
    private var batchLimit = SettlementPolicy.batchLimit
    private var lastSettledAt: UInt64?
    private var lastHeight: UInt64?
    private var sentHeight: UInt64?
    /// The pool asked for a higher fee.
    private var isOutbid = false
    private var registryCheckedAt: UInt64?
    private var usageCheckedAt: UInt64?
    private var isLooking = false
    /// The last look found the node with the chain, as far as it can know.
    public private(set) var isUpToDate = false
    var desk = OrderDesk()
    var choice = StakeChoice.unsaid
    /// nil until the first look.
    var rewards: RewardBook?
    var stakeMark: StakeMark?
    /// An order is just being written.
    var isTakingIn = false
    public private(set) var status = Status()

    /// - Parameters:
    ///   - key: the station's: payee of the channels, owner of the asset. Its account pays the fees.
    ///   - held: the last voucher of each channel of this chain, durable.
    ///   - listing: what the ledger shall say of the station; nil: nothing.
    ///   - usage: brings usage records to the ledger; nil: they stay here.
    ///   - network: for addresses in words.
    ///   - restaking: what becomes of the rewards of the stake.
    public init(
        key: PrivateKey, chain: any SettlementChain, store: any SettlementStore, policy: SettlementPolicy = SettlementPolicy(),
        held: @escaping @Sendable () async -> [HeldVoucher],
        listing: @escaping @Sendable () async -> StationListing? = { nil }, usage: UsageCommitter? = nil,
        network: Address.Network = .main, restaking: RestakePolicy = RestakePolicy(), logger: Logger
    ) {
        (self.key, self.chain, self.store, self.policy) = (key, chain, store, policy)
        (self.held, self.listing, self.usage, self.network) = (held, listing, usage, network)
        (self.restaking, self.logger) = (restaking, logger)
    }

    /// Nothing is on its way.
    var hasFreePlace: Bool { outbox?.isEmpty ?? false }
    public nonisolated var station: PublicKey { key.publicKey }

    /// Runs until it is cancelled. There is nothing to bring to an end: what is on its way is on disk.
    public func run(clock: some Clock<Duration> = ContinuousClock()) async {
        while !Task.isCancelled {
            await look()
            guard (try? await clock.sleep(for: Self.pace)) != nil else { return }  // cancelled
        }
    }

    /// Has a channel settled as soon as that brings more than it costs.
    public func demand(_ channel: ChannelID) { demanded.insert(channel) }

    /// Compares, and does the next thing.
    public func look() async {
        guard !isLooking else { return }
        isLooking = true
        defer { isLooking = false }
        do {
            try await compare()
        } catch {
            complain("\(error)")
        }
    }

    private func compare() async throws {
        let chainID = await chain.chainID
        try await recall(chainID)
        let asked = demanded
        let held = await held().filter { $0.voucher.claim.chainID == chainID }
        let now = await LedgerView(of: chain, for: key.publicKey, held, newest: outbox?.newest?.id)
        let isCatchingUp = lastHeight.map { now.height > $0 + Self.newBlocksLimit } ?? true
        lastHeight = now.height
        isUpToDate = !isCatchingUp
        guard !isCatchingUp, var outbox else { return }
        let decided = outbox.advance(to: now.sequence, at: now.time)
        learn(from: decided, now)
        let receivables = await age(held, now, decided.isEmpty ? [] : [.sent(outbox.stored)])
        let open = Set(receivables.map(\.channel))
        demanded.subtract(asked.filter { !open.contains($0) })
        self.outbox = outbox
        status.unsettled = receivables.reduce(QLC.zero) { $0 + $1.gain }
        await conclude(now)
        await tendStake(now)
        let work = try await next(receivables, held, now, isFree: outbox.isEmpty, hasNews: !decided.isEmpty)
        try await go(on: work, now)
        status.underway = self.outbox?.newest?.id
    }

    func recall(_ chainID: Bytes32) async throws {
        guard outbox == nil else { return }
        let memory = try await store.recall()
        guard outbox == nil else { return }  // somebody else was faster
        desk = OrderDesk(memory.orders, on: chainID)
        since = memory.unsettledSince
        choice = memory.choice
        if memory.rewards?.chainID == chainID { rewards = memory.rewards }
        outbox = Outbox(memory.sent, by: key.publicKey, on: chainID)
    }

    /// Since when each channel has something to settle; on disk, so that a restart makes nothing young.
    private func age(
        _ held: [HeldVoucher], _ now: LedgerView, _ more: [SettlementChange]
    ) async -> [Receivable] {
        var (receivables, next): ([Receivable], [ChannelID: UInt64]) = ([], [:])
        for voucher in held {
            guard let record = now.records[voucher.channel], voucher.brings(to: record) else { continue }
            next[voucher.channel] = since[voucher.channel] ?? now.time
            receivables.append(
                voucher.receivable(record, since: next[voucher.channel]!, isDemanded: demanded.contains(voucher.channel)))
        }
        var changes = more
        for channel in Set(since.keys).union(next.keys).sorted() where since[channel] != next[channel] {
            changes.append(.unsettled(channel, since: next[channel]))
        }
        guard !changes.isEmpty else { return receivables }
        do throws(StorageError) {
            try await store.remember(changes)
            since = next
        } catch { complain("\(error)") }  // written at the next look
        return receivables
    }

    /// A batch that came into a block and settled nothing was refused.
    private func learn(from decided: [CheckedTransaction], _ now: LedgerView) {
        guard !decided.isEmpty else { return }
        isOutbid = false
        status.trouble = nil
        let batches = decided.filter { $0.transaction.sequence < now.sequence }.map(\.transaction.payload.vouchers)
        guard batches.contains(where: { !$0.isEmpty }) else { return }
        let isDone = batches.contains { vouchers in
            vouchers.allSatisfy {
                now.records[$0.claim.channel].map { [claim = $0.claim] in $0.sequence >= claim.sequence } ?? true
            }
        }
        batchLimit = isDone ? min(SettlementPolicy.batchLimit, batchLimit * 2) : 1
        if !isDone { logger.warning("the chain refused a settlement; its vouchers are sent one by one") }
    }

    private func next(
        _ receivables: [Receivable], _ held: [HeldVoucher], _ now: LedgerView, isFree: Bool, hasNews: Bool
    ) async throws -> Work? {
        // What waits may be signed anew at any time: it takes its own place.
        let settlement = policy.next(
            receivables, fees: now.fees, lastSettledAt: isFree ? lastSettledAt : nil, at: now.time, limit: batchLimit)
        if let settlement, settlement.isUrgent { return Work(settlement, held) }
        // An order that waits gives its place to nothing else, and takes that of nothing else: it is carried out once.
        let waiting = outbox?.newest.flatMap { desk.order(sentAs: $0.id) }
        if let order = waiting ?? (isFree ? desk.next : nil) { return await work(for: order, held, now) }
        if let settlement { return Work(settlement, held) }
        guard isFree else { return nil }
        var payload = await nextListing(now, hasNews)
        if payload == nil { payload = try await nextUsage(now, hasNews) }
        guard let payload else { return nil }
        let least = now.fee(for: payload, by: key.publicKey)
        return Work(payload, feeLimit: QLC(units: least.units * Self.registryPatience))
    }

    private func nextListing(_ now: LedgerView, _ hasNews: Bool) async -> Payload? {
        guard hasNews || registryCheckedAt.map({ now.time >= $0 + Self.registryPace }) ?? true else { return nil }
        guard let listing = await listing() else { return nil }
        registryCheckedAt = now.time
        let station = key.publicKey
        return await chain.read { listing.next(for: station, on: $0.state) }
    }

    private func nextUsage(_ now: LedgerView, _ hasNews: Bool) async throws -> Payload? {
        guard let usage else { return nil }
        let pace = min(Self.registryPace, usage.policy.patience)
        guard hasNews || usageCheckedAt.map({ now.time >= $0 + pace }) ?? true else { return nil }
        usageCheckedAt = now.time
        return try await usage.next(for: key.publicKey, on: chain).map(Payload.commitUsage)
    }

    /// Signs, or sees that what was signed comes into a block.
    private func go(on work: Work?, _ now: LedgerView) async throws {
        guard let outbox else { return }
        guard let newest = outbox.newest else {
            if let work { _ = try await send(work, now) }
            return
        }
        let isPressing = work.map { $0.isUrgent && !$0.isIn(newest.transaction.payload) } ?? false
        // After a restart, or when the pool lost it, the wait begins anew.
        let waitsSince = now.isWaiting || isOutbid ? sentHeight ?? now.height : now.height
        sentHeight = waitsSince
        let isLate = now.height >= waitsSince + Self.patience
        // More is offered once a block: prices change with blocks.
        let isOutbid = isOutbid && now.height > waitsSince
        if let work, isPressing || isLate || isOutbid, !outbox.isFull, try await send(work, now) { return }
        if !now.isWaiting { await submit(newest) }
    }

    /// - Returns: false if it would cost too much in the place of what waits.
    private func send(_ work: Work, _ now: LedgerView) async throws -> Bool {
        guard var next = outbox else { return false }
        let fee = max(now.fee(for: work.payload, by: key.publicKey), next.leastFee(isUrgent: work.isUrgent))
        guard fee <= work.feeLimit else { return false }
        if let order = work.order, now.balance < fee + order.amount {
            if next.isEmpty { try await drop(order, "the balance of \(now.balance) QLC no longer covers it; nothing was sent") }
            return false
        }
        guard now.balance >= fee else {
            complain(
                "the station's account has \(now.balance) QLC, and the fee is \(fee) QLC; send some to \(Address(key.publicKey, on: network))"
            )
            return false
        }
        // What replaces another one stands in its place, also while the state has not come to it.
        let sequence = next.newest?.transaction.sequence ?? now.sequence
        let transaction = Transaction(
            chainID: now.chainID, sender: key.publicKey, sequence: sequence, fee: fee,
            validUntil: now.time.saturatingAdd(Outbox.validity), payload: work.payload)
        let signed = CheckedTransaction(signing: transaction, by: key)
        next.add(signed)
        // In one commit: an order whose transaction is on its way is never one that still waits to be sent.
        let order = work.order?.signed(as: signed, at: now.height)
        let changes = [.sent(next.stored)] + (order.map { [SettlementChange.order($0)] } ?? [])
        do throws(StorageError) { try await store.remember(changes) } catch {
            // The answer to a false close cannot wait for the disk: sent twice it would cost a fee, and not sent all of the voucher.
            guard work.isUrgent else { throw error }
            complain("\(error)")
        }
        (outbox, sentHeight, isOutbid) = (next, now.height, false)
        if let order { desk.take(order) }
        if work.isOrdinarySettlement { lastSettledAt = now.time }
        if let newest = next.newest { await submit(newest) }
        return true
    }

    private func submit(_ transaction: CheckedTransaction) async {
        do {
            try await chain.submit(transaction)
            status.trouble = nil
        } catch Mempool.Refusal.known {} catch is CancellationError {} catch let refusal as Mempool.Refusal {
            switch refusal {
            case .taken, .full, .inadmissible(.feeTooLow): isOutbid = true
            default: break
            }
            complain("\(transaction.transaction.payload.kind) waits: \(refusal)")
        } catch {
            complain("\(transaction.transaction.payload.kind) waits: \(error)")
        }
    }

    func complain(_ why: String) {
        if status.trouble != why { logger.warning("settlement: \(why)") }
        status.trouble = why
    }
}
