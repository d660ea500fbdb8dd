import Charging
import HAL
import Logging
import Mining
import MiningPool
import Primitives
import ProofOfWork
import ServiceLifecycle
import Settlement
import Station
import StationAPI
import StationConfiguration
import Store

/// The pool that the station runs, joined: its monerod, the process that checks shares, the disk, and the account that pays.
actor StationPool: Service {
    private let server: PoolServer
    private let configuration: PoolConfiguration
    private let store: StationStore
    private let (key, addresses): (PublicKey, Address.Network)

    /// nil: there is none.
    init?(
        _ configuration: StationConfiguration, key: PrivateKey, chain: StationChain?, store: StationStore, clocks: any Clocks,
        logger: Logger
    ) async throws {
        let pool = configuration.pool
        guard let chain, let listen = Endpoint(pool.listen), let node = Endpoint(pool.node) else { return nil }
        var terms = PoolTerms(qlcPerXMR: pool.qlcPerXMR)
        (terms.feePermyriad, terms.window, terms.confirmations) = (pool.feePermyriad, pool.window, pool.confirmations)
        terms.leastPayout = pool.leastPayout
        var settings = PoolSettings(listen: listen, terms: terms, wallet: pool.wallet, addresses: chain.addresses)
        settings.leastDifficulty = pool.leastDifficulty
        if let certificate = pool.certificate, let privateKey = pool.privateKey { settings.tls = (certificate, privateKey) }
        server = try await PoolServer(
            settings, node: MoneroNode(at: node), launcher: WorkerLauncher(configuration.mining), store: store, key: key,
            clocks: clocks, logger: logger
        ) { member, amount, id in try await chain.payOut(amount, to: member, as: id) }
        (self.configuration, self.store, self.key, addresses) = (pool, store, key.publicKey, chain.addresses)
    }

    func run() async throws { await cancelWhenGracefulShutdown { [server] in await server.run() } }

    // MARK: What the station asks

    nonisolated var seam: PoolSeam {
        PoolSeam(
            view: { await self.view() }, statement: { try await self.statement($0) },
            alerts: {
                await self.view().troubles.map {
                    .init(what: "the mining pool: \($0)", mend: "members go on as far as they can; see \"basestation pool\"")
                }
            })
    }

    private nonisolated func name(_ member: PublicKey) -> String { Address(member, on: addresses).description }

    private func view() async -> PoolView {
        let status = await server.status()
        let tally = status.tally
        let refused = { (refusal: ShareRefusal) in tally.refused[refusal] ?? 0 }
        let unlistened = tally.listenTrouble.map { "nobody can connect to \(configuration.listen): \($0)" }
        return PoolView(
            listen: status.port == nil ? nil : configuration.listen, connections: status.connections,
            hashrate: status.rates.quarterHour.map { Double($0) / 1_000 }, height: tally.height,
            difficulty: UInt64(clamping: tally.difficulty),
            shares: .init(
                accepted: tally.accepted, stale: refused(.stale), lowDifficulty: refused(.lowDifficulty),
                duplicate: refused(.duplicate), invalid: refused(.invalid), other: refused(.other)),
            blocksFound: tally.blocks, bans: tally.bans, feePermyriad: configuration.feePermyriad,
            qlcPerXmr: configuration.qlcPerXMR, statements: status.statements,
            owedQlc: status.members.reduce(.zero) { $0 + $1.account.balance },
            members: status.members.map {
                .init(
                    address: name($0.account.member), connections: $0.connections, work: $0.account.work,
                    shares: $0.account.shares,
                    balanceQlc: $0.account.balance, paidQlc: $0.account.paid)
            },
            openBlocks: status.openBlocks.map {
                let claim = $0.statement.claim
                return .init(statement: claim.number, block: claim.block, height: claim.height, grossQlc: claim.gross)
            },
            openPayouts: status.payouts.map {
                .init(number: $0.number, to: name($0.member), amountQlc: $0.amount, state: $0.state == .open ? "open" : "unknown")
            },
            troubles: [tally.noWork, tally.diskTrouble, tally.payTrouble, status.checkTrouble, unlistened].compactMap(\.self))
    }

    private func statement(_ number: UInt64) async throws -> PoolStatementView? {
        guard let block = try await store.poolBlock(number) else { return nil }
        let claim = block.statement.claim
        return PoolStatementView(
            statement: number, state: "\(block.state)", block: claim.block, height: claim.height, rewardPiconero: claim.reward,
            qlcPerXmr: claim.qlcPerXMR, grossQlc: claim.gross, feeQlc: claim.fee, windowWork: claim.sums.work,
            lines: block.lines.map {
                .init(address: name($0.member), work: $0.work, windowWork: $0.windowWork, amountQlc: $0.amount)
            }, signed: Hex.encode(block.statement.canonicalBytes), key: key)
    }
}

extension StationChain {
    /// A pool's payout, as an order of the owner's: carried out once, however often it is asked for.
    func payOut(_ amount: QLC, to member: PublicKey, as id: Bytes32) async throws -> PayoutOutcome {
        // The operator's own station is a member too, and its account has the money already.
        guard member != settler.station else { return .done }
        let order = try await settler.take(.pay(to: member, amount: amount), as: id)
        return switch order.state {
        case .waiting, .sent: .open
        case .done: .done
        case .refused, .expired: .failed(order.reason ?? "\(order.state)")
        case .unknown: .unknown
        }
    }
}
