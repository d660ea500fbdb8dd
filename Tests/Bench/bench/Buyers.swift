import Charging
import Lab
import Primitives

/// Buyers with a channel and a session each, made through the engine as customers would make them.
struct Buyers {
    let station: StationID
    let tariff: Tariff
    private let keys: [PrivateKey]

    init(_ count: Int, station: StationID, tariff: Tariff) {
        self.station = station
        self.tariff = tariff
        keys = (0..<count).map { number in
            PrivateKey(seed: (0..<32).map { UInt8(truncatingIfNeeded: (number + 1) >> ($0 % 4 * 8)) })!
        }
    }

    var count: Int { keys.count }
    func key(_ number: Int) -> PrivateKey { keys[number] }

    func channel(_ number: Int) -> Channel {
        let key = keys[number].publicKey
        return Channel(
            id: key.raw, payer: key, payee: station, sessionKey: key, deposit: QLC(units: 100_000_000_000),
            openedAt: WallTime(secondsSince1970: 1_700_000_000))
    }

    func voucher(_ number: Int, sequence: UInt64) -> Signed<Voucher> {
        let paid = QLC(units: 100_000_000 + sequence * 10_000)
        return Signed(
            Voucher(channel: channel(number).id, cumulativeAmount: paid, cumulativeBytes: 0, sequence: sequence), by: keys[number]
        )
    }

    /// What a buyer does to be served: a channel, a first payment, a session.
    func arrival(_ number: Int) -> [ChargingEvent] {
        let key = keys[number]
        let acceptance = Acceptance(offer: .zero, channel: channel(number).id, client: Crowd.mac(number), sequence: 1)
        let request = OpenRequest(
            id: SessionID(UInt128(number + 1)), port: "lan0", mac: Crowd.mac(number),
            addresses: [Crowd.address(number, .v4), Crowd.address(number, .v6)], tariff: tariff,
            payment: .channel(Signed(acceptance, by: key).verified(by: key.publicKey)!))
        return [
            .channel(.opened(channel(number))), .paid(voucher(number, sequence: 1).verified(by: key.publicKey)!), .open(request),
        ]
    }
}
