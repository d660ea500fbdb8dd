import Logging
import NIOCore
import NIOPosix
import Primitives

typealias Server = NIOAsyncChannel<LinkChannel?, Never>

/// From a connection to a link, and from its frames to events.
extension PeerNetwork {
    func terms(expected: PeerID?, listeningPort: UInt16) -> LinkTerms {
        let (configuration, now) = (configuration, now)
        return LinkTerms(
            identity: identity.id, expected: expected, limits: configuration.limits, frames: configuration.frames,
            hello: {
                Hello(
                    chainID: configuration.chainID, listeningPort: listeningPort, software: configuration.software,
                    networkTime: now().wall.secondsSince1970)
            })
    }

    // MARK: Accepting

    func bind(_ endpoint: Endpoint) async throws -> Server {
        let (gate, identity) = (gate, identity)
        let anybody = terms(expected: nil, listeningPort: 0)
        do {
            let bootstrap = ServerBootstrap(group: loops)
                .serverChannelOption(.backlog, value: 256)
                .serverChannelOption(.maxMessagesPerRead, value: 16)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.maxMessagesPerRead, value: LinkChannel.messagesPerRead)
                .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
                .childChannelOption(.writeBufferWaterMark, value: LinkChannel.waterMark)
            let server = try await bootstrap.bind(host: "\(endpoint.address)", port: Int(endpoint.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    // Refused ones are not an error: one would end the sequence of all that follow.
                    guard gate.admit(channel) else {
                        channel.close(promise: nil)
                        return LinkChannel?.none
                    }
                    var terms = anybody
                    let port = UInt16(clamping: channel.localAddress?.port ?? 0)
                    terms.hello = {
                        var hello = anybody.hello()
                        hello.listeningPort = port
                        return hello
                    }
                    // Out of memory: refused.
                    return try? LinkChannel(on: channel, isInbound: true, identity: identity, terms: terms)
                }
            }
            listeningPort = UInt16(clamping: server.channel.localAddress?.port ?? 0)
            return server
        } catch {
            throw PeeringError.listen(endpoint, "\(error)")
        }
    }

    /// Serves everybody who comes, and listens again when accepting failed for want of descriptors.
    func accept(from first: Server) async {
        await withDiscardingTaskGroup { group in
            var server: Server? = first
            while !Task.isCancelled {
                do {
                    if server == nil, var endpoint = configuration.listen {
                        endpoint.port = listeningPort
                        server = try await bind(endpoint)
                    }
                    try await server?.executeThenClose { arrivals in
                        for try await channel in arrivals {
                            guard let channel else { continue }
                            group.addTask { await self.serveInbound(channel) }
                        }
                    }
                } catch {
                    logger.warning("peers are not accepted for a moment", metadata: ["reason": "\(error)"])
                }
                server = nil
                if !Task.isCancelled { await sleep(.seconds(1)) }
            }
        }
    }

    private func serveInbound(_ channel: LinkChannel) async {
        let outcome = await serve(channel, slot: nil)
        guard !outcome.wasAdmitted, !Task.isCancelled else { return }
        switch outcome.reason {
        case .failed, .ended(.late), .ended(.malformed): punishAddress(channel.remote.address, Penalty.handshake)
        default: break
        }
    }

    // MARK: Serving

    struct Outcome {
        var wasAdmitted = false
        var reason = DisconnectReason.lost("closed without a word")
    }

    /// From the handshake to the end of a link.
    func serve(_ channel: LinkChannel, slot: Int?) async -> Outcome {
        var outcome = Outcome()
        var link: Link?
        channel.counters.serve()
        do {
            try await channel.stream.executeThenClose { arrivals in
                for try await event in arrivals {
                    switch event {
                    case .opened(let peer, let hello):
                        link = await admit(peer, hello, channel, slot: slot)
                        outcome.wasAdmitted = link != nil
                    case .frame(let frame):
                        if let link { await take(frame, from: link) }
                    case .flooded:
                        if let link { punish(link.peer, points: Penalty.flood, why: "frames beyond the rate, and no end") }
                    }
                    channel.counters.taken()
                }
            }
        } catch let reason as DisconnectReason {
            outcome.reason = reason
        } catch {
            outcome.reason = .lost("\(error)")
        }
        if Task.isCancelled { outcome.reason = .ended(.leaving) }
        if let link { await depart(link, outcome.reason) }
        return outcome
    }

    /// nil, and a goodbye on its way, when the peer may not stay.
    private func admit(_ peer: PeerID, _ hello: Hello, _ channel: LinkChannel, slot: Int?) async -> Link? {
        let moment = now().boot
        let info = PeerInfo(endpoint: channel.remote, isInbound: slot == nil, hello: hello, since: moment)
        let link = Link(peer: peer, info: info, on: channel)
        if book.read({ $0.standings.isBanned(.peer(peer), at: moment) }) {
            link.end(.banned)
            return nil
        }
        let former = links[peer]
        if let former {
            let keepsNew = DuplicateRule.keepsNew(
                own: id, peer: peer, oldIsInbound: former.info.isInbound, newIsInbound: info.isInbound)
            (keepsNew ? former : link).end(.duplicate)
            guard keepsNew else { return nil }
        }
        remember(link, slot: slot, at: moment)
        if let slot, slots[slot]?.target.purpose == .feeler {
            link.end(.leaving)
            return nil
        }
        links[peer] = link
        if former != nil { await events.queue.send(.disconnected(peer, .ended(.duplicate))) }
        await events.queue.send(.connected(peer, info))
        logger.debug("peer connected", metadata: ["peer": "\(peer)", "endpoint": "\(info.endpoint)"])
        if !info.isInbound {
            noteAnchors()
            askAddresses(link, at: moment)
        }
        return link
    }

    /// The book learns where the peer listens.
    private func remember(_ link: Link, slot: Int?, at moment: Instant) {
        if let slot { return dialled(link, slot: slot, at: moment) }
        guard link.info.hello.listeningPort != 0 else { return }
        let endpoint = Endpoint(address: link.info.endpoint.address, port: link.info.hello.listeningPort)
        learn([endpoint], from: .provider(of: endpoint), at: moment)
    }

    private func depart(_ link: Link, _ reason: DisconnectReason) async {
        if reason == .ended(.malformed) { punish(link.peer, points: Penalty.malformed, why: "a frame that cannot be") }
        // Another link may have taken its place; then this end was told already.
        guard links[link.peer] === link else { return }
        links[link.peer] = nil
        addressesAsked[link.peer] = nil
        addressesTold[link.peer] = nil
        logger.debug("peer disconnected", metadata: ["peer": "\(link.peer)", "reason": "\(reason)"])
        await events.queue.send(.disconnected(link.peer, reason))
    }

    // MARK: Frames

    private func take(_ frame: Frame, from link: Link) async {
        switch frame.type {
        case FrameType.askAddresses: tellAddresses(link)
        case FrameType.addresses: hearAddresses(frame, from: link)
        case FrameType.firstOfOthers...:
            await events.queue.send(.received(link.peer, type: frame.type, Array(frame.payload.readableBytesView)))
        default: link.end(.malformed)
        }
    }

    private func askAddresses(_ link: Link, at moment: Instant) {
        addressesAsked[link.peer] = moment
        _ = link.send(Frame(type: FrameType.askAddresses, payload: ByteBuffer()))  // refused means: it has enough to do
    }

    /// Once in `addressInterval`; who asks oftener gets no answer.
    private func tellAddresses(_ link: Link) {
        let moment = now().boot
        if let told = addressesTold[link.peer], moment - told < configuration.limits.addressInterval { return }
        addressesTold[link.peer] = moment
        let (book, isOpen) = (book, configuration.acceptsPrivateAddresses)
        let known = book.read { $0.table.sample(PeerTable.capacity, using: &random) }.filter { isOpen || $0.address.isGlobal }
        let list = AddressList(Array(known.prefix(AddressList.limit)))
        _ = link.send(Frame(type: FrameType.addresses, payload: ByteBuffer(bytes: list.canonicalBytes)))
    }

    /// One answer to one question; anything else is noise that somebody wants spread.
    private func hearAddresses(_ frame: Frame, from link: Link) {
        guard addressesAsked.removeValue(forKey: link.peer) != nil,
            let list = try? AddressList(canonicalBytes: frame.payload.readableBytesView)
        else { return punish(link.peer, points: Penalty.malformed, why: "addresses that nobody asked for, or not addresses") }
        learn(list.addresses.map(\.endpoint), from: .provider(of: link.info.endpoint), at: now().boot)
    }

    private func learn(_ endpoints: [Endpoint], from source: NetworkGroup, at moment: Instant) {
        let usable = endpoints.filter {
            $0.port != 0 && $0.address.unmapped == $0.address
                && ($0.address.isGlobal || configuration.acceptsPrivateAddresses && $0.address != .v4(0))
        }
        guard !usable.isEmpty else { return }
        book.change { contents in
            for endpoint in usable { contents.table.learn(endpoint, from: source, at: moment) }
        }
    }
}
