import ArgumentParser
import Charging
import Primitives
import StationAPI
import StationClient

/// Pays ahead in a session that `connect --once` left running.
struct Pay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pays an amount ahead in a session that goes on.", usage: "qlink pay AMOUNT [--station STATION] [options]",
        discussion: "Example: qlink pay 0.1")

    @OptionGroup var payment: Payment

    func run() async throws {
        let (before, after) = try await payment.send { tariff in
            guard !(tariff.isFree && tariff.acceptsDonations) else {
                throw WalletError("tariff \(tariff.id) is free; what is paid would be a gift: qlink donate AMOUNT")
            }
        }
        print("paid \(after.paidQlc - before.paidQlc) QLC\(after.bytesRemaining.map { ", \(ByteCount(bytes: $0)) left" } ?? "")")
    }
}

/// Gives to a station whose tariff is free and takes donations.
struct Donate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Gives an amount to a station that is free.", usage: "qlink donate AMOUNT [--station STATION] [options]",
        discussion: """
            It is paid from the channel of the session that goes on, and is not credit for later.
            Example: qlink donate 0.5
            """)

    @OptionGroup var gift: Payment

    func run() async throws {
        let (before, after) = try await gift.send { tariff in
            guard tariff.isFree, tariff.acceptsDonations else {
                throw WalletError("tariff \(tariff.id) takes no donations; pay ahead instead: qlink pay AMOUNT")
            }
        }
        print("gave \(after.paidQlc - before.paidQlc) QLC, with thanks")
    }
}

struct Payment: ParsableArguments {
    @Argument(help: "So much QLC.") var amount: String
    @Option(help: "Of the session at this station, if several go on.") var station: String?
    @OptionGroup var file: WalletFile

    /// Sends one voucher that is greater by `amount`. Gives the session before and after it.
    func send(_ isWelcome: (Tariff) throws -> Void) async throws -> (BuyerSessionView, BuyerSessionView) {
        guard let amount = QLC(amount), amount > .zero else {
            throw WalletError("\"\(amount)\" is not an amount of QLC; write it like 0.5")
        }
        let journal = Journal(beside: file)
        var visit = try journal.openVisit(at: station)
        guard let channel = visit.channel else {
            throw WalletError("the session at \(visit.station) is paid by an access code; it has no channel to pay from")
        }
        let key = try SessionKeys(beside: file).key(of: channel) ?? file.load()
        let connection = try visit.connection()
        let before: BuyerSessionView = try await connection.get("/v1/sessions/\(visit.sessionId)")
        let offer: OfferView = try await connection.get("/v1/offer?tariff=\(before.tariffId)")
        try isWelcome(offer.offer.claim.tariff)
        let account: ChannelView = try await connection.get("/v1/channels/\(channel)")
        let paid = try account.paid(provenBy: key)
        let left = account.depositQlc - paid
        guard amount <= left else {
            throw WalletError("\(amount) QLC is more than the \(left) QLC left in the channel; have the deposit raised")
        }
        let voucher = Voucher(
            chainID: account.chainId, channel: channel, cumulativeAmount: paid + amount,
            cumulativeBytes: before.bytesUp + before.bytesDown,
            sequence: account.voucherSequence + 1)
        let after: BuyerSessionView = try await connection.post(
            "/v1/sessions/\(visit.sessionId)/vouchers", VoucherBody(voucher: Signed(voucher, by: key)))
        visit.update(after)
        journal.write(visit)
        return (before, after)
    }
}
