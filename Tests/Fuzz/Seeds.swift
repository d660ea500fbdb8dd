import Charging
import Glibc
import Ledger
import Primitives
import StationAPI

/// Valid values for the fuzzer to start from: whoever starts from rubbish never gets past the first field.
enum Seeds {
    private static let key = PrivateKey(seed: [UInt8](repeating: 7, count: 32))!
    private static let mac = MACAddress("02:00:00:00:00:01")!
    private static let time = WallTime(secondsSince1970: 1_795_000_000)
    private static let tariff = Tariff(id: "t", name: "T", rates: Rates(second: Price(QLC(units: 1))), flat: QLC(units: 2))
    private static let voucher = Voucher(channel: .zero, cumulativeAmount: QLC(units: 5), cumulativeBytes: 6, sequence: 7)
    private static let acceptance = Acceptance(
        offer: .zero, channel: .zero, client: mac, sequence: 1, visitKey: SealingKey(raw: .zero))
    private static let offer = Offer(station: key.publicKey, number: 1, tariff: tariff, expiresAt: time)
    private static let record = UsageRecord(
        station: key.publicKey, session: SessionID(9), buyer: key.publicKey, accessCode: nil, tariffID: "t", mac: mac,
        startedAt: time, endedAt: time, seconds: 1, bytesUp: 2, bytesDown: 3, charge: QLC(units: 4), paid: QLC(units: 5),
        voucher: Signed(voucher, by: key), endReason: .idle)

    /// The first byte chooses the type, in the order of the targets.
    static func json() throws -> [[UInt8]] {
        let view = BuyerSessionView(
            sessionId: "\(SessionID(9))", tariffId: "t", state: "active", durationSeconds: 1, bytesUp: 2, bytesDown: 3,
            bytesRemaining: 4, secondsRemaining: nil, chargeQlc: QLC(units: 5), paidQlc: QLC(units: 6),
            chargedEarlierQlc: .zero, depositQlc: QLC(units: 7), creditWindowQlc: QLC(units: 8), voucherSequence: 9)
        let bodies = try [
            JSON.encode(OpenSessionBody(acceptance: Signed(acceptance, by: key))),
            JSON.encode(VoucherBody(voucher: Signed(voucher, by: key))),
            JSON.encode(ChannelRequest(payer: key.publicKey, depositQlc: QLC(units: 1))),
            JSON.encode(CodesRequest(bytes: 1, seconds: nil, count: 2, validSeconds: 3)),
            JSON.encode(SimulationCommand(action: "traffic", client: 1, rateUp: 2)),
            JSON.encode(
                OfferView(offer: Signed(offer, by: key), digest: .zero, clientMac: mac, tariffIds: ["t"])),
            JSON.encode(view), JSON.encode(Problem(.malformed, "x")), JSON.encode(DefaultTariffRequest(tariffId: "t")),
            JSON.encode(DepositRequest(depositQlc: QLC(units: 2))), JSON.encode(ConfigurationText(text: "[station]")),
        ]
        return bodies.enumerated().map { [UInt8($0)] + $1 }
    }

    static func canonical() -> [[UInt8]] {
        let window = TimeWindow(startMinute: 1, endMinute: 2, rates: tariff.rates)
        let values = [
            voucher.canonicalBytes, offer.canonicalBytes, acceptance.canonicalBytes, record.canonicalBytes,
            tariff.canonicalBytes, Price(QLC(units: 1)).canonicalBytes, window.canonicalBytes, tariff.rates.canonicalBytes,
            VisitRecord(of: record, at: .zero).canonicalBytes,
        ]
        return values.enumerated().map { [UInt8($0)] + $1 }
    }

    /// A file each.
    static func write(_ seeds: [[UInt8]], to folder: String) {
        for (index, bytes) in seeds.enumerated() {
            guard let stream = fopen("\(folder)/seed\(index)", "w") else { fatalError("\(folder) cannot be written") }
            fwrite(bytes, 1, bytes.count, stream)
            fclose(stream)
        }
    }
}
