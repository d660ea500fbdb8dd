import Charging
import HAL
import Primitives
import SimulatedHAL

/// Somebody at one of the simulated devices, with money, habits and a memory.
struct SimulatedWallet {
    enum Habit: CaseIterable {
        case honest, stopsPaying, overpays, replays, paysLate, forges, code, free, donates
    }

    let number: Int
    let habit: Habit
    let tariff: Tariff
    let key: PrivateKey
    let channel: Channel
    var deposit: QLC
    /// Digests of access codes, used one after the other.
    var codes: [AccessCode] = []
    var codeIndex = 0

    var session: SessionID?
    var nextAct = Instant.zero
    var voucherSequence: UInt64 = 0
    var acceptanceSequence: UInt64 = 0
    /// Sent, and not answered: sent again as it is.
    var unanswered: Verified<Voucher>?
    var accepted: [Verified<Voucher>] = []
    var oldAcceptance: Verified<Acceptance>?
    /// Does not pay until then.
    var sulksUntil = Instant.zero

    var isPaying: Bool { habit != .code && habit != .free }

    init(number: Int, station: StationID, random: inout SplitMix64) {
        self.number = number
        habit = random.pick([.honest, .honest, .honest] + Habit.allCases)
        key = PrivateKey(seed: random.bytes(32))!
        deposit = QLC(units: UInt64(random.number(200_000...400_000_000)))
        channel = Channel(
            id: Bytes32(random.bytes(32))!, payer: PublicKey(raw: Bytes32(random.bytes(32))!), payee: station,
            sessionKey: key.publicKey, deposit: deposit, openedAt: WallTime(secondsSince1970: 0))
        switch habit {
        case .free, .code: tariff = SimulatedTariffs.free
        case .donates: tariff = SimulatedTariffs.donations
        default: tariff = random.pick(SimulatedTariffs.all)
        }
        guard habit == .code else { return }
        for index in 0..<4 {
            let allowance: AccessCode.Allowance =
                random.chance(1, in: 2)
                ? .bytes(UInt64(random.number(50_000...30_000_000))) : .seconds(UInt64(random.number(5...60)))
            codes.append(
                AccessCode(
                    number: UInt32(number * 10 + index), digest: Bytes32(random.bytes(32))!, allowance: allowance,
                    createdAt: WallTime(secondsSince1970: 0), validUntil: nil))
        }
    }

    mutating func accept(as mac: MACAddress) -> Verified<Acceptance> {
        acceptanceSequence += 1
        let acceptance = Acceptance(offer: .zero, channel: channel.id, client: mac, sequence: acceptanceSequence)
        let verified = Signed(acceptance, by: key).verified(by: key.publicKey)!
        oldAcceptance = verified
        return verified
    }

    mutating func voucher(for amount: QLC, forgedBy forger: PrivateKey? = nil) -> Verified<Voucher> {
        voucherSequence += 1
        let voucher = Voucher(channel: channel.id, cumulativeAmount: amount, cumulativeBytes: 0, sequence: voucherSequence)
        let signer = forger ?? key
        return Signed(voucher, by: signer).verified(by: signer.publicKey)!
    }
}

/// What came of a request, told to whoever made it.
struct SimulatedRequest {
    enum Purpose { case open, pay, other }
    var event: ChargingEvent
    var wallet: Int?
    var purpose = Purpose.other

    /// The addresses that it tells of.
    var neighbours: [Neighbour] {
        guard case .seen(let port, let mac, let addresses) = event else { return [] }
        return addresses.map { Neighbour(port: port, mac: mac, address: $0) }
    }
}
