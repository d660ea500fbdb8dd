import Charging
import Primitives

/// A buyer with a key and a channel to the station.
struct Buyer {
    let key: PrivateKey
    let channel: Channel
    var acceptances: UInt64 = 0
    var vouchers: UInt64 = 0
    /// What its acceptances announce.
    var visitKey: SealingKey?

    init(_ number: UInt8, deposit: QLC = .supply) {
        key = PrivateKey(seed: [UInt8](repeating: number, count: 32))!
        channel = Channel(
            id: Bytes32([UInt8](repeating: number, count: 32))!, payer: key.publicKey, payee: World.station,
            sessionKey: key.publicKey, deposit: deposit, openedAt: WallTime(secondsSince1970: 0))
    }

    mutating func acceptance(for mac: MACAddress, sequence: UInt64? = nil) -> Verified<Acceptance> {
        acceptances = sequence ?? acceptances + 1
        let acceptance = Acceptance(offer: .zero, channel: channel.id, client: mac, sequence: acceptances, visitKey: visitKey)
        return Signed(acceptance, by: key).verified(by: key.publicKey)!
    }

    mutating func voucher(_ total: QLC, sequence: UInt64? = nil, by other: PrivateKey? = nil) -> Verified<Voucher> {
        vouchers = sequence ?? vouchers + 1
        let voucher = Voucher(channel: channel.id, cumulativeAmount: total, cumulativeBytes: 0, sequence: vouchers)
        let signer = other ?? key
        return Signed(voucher, by: signer).verified(by: signer.publicKey)!
    }
}

extension MACAddress {
    static func device(_ number: UInt64) -> MACAddress { MACAddress(value: 0x02_00_00_00_00_00 + number) }
}

extension IPAddress {
    static func host(_ number: UInt64) -> IPAddress { .v4(0x0a00_0000 + UInt32(number)) }
}

extension World {
    /// Opens a session for a buyer on device `mac`, which uses the address of the same number.
    @discardableResult
    mutating func open(
        _ buyer: inout Buyer, on device: UInt64 = 1, _ tariff: Tariff, id: UInt128 = 1
    ) throws -> SessionID {
        let request = OpenRequest(
            id: SessionID(id), port: "lan", mac: .device(device), addresses: [.host(device)], tariff: tariff,
            payment: .channel(buyer.acceptance(for: .device(device))))
        return try handle(.open(request)).session!
    }

    /// A world in which `buyer` has paid `paid` and has a session under `tariff`.
    static func serving(_ buyer: inout Buyer, paid: UInt64, _ tariff: Tariff) throws -> (World, SessionID) {
        var world = World()
        try world.handle(.channel(.opened(buyer.channel)))
        try world.handle(.paid(buyer.voucher(QLC(units: paid))))
        let id = try world.open(&buyer, tariff)
        return (world, id)
    }

    mutating func sample(after time: Nanoseconds = .seconds(1)) throws {
        pass(time)
        try handle(.sampled(gate.readings))
        expectAllCounted()
        expectInvariants()
    }
}
