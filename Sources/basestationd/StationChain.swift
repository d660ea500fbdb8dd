import Chain
import ChainAPI
import ChainServer
import Charging
import Consensus
import Glibc
import HAL
import Ledger
import Logging
import Node
import Peering
import Primitives
import ServiceLifecycle
import Settlement
import Station
import StationAPI
import StationConfiguration
import Store

/// The station's node of the Qlink Chain: disk, peers, node, API and the station's money there, joined. When it fails clients are served
/// all the same.
actor StationChain: Service {
    /// Without a block for so long something is wrong: one comes a minute even when nothing happens.
    private static let patience = Nanoseconds.seconds(180)

    private let role: ChainConfiguration.Role
    private let silenceLimit: Nanoseconds
    let service: ChainService
    private let network: PeerNetwork
    private let history = ChainHistory()
    private let rpc: ChainRPC
    private let server: ChainServer?
    private let book: ChainChannelBook
    let settler: Settler
    let addresses: Address.Network
    private let cashier: Cashier
    private let clocks: any Clocks
    private let logger: Logger
    private var lastBlock: Instant
    private var failure: String?
    /// Why wallets are not answered at `rpc_listen`.
    private var silentAPI: String?
    private var verification: ChainVerificationView?
    private let orders = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// nil where no genesis is named.
    init?(
        _ configuration: StationConfiguration, key: PrivateKey, store: StationStore, cashier: Cashier, clocks: any Clocks,
        logger: Logger
    ) async throws {
        let chain = configuration.chain
        guard let path = chain.genesis else { return nil }
        let genesis = try GenesisFile.load(path)
        let directory = configuration.stateDirectory + "/chain"
        try Directories.make(directory, mode: 0o700)
        let disk = try ChainStore(
            directory: directory, isDeclaredCopy: chain.isDiskCopy,
            keepsSnapshots: chain.role != .light, blocksKept: chain.role == .archive ? nil : ChainStore.blocksKept)
        network = PeerNetwork(
            try .init(chain, chainID: genesis.chainID), identity: try PeerIdentity(key),
            book: PeerBook(path: directory + "/peers.book", at: clocks.now().boot, logger: logger), now: { clocks.now() },
            logger: logger)
        service = try await ChainService(
            genesis: genesis, identity: chain.role == .delegate ? key : nil, storage: disk, transport: PeerTransport(network),
            clock: ChainClock(boot: { clocks.now().boot }, wall: { Self.milliseconds(clocks) }), logger: logger)
        rpc = ChainRPC(service, history: history)
        server = Endpoint(chain.rpc).map { [rpc] in ChainServer(rpc, at: $0, logger: logger) }
        addresses = Address.Network(ofChain: genesis.name)
        settler = Settler(
            key: key, chain: service, store: store,
            held: { await cashier.read { $0.channels.values.compactMap(HeldVoucher.init) } },
            listing: {
                // Prices change while the daemon runs.
                chain.register ? StationListing(configuration, tariffs: await cashier.read { $0.tariffs }) : nil
            },
            usage: chain.commitsUsage
                ? UsageCommitter(store, policy: UsagePolicy(patience: chain.usagePatience * 1_000)) : nil,
            network: addresses, restaking: configuration.restaking, logger: logger)
        book = ChainChannelBook(
            chain: service, station: key.publicKey, held: { await cashier.read { Array($0.channels.values) } },
            settler: settler, logger: logger)
        (role, silenceLimit, self.cashier, self.clocks, self.logger) = (chain.role, chain.silenceLimit, cashier, clocks, logger)
        lastBlock = clocks.now().boot
        let (height, root) = await service.read { ($0.state.head.height, $0.state.root) }
        logger.notice(
            "chain \(genesis.name), height \(height)",
            metadata: ["role": "\(role)", "chain": "\(genesis.chainID)", "state": "\(root)"])
    }

    /// Milliseconds since 1970; nil while the board's clock is not to be believed.
    private static func milliseconds(_ clocks: any Clocks) -> UInt64? {
        guard clocks.now().wall.isCredible else { return nil }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return UInt64(now.tv_sec) * 1_000 + UInt64(now.tv_nsec) / 1_000_000
    }

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await self.runParts() }
        } catch is CancellationError {} catch {
            logger.error("the chain node stopped; clients are served on", metadata: ["reason": "\(error)"])
            failure = "\(error)"
            try? await gracefulShutdown()  // a service that returns would end the others
        }
    }

    private func runParts() async throws {
        let (service, network, history, server) = (service, network, history, server)
        let (book, settler, cashier) = (book, settler, cashier)
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await network.run() }
            group.addTask { try await service.run() }
            group.addTask { await history.follow(service) }
            group.addTask { for await _ in await service.finalBlocks() { await self.noteBlock() } }
            group.addTask { await settler.run() }
            group.addTask { try await book.tell { _ = try await cashier.submit(.channel($0)) } }
            group.addTask { for await _ in self.orders.stream { await self.checkAll() } }
            if let server { group.addTask { await self.serve(server) } }
        }
    }

    /// Wallets may have to ask elsewhere: the node and the station's money go on.
    private func serve(_ server: ChainServer) async {
        do { try await server.run() } catch is CancellationError {} catch {
            logger.error("\(error)")
            silentAPI = "\(error)"
        }
    }

    private func noteBlock() { lastBlock = clocks.now().boot }

    // MARK: What the station asks

    nonisolated var seam: ChainSeam {
        let rpc = rpc
        return ChainSeam(
            status: { await self.status() }, silence: { await self.silence() }, alerts: { await self.alerts() },
            answer: { await rpc.answer(to: $0) },
            verify: { await self.verify() }, verification: { await self.verification },
            wallet: wallet, stake: stake)
    }

    private func status() async -> StatusView.Chain {
        let (head, claimed, peers, silence) = await service.read {
            ($0.state.head, $0.claimedHeight, $0.peerHeights.count, $0.silence)
        }
        return StatusView.Chain(
            height: head.height,
            finalizedAt: head.height == 0 ? nil : WallTime(secondsSince1970: Int64(clamping: head.time / 1_000)), peers: peers,
            syncing: claimed > head.height + 1, role: role.rawValue,
            trouble: failure ?? silentAPI ?? (role == .delegate ? silence : nil))
    }

    /// By the last block's own time, where the board has a clock: a node that catches up does not know yet what has happened.
    private func silence() async -> Nanoseconds? {
        var silence = clocks.now().boot - lastBlock
        if let now = Self.milliseconds(clocks) {
            let last = await service.read { $0.state.head.time }
            silence = max(silence, .milliseconds(now - min(now, last)))
        }
        return silence > silenceLimit ? silence : nil
    }

    private func alerts() async -> [StatusView.Alert] {
        if let failure {
            return [
                .init(what: "the chain node stopped: \(failure)", mend: "restart the daemon; if it stops again, see the journal")
            ]
        }
        var alerts: [StatusView.Alert] = []
        if let silentAPI { alerts.append(.init(what: silentAPI, mend: "then restart the daemon")) }
        if let trouble = await settler.status.trouble {
            alerts.append(.init(what: "money waits on the chain: \(trouble)", mend: "see \"basestation chain status\""))
        }
        return alerts + (await silenceAlerts())
    }

    private func silenceAlerts() async -> [StatusView.Alert] {
        let (since, age, peers) = (clocks.now().boot - lastBlock, await silence(), await service.peerCount)
        let cost = age == nil ? "" : "; channels pay for nothing meanwhile"
        if since > Self.patience {
            return [
                .init(
                    what: "the chain is silent: no block for \(since.wholeSeconds / 60) min, \(peers) peers\(cost)",
                    mend: peers == 0
                        ? "see whether the uplink works, and name nodes in peers below [chain]" : "nothing, if others see it too")
            ]
        }
        guard let age else { return [] }
        return [
            .init(
                what: "the newest block here is \(age.wholeSeconds / 60) min old by this board's clock\(cost)",
                mend: "wait, if the node is catching up; else the clock is wrong: see \"timedatectl\"")
        ]
    }

    // MARK: Verification

    private func verify() -> ChainVerificationView {
        if let verification, verification.state == "running" { return verification }
        let begun = ChainVerificationView(state: "running")
        if let failure { return ChainVerificationView(state: "damaged", damage: failure) }
        verification = begun
        orders.continuation.yield()
        return begun
    }

    private func checkAll() async {
        do {
            let end = try await ChainVerifier(service).verify { await self.note($0, "running") }
            note(end, "sound")
        } catch {
            verification?.state = "damaged"
            verification?.damage = "\(error)"
        }
    }

    private func note(_ progress: ChainVerifier.Progress, _ state: String) {
        verification = ChainVerificationView(
            state: state, fromHeight: progress.from, checkedHeight: progress.height, toHeight: progress.to)
    }
}

extension StationListing {
    /// What the configuration says, and the tariffs in force: a change of them is a change of the registration.
    fileprivate init(_ configuration: StationConfiguration, tariffs: [Tariff]) {
        var facts = AssetFacts()
        facts.kind = .baseStation
        facts.geohash = configuration.chain.geohash
        facts.ssid = configuration.wirelessPorts.isEmpty ? [] : Array(configuration.networkName.utf8)
        let offered = tariffs.first { $0.id == configuration.defaultTariff }
        facts.tariff = offered.map { PublishTariff($0.canonicalBytes).digest } ?? .zero
        facts.configuration = TaggedHash.digest(tag: "qlink/configuration", tariffs.flatMap(\.canonicalBytes))
        self.init(facts: facts, tariffs: tariffs.map(\.canonicalBytes))
    }
}

extension PeerNetwork.Configuration {
    fileprivate init(_ chain: ChainConfiguration, chainID: Bytes32) throws {
        self.init(chainID: chainID, frames: .chain, software: "basestation/0.1.0")
        listen = Endpoint(chain.listen)
        configuredPeers = try chain.peers.map {
            guard let peer = ConfiguredPeer($0) else {
                throw Problem(.malformed, "chain.peers: \"\($0)\" names no node; write host:port or KEY@host:port")
            }
            return peer
        }
        acceptsPrivateAddresses = chain.takesPrivateAddresses
    }
}
