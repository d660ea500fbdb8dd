import Logging
import NIOCore
import NIOPosix
import Primitives

/// Whom to dial, and why.
struct DialTarget: Hashable, Sendable {
    enum Purpose: Hashable, Sendable {
        case anchor
        /// Of `configuredPeers`, by its number.
        case configured(Int)
        case book
        /// To see whether a new address answers; no link comes of it.
        case feeler
    }

    var purpose: Purpose
    var host: String
    var port: UInt16
    /// Known before it is dialled, unless the host is a name.
    var endpoint: Endpoint?
    var identity: PeerID?

    init(_ purpose: Purpose, _ endpoint: Endpoint) {
        (self.purpose, self.endpoint, identity) = (purpose, endpoint, nil)
        (host, port) = ("\(endpoint.address)", endpoint.port)
    }

    init(configured number: Int, _ peer: ConfiguredPeer) {
        (purpose, host, port, identity) = (.configured(number), peer.host, peer.port, peer.identity)
        endpoint = IPAddress(peer.host).map { Endpoint(address: $0, port: peer.port) }
    }
}

/// A link that this node has dialled or is dialling.
struct DialSlot {
    var target: DialTarget
    var endpoint: Endpoint?
    var peer: PeerID?
}

extension PeerNetwork {
    /// A table that answers is known by trying: one new address in two minutes.
    static let feelerInterval = Nanoseconds.seconds(120)

    /// Fills the outbound links, one after the other, until it is cancelled.
    func keepDialling() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                while let target = nextTarget(at: now().boot) {
                    let slot = occupy(target)
                    group.addTask { await self.dial(target, slot: slot) }
                }
                await sleep(min(configuration.limits.redialFirst, .seconds(1)))
            }
        }
    }

    private func occupy(_ target: DialTarget) -> Int {
        nextSlot += 1
        slots[nextSlot] = DialSlot(target: target, endpoint: target.endpoint)
        return nextSlot
    }

    // MARK: Choosing

    private func nextTarget(at moment: Instant) -> DialTarget? {
        let taken = slots.values.count { $0.target.purpose != .feeler }
        guard taken < configuration.limits.outboundLinks else { return nextFeeler(at: moment) }
        while let anchor = anchorsLeft.popLast() {
            if isFree(anchor, nil, at: moment) { return DialTarget(.anchor, anchor) }
        }
        for (number, peer) in configuration.configuredPeers.enumerated() where redials[number].notBefore <= moment {
            let target = DialTarget(configured: number, peer)
            let isDialled = slots.values.contains { $0.target.purpose == target.purpose }
            let isLinked = peer.identity.map { links[$0] != nil || $0 == id } ?? false
            if !isDialled, !isLinked, target.endpoint.map({ isFree($0, nil, at: moment) }) ?? true { return target }
        }
        return candidate(at: moment, where: { _ in true }).map { DialTarget(.book, $0) }
    }

    private func nextFeeler(at moment: Instant) -> DialTarget? {
        guard moment - lastFeeler >= Self.feelerInterval else { return nil }
        lastFeeler = moment
        return candidate(at: moment, where: { !$0.isTried }).map { DialTarget(.feeler, $0) }
    }

    /// An address of the book in a network where no outbound link is.
    private func candidate(at moment: Instant, where isWanted: (PeerTable.Entry) -> Bool) -> Endpoint? {
        let networks = Set(slots.values.compactMap { $0.endpoint.map { NetworkGroup.provider(of: $0) } })
        return book.read { contents in
            contents.table.candidate(at: moment, using: &random) { entry in
                isWanted(entry) && !networks.contains(.provider(of: entry.endpoint))
                    && isFree(entry.endpoint, entry.identity, in: contents, at: moment)
            }?.endpoint
        }
    }

    private func isFree(_ endpoint: Endpoint, _ identity: PeerID?, at moment: Instant) -> Bool {
        book.read { isFree(endpoint, identity, in: $0, at: moment) }
    }

    /// Neither dialled nor linked nor banned.
    private func isFree(_ endpoint: Endpoint, _ identity: PeerID?, in contents: PeerBook.Contents, at moment: Instant) -> Bool {
        !slots.values.contains { $0.endpoint == endpoint }
            && !(identity.map { links[$0] != nil || contents.standings.isBanned(.peer($0), at: moment) } ?? false)
            && !contents.standings.isBanned(.subscriber(.subscriber(endpoint.address)), at: moment)
    }

    // MARK: Dialling

    private func dial(_ target: DialTarget, slot: Int) async {
        let (identity, terms) = (identity, terms(expected: target.identity, listeningPort: listeningPort))
        var outcome = Outcome()
        do {
            let bootstrap = ClientBootstrap(group: loops)
                .connectTimeout(.nanoseconds(configuration.limits.handshake.count))
                .channelOption(.maxMessagesPerRead, value: LinkChannel.messagesPerRead)
                .channelOption(.socketOption(.tcp_nodelay), value: 1)
                .channelOption(.writeBufferWaterMark, value: LinkChannel.waterMark)
            let channel = try await bootstrap.connect(host: target.host, port: Int(target.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try LinkChannel(on: channel, isInbound: false, identity: identity, terms: terms)
                }
            }.connected
            slots[slot]?.endpoint = channel.remote
            outcome = await serve(channel, slot: slot)
        } catch {
            outcome.reason = .failed("\(error)")
        }
        settle(slot, outcome)
    }

    /// The hello was good.
    func dialled(_ link: Link, slot: Int, at moment: Instant) {
        slots[slot]?.peer = link.peer
        let endpoint = link.info.endpoint
        book.change { $0.table.succeeded(endpoint, identity: link.peer, at: moment) }
        if case .configured(let number)? = slots[slot]?.target.purpose { redials[number].succeeded() }
    }

    /// What the end of a dial means for the next.
    private func settle(_ slot: Int, _ outcome: Outcome) {
        guard let dialled = slots.removeValue(forKey: slot), !Task.isCancelled else { return }
        let (moment, limits) = (now().boot, configuration.limits)
        var redial = Redial()
        if case .configured(let number) = dialled.target.purpose { redial = redials[number] }
        let known = dialled.endpoint.flatMap { endpoint in book.read { $0.table.entries[endpoint]?.redial } }
        redial = known ?? redial
        switch outcome.reason {
        case .told(.wrongChain), .told(.wrongVersion), .ended(.wrongChain), .ended(.wrongVersion), .ended(.isSelf),
            .told(.isSelf),
            .told(.banned), .ended(.banned):
            redial.refused(at: moment, for: limits.redialStranger)
        case _ where outcome.wasAdmitted || dialled.peer != nil: redial.ended(at: moment, limits, using: &random)
        default: redial.failed(at: moment, limits, using: &random)
        }
        if case .configured(let number) = dialled.target.purpose { redials[number] = redial }
        if let endpoint = dialled.endpoint { book.change { $0.table.change(endpoint, at: moment) { $0 = redial } } }
        logger.debug(
            "dial over", metadata: ["to": "\(dialled.target.host):\(dialled.target.port)", "reason": "\(outcome.reason)"])
    }
}
