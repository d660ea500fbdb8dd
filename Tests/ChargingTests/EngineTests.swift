import Charging
import OrderedCollections
import Primitives
import Testing

/// A station with one buyer, driven by hand.
struct Desk {
    static let mac = MACAddress("02:00:00:00:00:11")!
    static let thief = MACAddress("02:00:00:00:00:66")!
    static let address = IPAddress("10.77.0.11")!
    static let tariff = Tariff(
        id: "per-byte", rates: Rates(byteUp: Price(QLC(units: 1)), byteDown: Price(QLC(units: 1))), idleTimeout: 60,
        hardTimeout: 600)
    static let timed = Tariff(id: "per-second", rates: Rates(second: Price(QLC(units: 10))), idleTimeout: 60, hardTimeout: 600)

    var engine: ChargingEngine
    let buyer = PrivateKey(seed: Array(repeating: 7, count: 32))!
    let channel = TaggedHash.digest(tag: "test", [1])
    var seconds: Int64 = 100
    var sequence: UInt64 = 0
    var acceptance: UInt64 = 0
    var stored = StoredState()

    init() {
        engine =
            ChargingEngine.restore(
                station: StationID(), tariffs: [Self.tariff], from: StoredState(), marks: [], sameBoot: false,
                at: Self.moment(100)
            ).engine
        _ = try! send(
            .channel(
                .opened(
                    Channel(
                        id: channel, payer: buyer.publicKey, payee: StationID(), sessionKey: buyer.publicKey,
                        deposit: QLC(units: 10_000), openedAt: Self.moment(100).wall))))
    }

    static func moment(_ seconds: Int64) -> Moment {
        Moment(boot: Instant(nanoseconds: seconds * 1_000_000_000), wall: WallTime(secondsSince1970: 1_790_000_000 + seconds))
    }

    @discardableResult mutating func send(_ event: ChargingEvent) throws(ChargingError) -> Outcome {
        let outcome = try engine.handle(event, at: Self.moment(seconds))
        for case .persist(let record) in outcome.actions { keep(record) }
        return outcome
    }

    /// What the disk would hold.
    private mutating func keep(_ record: Record) {
        switch record {
        case .session(let session):
            stored.sessions.removeAll { $0.id == session.id }
            stored.sessions.append(session)
        case .ended(let usage, _): stored.sessions.removeAll { $0.id == usage.session }
        case .channel(let account):
            stored.channels.removeAll { $0.channel.id == account.channel.id }
            stored.channels.append(account)
        case .key(let key):
            stored.keys.removeAll { $0.number == key.number }
            stored.keys.append(key)
        case .code(let code):
            stored.codes.removeAll { $0.number == code.number }
            stored.codes.append(code)
        case .blocked(let mac, let isBlocked): stored.blocked = stored.blocked.filter { $0 != mac } + (isBlocked ? [mac] : [])
        }
    }

    mutating func open(_ tariff: Tariff = tariff, mac: MACAddress = mac, address: IPAddress = address, sequence: UInt64? = nil)
        throws(ChargingError) -> Outcome
    {
        acceptance += 1
        let terms = Acceptance(offer: .zero, channel: channel, client: mac, sequence: sequence ?? acceptance)
        let signed = Signed(terms, by: buyer).verified(by: buyer.publicKey)!
        return try send(
            .open(
                OpenRequest(
                    id: SessionID(UInt128(acceptance)), port: "lan0", mac: mac, addresses: [address], tariff: tariff,
                    payment: .channel(signed))))
    }

    mutating func pay(_ units: UInt64, sequence: UInt64? = nil) throws(ChargingError) -> Outcome {
        self.sequence += 1
        let voucher = Voucher(
            channel: channel, cumulativeAmount: QLC(units: units), cumulativeBytes: 0, sequence: sequence ?? self.sequence)
        return try send(.paid(Signed(voucher, by: buyer).verified(by: buyer.publicKey)!))
    }

    @discardableResult mutating func count(_ bytes: UInt64, mark: UInt32 = 1, after: Int64 = 1) throws -> Outcome {
        seconds += after
        return try send(.sampled([MeterReading(mark: mark, bytesUp: 0, bytesDown: bytes)]))
    }

    mutating func finish(_ mark: UInt32 = 1) throws -> UsageRecord? {
        for case .persist(.ended(let record, _)) in try send(.drained([mark])).actions { return record }
        return nil
    }

    var session: Session? { engine.session(paidBy: .channel(channel)) }
}

extension Outcome {
    var bearer: Bearer? { actions.compactMap { if case .serve(let bearer) = $0 { bearer } else { nil } }.last }
    /// No service before the facts it stands on.
    var isPersistedFirst: Bool {
        let persist = actions.firstIndex { if case .persist = $0 { true } else { false } }
        return bearer == nil || persist != nil
    }
}

@Suite struct EngineTests {
    /// What is given to a station that is free stays given; what was paid ahead before stays the buyer's.
    @Test func aDonationIsForTheStationAndNotCreditForLater() throws {
        var till = Desk()
        let free = Tariff(id: "gifts", rates: Rates(), acceptsDonations: true)
        _ = try till.open()
        _ = try till.pay(1_000)
        try till.send(.end(try #require(till.session?.id), .left))
        _ = try till.finish()
        _ = try till.open(free)
        #expect(try till.count(5_000_000, mark: 2).isPersistedFirst)
        #expect(till.session?.charge == .zero)
        _ = try till.pay(1_300)
        _ = try till.pay(1_700)
        try till.count(5_000_000, mark: 2)
        #expect(till.session?.charge == QLC(units: 700))
        try till.send(.end(try #require(till.session?.id), .left))
        let record = try #require(try till.finish(2))
        #expect(record.charge == QLC(units: 700) && record.paid == QLC(units: 1_700))
        #expect(till.engine.channels[till.channel]?.balance == QLC(units: 1_000))
    }

    @Test func aSessionIsServedExactlyWhatWasPaid() throws {
        var till = Desk()
        #expect(try till.open().bearer?.byteLimit == 0)
        let paid = try till.pay(3_000)
        #expect(paid.bearer?.byteLimit == 3_000)
        #expect(paid.isPersistedFirst)
        #expect(try till.count(1_000).bearer == nil)  // nothing new to tell the kernel
        #expect(till.session?.charge.units == 1_000)
        #expect(try till.pay(5_000).bearer?.byteLimit == 5_000)
        try till.count(5_000)
        #expect(try till.send(.end(till.session!.id, .left)).actions.contains(.stop(mark: 1)))
        let record = try #require(try till.finish())
        #expect((record.charge.units, record.bytesDown, record.endReason) == (5_000, 5_000, .left))
        #expect(till.engine.channels[till.channel]?.balance == .zero)
    }

    @Test func whatWasPaidAndNotUsedIsThereForTheNextSession() throws {
        var till = Desk()
        _ = try till.open()
        _ = try till.pay(3_000)
        try till.count(1_000)
        try till.send(.end(till.session!.id, .left))
        #expect(throws: ChargingError.self) {
            var other = till
            _ = try other.open()
        }  // not before the account is closed
        _ = try till.finish()
        #expect(try till.open().bearer?.byteLimit == 2_000)
    }

    @Test func moneyIsRefusedThatIsNotGood() throws {
        var till = Desk()
        _ = try till.open()
        _ = try till.pay(3_000)
        let before = till.engine
        #expect(throws: ChargingError.voucherStale(sequence: 1, last: 1)) { try till.pay(4_000, sequence: 1) }
        #expect(throws: ChargingError.self) { try till.pay(2_000) }  // a total below the last
        #expect(throws: ChargingError.depositExceeded(QLC(units: 10_001), deposit: QLC(units: 10_000))) { try till.pay(10_001) }
        let forger = PrivateKey(seed: Array(repeating: 9, count: 32))!
        let forged = Signed(
            Voucher(channel: till.channel, cumulativeAmount: QLC(units: 9_000), cumulativeBytes: 0, sequence: 99), by: forger)
        #expect(forged.verified(by: till.buyer.publicKey) == nil)
        #expect(throws: ChargingError.wrongKey(till.channel)) { try till.send(.paid(forged.verified(by: forger.publicKey)!)) }
        #expect(till.engine.channels[till.channel] == before.channels[till.channel])
        #expect(till.session == before.session(paidBy: .channel(till.channel)))
        #expect(try till.pay(3_000, sequence: 1).actions.isEmpty)  // the last one again is no news
    }

    @Test func anAcceptanceIsGoodOnce() throws {
        var till = Desk()
        _ = try till.open()
        #expect(throws: ChargingError.acceptanceStale(sequence: 1, last: 1)) { try till.open(sequence: 1) }
    }

    @Test func theSameBuyerOnAnotherDeviceKeepsTheAccount() throws {
        var till = Desk()
        _ = try till.open()
        _ = try till.pay(3_000)
        try till.count(1_000)
        let moved = try till.open(mac: Desk.thief, address: Desk.address)
        #expect(moved.bearer?.mac == Desk.thief)
        #expect(moved.bearer?.byteLimit == 3_000)
        #expect(till.engine.sessions.count == 1)
        #expect(till.session?.charge.units == 1_000)
        #expect(till.engine.session(of: Desk.mac) == nil)
    }

    @Test func aNeighbourDoesNotGetAnotherClientsAddress() throws {
        var till = Desk()
        _ = try till.open()
        _ = try till.pay(3_000)
        try till.send(
            .codesCreated([
                AccessCode(number: 1, digest: .zero, allowance: .bytes(500), createdAt: Desk.moment(1).wall, validUntil: nil)
            ]))
        let own = IPAddress("10.77.0.66")!
        let request = OpenRequest(
            id: SessionID(99), port: "lan0", mac: Desk.thief, addresses: [own, Desk.address], tariff: Desk.tariff,
            payment: .code(.zero))
        #expect(try till.send(.open(request)).bearer?.addresses == [own])
        #expect(try till.send(.seen(port: "lan0", mac: Desk.thief, addresses: [Desk.address])).bearer == nil)
        let sixth = IPAddress("fd77::6")!
        #expect(try till.send(.seen(port: "lan0", mac: Desk.mac, addresses: [sixth])).bearer?.addresses == [Desk.address, sixth])
    }

    /// Privacy addresses come and go: the one in use now is served, the oldest are let go.
    @Test func theNewestAddressesAreServed() throws {
        var till = Desk()
        _ = try till.open()
        let many = (1...40).map { IPAddress.v6(high: 0xfd77_0000_0000_0000, low: UInt64($0)) }
        for address in many { try till.send(.seen(port: "lan0", mac: Desk.mac, addresses: [address])) }
        #expect(till.engine.session(of: Desk.mac)?.addresses == Array(many.suffix(16)))
    }

    @Test func anIdleTailIsNotCharged() throws {
        var till = Desk()
        _ = try till.open(Desk.timed)
        _ = try till.pay(10_000)
        for second in 1...30 { try till.count(UInt64(second)) }
        for _ in 1...59 { try till.count(30) }
        #expect(till.session?.charge.units == 890)
        #expect(try till.count(30).actions.contains(.stop(mark: 1)))
        let record = try #require(try till.finish())
        #expect((record.seconds, record.charge.units, record.endReason) == (30, 300, .idle))
    }

    @Test func timeIsNotChargedBeyondTheLease() throws {
        var till = Desk()
        _ = try till.open(Desk.timed)
        let paid = try till.pay(100)
        // ten seconds are paid; the eleventh would cost more
        #expect(paid.bearer!.servedUntil! - Desk.moment(100).boot < .seconds(11))
        try till.count(1, after: 30)
        #expect(till.session?.charge.units == 100)
        _ = try till.pay(200)
        try till.count(2, after: 5)
        #expect(till.session!.charge.units <= 160)
    }

    @Test(arguments: [true, false]) func recoveryGoesOnWhereTheKernelIs(sameBoot: Bool) throws {
        var till = Desk()
        _ = try till.open()
        _ = try till.pay(5_000)
        try till.count(1_000)
        try till.send(.save)
        try till.count(1_500)  // not saved: the kernel knows it on the same boot only
        let (engine, actions) = ChargingEngine.restore(
            station: StationID(), tariffs: [Desk.tariff], from: till.stored, marks: sameBoot ? [1, 42] : [], sameBoot: sameBoot,
            at: Desk.moment(till.seconds))
        till.engine = engine
        #expect(actions.contains(.forget(mark: 42)) == sameBoot)
        let mark: UInt32 = sameBoot ? 1 : till.session!.mark
        let outcome = try till.count(sameBoot ? 2_000 : 700, mark: mark)
        #expect(till.session?.charge.units == (sameBoot ? 2_000 : 1_700))
        #expect(outcome.bearer?.byteLimit == (sameBoot ? 5_000 : 4_000))
    }

    @Test func aCodeIsUsedUpAcrossSessions() throws {
        var till = Desk()
        try till.send(
            .codesCreated([
                AccessCode(number: 1, digest: .zero, allowance: .bytes(1_000), createdAt: Desk.moment(1).wall, validUntil: nil)
            ]))
        func request(_ id: UInt128) -> ChargingEvent {
            .open(
                OpenRequest(
                    id: SessionID(id), port: "lan0", mac: Desk.mac, addresses: [Desk.address], tariff: Desk.tariff,
                    payment: .code(.zero)))
        }
        #expect(try till.send(request(1)).bearer?.byteLimit == 1_000)
        try till.count(400)
        try till.send(.end(SessionID(1), .left))
        _ = try till.finish()
        #expect(try till.send(request(2)).bearer?.byteLimit == 600)
        try till.count(600, mark: 2)
        try till.send(.end(SessionID(2), .left))
        _ = try till.finish(2)
        #expect(throws: ChargingError.codeSpent(1)) { try till.send(request(3)) }
    }

    @Test func theOwnerEndsWhatHeWants() throws {
        var till = Desk()
        _ = try till.open()
        #expect(try till.send(.block(Desk.mac, true)).actions.contains(.stop(mark: 1)))
        _ = try till.finish()
        #expect(throws: ChargingError.blocked(Desk.mac)) { try till.open() }
        try till.send(.block(Desk.mac, false))
        _ = try till.open()
        #expect(try till.send(.channel(.closed(till.channel))).actions.contains { if case .stop = $0 { true } else { false } })
    }

    @Test(arguments: [10_000, 100_000, 1_000_000, 10_000_000] as [UInt64]) func everyClientPaysEveryFiveToTenSeconds(
        unitsPerSecond: UInt64
    ) {
        let limits = CreditWindowLimits(minimum: QLC(units: 10_000), maximum: QLC(units: 100_000_000_000))
        var window = CreditWindow(limits)
        var now = Instant.zero
        var intervals: [Double] = []
        for _ in 0..<20 {
            let interval = max(0.4, Double(window.amount.units) / Double(unitsPerSecond))
            now = now + Nanoseconds(Int64(interval * 1e9))
            window.paid(at: now, within: limits)
            intervals.append(interval)
        }
        #expect(intervals.suffix(10).allSatisfy { (4.9...10.1).contains($0) }, "\(intervals)")
    }
}
