import Charging
import HAL
import OrderedCollections
import Primitives
import StationAPI

/// What a buyer can ask for. `device` is whom the kernel says the request came from.
extension Station {
    func offer(_ tariffID: String?, to device: Neighbour) async throws -> OfferView {
        guard settings.sharing else { throw Problem(.unavailable, "the owner is not sharing just now; try again later") }
        guard let tariff = await tariff(tariffID) else {
            throw ChargingError.tariffUnknown(tariffID ?? settings.defaultTariffID)
        }
        let (offer, digest) = await offers.offer(tariff, at: clocks.now())
        let ids = await cashier.read { $0.tariffs.map(\.id) }
        return OfferView(offer: offer, digest: digest, clientMac: device.mac, tariffIds: ids)
    }

    func open(_ body: OpenSessionBody, from device: Neighbour) async throws -> BuyerSessionView {
        guard settings.sharing else { throw Problem(.unavailable, "the owner is not sharing just now; try again later") }
        let (tariff, payment) = try await payment(for: body, from: device)
        let addresses = await directory.addresses(of: device.mac)
        let request = OpenRequest(
            id: SessionID(high: .random(in: .min ... .max), low: .random(in: .min ... .max)), port: device.port, mac: device.mac,
            addresses: addresses + [device.address], tariff: tariff, payment: payment,
            key: await seams.wirelessKey(device.mac))
        let outcome = try await cashier.submit(.open(request))
        return try await session(outcome.session ?? request.id)
    }

    private func payment(
        for body: OpenSessionBody, from device: Neighbour
    ) async throws -> (Tariff, OpenRequest.Payment) {
        switch (body.acceptance, body.accessCode, body.freeTariff) {
        case (let signed?, nil, nil):
            let channel = signed.claim.channel
            guard let tariff = await offers.tariff(of: signed.claim.offer, at: clocks.now()) else {
                throw Problem(.offerExpired, "that offer is not good any more; GET /v1/offer gives a new one")
            }
            guard let key = await cashier.read({ $0.channels[channel]?.channel.sessionKey }) else {
                throw ChargingError.channelUnknown(channel)
            }
            guard let acceptance = signed.verified(by: key) else { throw ChargingError.wrongKey(channel) }
            try await hearsChain(of: channel)
            return (tariff, .channel(acceptance))
        case (nil, let code?, nil):
            guard let tariff = await tariff(nil) else { throw ChargingError.tariffUnknown(settings.defaultTariffID) }
            do { return (tariff, .code(try await codes.digest(of: code, typedBy: device.mac, at: clocks.now().boot))) } catch {
                switch error {
                case .tooMany: throw Problem(.tooMany, "too many tries; wait a minute and check the code letter by letter")
                case .malformed: throw ChargingError.codeUnknown
                }
            }
        case (nil, nil, let id?):
            guard let tariff = await tariff(id) else { throw ChargingError.tariffUnknown(id) }
            return (tariff, .free)
        default:
            throw Problem(.malformed, "give exactly one of \"acceptance\", \"access_code\" and \"free_tariff\"")
        }
    }

    func pay(_ signed: Signed<Voucher>, session id: SessionID) async throws -> BuyerSessionView {
        let channel = signed.claim.channel
        let (key, paying) = await cashier.read { ($0.channels[channel]?.channel.sessionKey, $0.sessions[id]?.funding) }
        guard let paying else { throw ChargingError.sessionUnknown(id) }
        guard let key, paying == .channel(channel) else { throw ChargingError.channelUnknown(channel) }
        guard let voucher = signed.verified(by: key) else { throw ChargingError.wrongKey(channel) }
        try await hearsChain(of: channel)
        _ = try await cashier.submit(.paid(voucher))
        return try await session(id)
    }

    func leave(_ id: SessionID) async throws -> BuyerSessionView {
        var view = try await session(id)
        _ = try await cashier.submit(.end(id, .left))
        if let record = try await store.usage(of: id)?.claim {
            (view.bytesUp, view.bytesDown, view.chargeQlc) = (record.bytesUp, record.bytesDown, record.charge)
            view.durationSeconds = record.seconds
        }
        view.state = "ended"
        (view.bytesRemaining, view.secondsRemaining) = (0, 0)
        return view
    }

    func session(_ id: SessionID) async throws -> BuyerSessionView {
        let now = clocks.now()
        guard let view = await cashier.read({ engine in engine.sessions[id].map { engine.buyerView($0, at: now) } }) else {
            throw ChargingError.sessionUnknown(id)
        }
        return view
    }

    func session(of device: Neighbour) async -> BuyerSessionView? {
        let now = clocks.now()
        return await cashier.read { engine in engine.session(of: device.mac).map { engine.buyerView($0, at: now) } }
    }

    /// RFC 8908: whether this device is held captive, and for how long it is not.
    func captivePortal(for device: Neighbour?, portalURL: String) async -> CaptivePortalView {
        let view = if let device { await session(of: device) } else { BuyerSessionView?.none }
        let isServed = view?.state == "active"
        return CaptivePortalView(
            captive: !isServed, userPortalURL: portalURL, secondsRemaining: isServed ? view?.secondsRemaining : nil,
            bytesRemaining: isServed ? view?.bytesRemaining : nil, canExtendSession: true)
    }
}

extension ChargingEngine {
    func buyerView(_ session: Session, at now: Moment) -> BuyerSessionView {
        let left = left(of: session, at: now)
        let account: ChannelAccount? = if case .channel(let id) = session.funding { channels[id] } else { nil }
        return BuyerSessionView(
            sessionId: session.id.description, tariffId: session.tariff.id, state: state(of: session, at: now),
            durationSeconds: session.usage.time.wholeSeconds, bytesUp: session.usage.bytesUp,
            bytesDown: session.usage.bytesDown, bytesRemaining: left.bytes, secondsRemaining: left.time?.wholeSeconds,
            chargeQlc: session.charge, paidQlc: account?.paid ?? .zero, chargedEarlierQlc: account?.charged ?? .zero,
            depositQlc: account?.channel.deposit ?? .zero, creditWindowQlc: session.window.amount,
            voucherSequence: account?.voucher?.claim.sequence ?? 0)
    }

    /// `exhausted` when not even a packet is left to use.
    func state(of session: Session, at now: Moment) -> String {
        guard session.isActive else { return "ended" }
        if session.isAway { return "away" }
        let left = left(of: session, at: now)
        return left.bytes.map { $0 < 1_500 } == true || left.time == .zero ? "exhausted" : "active"
    }

    func channelView(_ account: ChannelAccount) -> ChannelView {
        let open = session(paidBy: .channel(account.channel.id))?.charge ?? .zero
        return ChannelView(
            channelId: account.channel.id, chainId: account.channel.chainID, payer: account.channel.payer,
            depositQlc: account.channel.deposit,
            paidQlc: account.paid, chargedQlc: account.charged + open,
            voucherSequence: account.voucher?.claim.sequence ?? 0, voucher: account.voucher,
            acceptanceSequence: account.acceptanceSequence,
            openedAt: account.channel.openedAt, closed: account.isClosed)
    }
}
