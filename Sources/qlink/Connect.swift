import ArgumentParser
import Charging
import Glibc
import Primitives
import StationAPI
import StationClient
import NIOHTTP1
import Synchronization

struct Connect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Connects through a station and pays as it goes, until interrupted.",
        usage: "qlink connect STATION --channel ID|--code CODE [--limit QLC] [options]",
        discussion: "Example: qlink connect 10.77.0.1 --channel 4f0c… --limit 0.5 --yes")

    @Argument(help: "The station's address, with :PORT if it is not 2050.") var station: String
    @Option(help: "The payment channel.") var channel: String?
    @Option(help: "An access code instead of a channel.") var code: String?
    @Option(help: "The tariff; the station's usual one if left out.") var tariff: String?
    @Option(help: "Pay at most this much QLC in this session.") var limit = "1"
    @Flag(help: "Accept the price without asking.") var yes = false
    @Flag(help: "Open the session, pay once, and leave it running.") var once = false
    @Option(help: "Speak for this client of a simulated station on the same machine.") var simulatedClient: Int?
    @OptionGroup var file: WalletFile

    func run() async throws {
        var visit = Visit(
            sessionId: "", station: station, tariffId: "", channel: nil, startedAt: .now, simulatedClient: simulatedClient)
        let connection = try visit.connection()
        if let code {
            let session: BuyerSessionView = try await connection.post("/v1/sessions", OpenSessionBody(accessCode: code))
            remember(session, in: &visit)
            print(
                "online: \(session.bytesRemaining.map { ByteCount(bytes: $0).description } ?? "\(session.secondsRemaining ?? 0) s") left"
            )
            return
        }
        guard let channel, let id = ChannelID(channel) else {
            throw WalletError("name the channel to pay from, --channel with its 64 digits, or an access code with --code")
        }
        guard let limit = QLC(limit) else { throw WalletError("\"\(limit)\" is not an amount of QLC; write it like 0.5") }
        let key = try SessionKeys(beside: file).key(of: id) ?? file.load()
        let offer: OfferView = try await connection.get("/v1/offer" + (tariff.map { "?tariff=\($0)" } ?? ""))
        guard offer.offer.verified(by: offer.offer.claim.station) != nil, offer.offer.claim.digest == offer.digest else {
            throw WalletError("the offer of \(station) is not signed by the station it names; do not use it")
        }
        try consent(to: offer.offer.claim, limit: limit)
        let account: ChannelView = try await connection.get("/v1/channels/\(id)")
        let paidBefore = try account.paid(provenBy: key)
        let acceptance = Acceptance(
            offer: offer.digest, channel: id, client: offer.clientMac, sequence: account.acceptanceSequence + 1,
            visitKey: file.visitKey())
        let session: BuyerSessionView = try await connection.post(
            "/v1/sessions", OpenSessionBody(acceptance: Signed(acceptance, by: key)))
        visit.channel = id
        remember(session, in: &visit)
        // Where service is free, what is paid is a gift: only `donate` gives.
        let most = offer.offer.claim.tariff.isFree ? QLC.zero : limit
        try await pay(session, from: account, by: key, over: connection, limit: most, paidBefore: paidBefore, visit: &visit)
    }

    private func remember(_ session: BuyerSessionView, in visit: inout Visit) {
        (visit.sessionId, visit.tariffId) = (session.sessionId, session.tariffId)
        visit.update(session)
        Journal(beside: file).write(visit)
    }

    private func pay(
        _ opened: BuyerSessionView, from channel: ChannelView, by key: PrivateKey, over connection: StationConnection,
        limit: QLC, paidBefore: QLC, visit: inout Visit
    ) async throws {
        var session = opened
        var plan = PaymentPlan(limit: limit, paidBefore: paidBefore)
        print("session \(session.sessionId)")
        fflush(nil)
        let stop = Interruption.watch()
        let patience = Patience()
        var remembered = ContinuousClock.now
        while !stop.isSet {
            if let amount = plan.next(for: session) {
                let voucher = Voucher(
                    chainID: channel.chainId, channel: channel.channelId, cumulativeAmount: amount,
                    cumulativeBytes: session.bytesUp + session.bytesDown,
                    sequence: session.voucherSequence + 1)
                let body = VoucherBody(voucher: Signed(voucher, by: key))
                // Cumulative: sent twice, it pays once.
                session = try await patience.ask {
                    try await connection.post("/v1/sessions/\(session.sessionId)/vouchers", body)
                }
                print(
                    "paid \(session.paidQlc - session.chargedEarlierQlc) QLC, used \(ByteCount(bytes: session.bytesUp + session.bytesDown)) in \(session.durationSeconds) s for \(session.chargeQlc) QLC"
                )
                fflush(nil)
            }
            // Who is killed finds in its history what it cost until then.
            if ContinuousClock.now - remembered > .seconds(10) {
                remember(session, in: &visit)
                remembered = .now
            }
            if once { return remember(session, in: &visit) }
            try await Task.sleep(for: .milliseconds(400))
            session = try await patience.ask { try await connection.get("/v1/sessions/\(session.sessionId)") }
        }
        session = try JSON.decode(
            BuyerSessionView.self, from: await connection.send(.DELETE, "/v1/sessions/\(session.sessionId)", nil))
        remember(session, in: &visit)
        print("left: \(session.bytesUp + session.bytesDown) bytes in \(session.durationSeconds) s for \(session.chargeQlc) QLC")
    }

    private func consent(to offer: Offer, limit: QLC) throws {
        let rates = offer.tariff.rates
        print("tariff \(offer.tariff.id) of station \(offer.station)")
        if let price = rates.byteDown { print("  received: \(price.charge(for: 1_000_000)) QLC for each MB") }
        if let price = rates.byteUp { print("  sent:     \(price.charge(for: 1_000_000)) QLC for each MB") }
        if let price = rates.second { print("  time:     \(price.charge(for: 60)) QLC for each minute") }
        if offer.tariff.isFree { print("  free") }
        guard !yes else { return }
        guard isatty(0) == 1 else { throw WalletError("nobody is there to accept the price; add --yes") }
        print("Pay up to \(limit) QLC? [y/N] ", terminator: "")
        fflush(nil)
        guard readLine()?.lowercased().hasPrefix("y") == true else { throw WalletError("not accepted; nothing was paid") }
    }
}

/// SIGINT and SIGTERM end a session politely.
private enum Interruption {
    final class Flag: Sendable {
        private let value = Atomic(false)
        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }

    private static let flag = Flag()

    static func watch() -> Flag {
        // The handler does nothing but one atomic store.
        for signal in [SIGINT, SIGTERM] { Glibc.signal(signal) { _ in Interruption.flag.set() } }
        return flag
    }
}
