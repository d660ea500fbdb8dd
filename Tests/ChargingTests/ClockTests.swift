import Charging
import OrderedCollections
import Primitives
import SimulatedHAL
import Testing

private func price(_ units: UInt64, per: UInt64 = 1) -> Price { Price(QLC(units: units), per: per) }

/// Prices by the time of day, while clocks run, jump or are not set at all.
@Suite struct Clocks {
    /// Dear from 22:00. The world begins at 21:50:05.
    static let evening = Tariff(
        id: "e", rates: Rates(byteUp: price(1), byteDown: price(1)),
        windows: [TimeWindow(startMinute: 22 * 60, endMinute: 23 * 60, rates: Rates(byteUp: price(10), byteDown: price(10)))],
        idleTimeout: 100_000)

    @Test func nothingIsGrantedBeyondAChangeOfPrice() throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 10_000, Self.evening)
        #expect(world.engine.sessions[id]?.servedUntil == world.boot + .seconds(595))
        world.pass(.seconds(596))
        world.carry(up: 0, down: 5_000, for: id)
        #expect(world.carried[id]?.down == 0)
        try world.sample()
        world.carry(up: 0, down: 5_000, for: id)
        try world.sample()
        #expect(world.engine.sessions[id]?.usage.bytes == 1_000)
        #expect(world.engine.sessions[id]?.charge == QLC(units: 10_000))
    }

    /// The agent was dead over the change of price: what passed before it was granted, and is charged, at the old one.
    @Test func bytesAreChargedAtThePriceAtWhichTheyWereGranted() throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 10_000, Self.evening)
        world.pass(.seconds(100))
        world.carry(up: 0, down: 9_000, for: id)
        world.pass(.seconds(1_000))
        world.restart(sameBoot: true)
        #expect(world.engine.sessions[id]?.charge == QLC(units: 9_000))
        #expect(world.engine.sessions[id]?.bearer.byteLimit == 9_100)
    }

    /// A payment between the boundary and the next sample must not turn unread cheap bytes into dear ones.
    @Test func aPaymentDoesNotRepriceBytesNotYetRead() throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 10_000, Self.evening)
        world.pass(.seconds(594))
        world.carry(up: 0, down: 9_000, for: id)
        world.pass(.seconds(2))
        try world.handle(.paid(buyer.voucher(QLC(units: 11_000))))
        try world.sample()
        #expect(world.engine.sessions[id]?.charge == QLC(units: 9_000))
        #expect(world.engine.sessions[id]?.bearer.byteLimit == 9_200)
    }

    /// Wall time is set forwards, back, to 1970: what was granted is charged as granted, and never above what was paid.
    @Test(arguments: [3_600, -3_600, 86_400, -86_400, -2_000_000_000, 2_000_000_000] as [Int64])
    func aClockThatIsSetChangesNoChargeOfThePast(_ step: Int64) throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 10_000, Self.evening)
        world.carry(up: 0, down: 1_000, for: id)
        try world.sample()
        world.carry(up: 0, down: 2_000, for: id)
        world.wallAtZero += step
        try world.sample()
        #expect(world.engine.sessions[id]?.charge == QLC(units: 3_000))
        world.wallAtZero -= step
        try world.sample()
        #expect(world.engine.sessions[id]?.charge == QLC(units: 3_000))
    }

    @Test func aBoardIn1970ChargesItsBaseRates() throws {
        var buyer = Buyer(11)
        var world = World()
        world.wallAtZero = 79_200  // 22:00 on a day nobody believes
        try world.handle(.channel(.opened(buyer.channel)))
        try world.handle(.paid(buyer.voucher(QLC(units: 1_000))))
        let id = try world.open(&buyer, Self.evening)
        world.carry(up: 0, down: 5_000, for: id)
        try world.sample()
        #expect(world.engine.sessions[id]?.usage.bytes == 1_000)
    }

    @Test func theDaysCapHoldsAcrossSessionsAndOpensAtMidnight() throws {
        var buyer = Buyer(11)
        let tariff = Tariff(
            id: "d", rates: Rates(byteUp: price(1), byteDown: price(1)), capPerDay: QLC(units: 1_000), idleTimeout: 100_000)
        var (world, first) = try World.serving(&buyer, paid: 5_000, tariff)
        world.carry(up: 0, down: 700, for: first)
        try world.sample()
        try world.handle(.end(first, .left))
        let second = try world.open(&buyer, tariff, id: 2)
        world.carry(up: 0, down: 900_000, for: second)
        try world.sample()
        #expect(world.engine.sessions[second]?.charge == QLC(units: 300))
        #expect(world.engine.sessions[second]?.grantedBytes == nil)
        world.pass(.seconds(3 * 3_600))
        world.carry(up: 0, down: 10, for: second)
        #expect(world.carried[second]?.down == 900_000)  // the lease ended at midnight
        try world.sample()
        world.carry(up: 0, down: 10, for: second)
        try world.sample()
        #expect(world.engine.sessions[second]?.charge == QLC(units: 310))
        try world.handle(.end(second, .left))
        #expect(world.engine.channels[buyer.channel.id]?.charged == QLC(units: 1_010))
    }

    @Test func aSessionEndsBeforeItsUsageCannotBeToldApart() throws {
        var buyer = Buyer(11)
        var tariff = Self.evening
        tariff.hardTimeout = 1_000_000_000
        var (world, id) = try World.serving(&buyer, paid: 1_000_000, tariff)
        var rounds = 0
        while world.engine.sessions[id] != nil, rounds < 1_000 {
            world.carry(up: 0, down: 1, for: id)
            try world.sample()
            world.wallAtZero += rounds % 2 == 0 ? 3_600 : -3_600
            rounds += 1
        }
        #expect(world.disk.ended.map(\.endReason) == [.expired])
        #expect(rounds >= Usage.segmentLimit)
    }
}

@Suite struct Codes {
    private func world(_ allowance: AccessCode.Allowance, validUntil: WallTime? = nil) throws -> (World, Bytes32) {
        var world = World()
        let digest = try #require(AccessCodeText.digest(of: "0000-0000-0001", key: [1]))
        let code = AccessCode(number: 1, digest: digest, allowance: allowance, createdAt: world.now.wall, validUntil: validUntil)
        try world.handle(.codesCreated([code]))
        return (world, digest)
    }

    private func request(_ digest: Bytes32, id: UInt128 = 1) -> OpenRequest {
        OpenRequest(
            id: SessionID(id), port: "lan", mac: .device(1), addresses: [.host(1)], tariff: Tariff(id: "t"),
            payment: .code(digest))
    }

    @Test func bytesLastAcrossSessionsAndRestarts() throws {
        var (world, digest) = try world(.bytes(1_000))
        try world.handle(.open(request(digest)))
        world.carry(up: 100, down: 300, for: SessionID(1))
        try world.handle(.end(SessionID(1), .left))
        world.restart(sameBoot: false)
        try world.handle(.open(request(digest, id: 2)))
        world.carry(up: 0, down: 5_000, for: SessionID(2))
        try world.sample()
        #expect(world.engine.sessions[SessionID(2)]?.usage.bytes == 600)
        try world.handle(.end(SessionID(2), .left))
        #expect(throws: ChargingError.codeSpent(1)) { try world.handle(.open(request(digest, id: 3))) }
    }

    @Test func secondsLastUntilTheyAreUsed() throws {
        var (world, digest) = try world(.seconds(60))
        try world.handle(.open(request(digest)))
        world.pass(.seconds(61))
        world.carry(up: 1, down: 0, for: SessionID(1))
        #expect(world.carried[SessionID(1)]?.up == 0)
        try world.sample()
        try world.handle(.end(SessionID(1), .left))
        #expect(world.disk.ended.first?.seconds == 60)
        #expect(throws: ChargingError.codeSpent(1)) { try world.handle(.open(request(digest, id: 2))) }
    }

    @Test func expiryIsBelievedOnlyOfACredibleClock() throws {
        var (world, digest) = try world(.bytes(1_000), validUntil: WallTime("2026-11-23T22:00:00Z")!)
        world.wallAtZero += 86_400
        #expect(throws: ChargingError.codeSpent(1)) { try world.handle(.open(request(digest))) }
        world.wallAtZero = 0
        #expect(throws: Never.self) { try world.handle(.open(request(digest))) }
    }

    @Test func revokingEndsService() throws {
        var (world, digest) = try world(.bytes(1_000))
        try world.handle(.open(request(digest)))
        try world.handle(.codeRevoked(number: 1))
        #expect(world.disk.ended.map(\.endReason) == [.disconnected])
        #expect(throws: ChargingError.codeSpent(1)) { try world.handle(.open(request(digest, id: 2))) }
        #expect(throws: ChargingError.codeUnknown) { try world.handle(.codeRevoked(number: 9)) }
    }

    @Test func hostileAllowancesDoNotTrap() throws {
        var (world, digest) = try world(.bytes(.max))
        try world.handle(.open(request(digest)))
        let mark = world.engine.sessions.values.first!.mark
        try world.handle(.sampled([MeterReading(mark: mark, bytesUp: .max, bytesDown: .max)]))
        try world.handle(.end(SessionID(1), .left))
        #expect(throws: ChargingError.codeSpent(1)) { try world.handle(.open(request(digest, id: 2))) }
    }

    @Test(
        arguments: [
            ("0000-0000-0001", "000000000001"), ("oOiIlL-0000-00", "001111000000"), (" a b c d e f 0 1 2 3 4 5 ", "ABCDEF012345"),
            ("0000-0000-000", nil), ("0000-0000-000U", nil), ("", nil), ("0000-0000-0001\u{0}", nil), ("００００００００００００", nil),
        ] as [(String, String?)])
    func areReadHoweverTheyAreTyped(_ text: String, _ symbols: String?) {
        #expect(AccessCodeText.normalise(text) == symbols)
    }

    @Test func printedCodesAreReadBack() {
        var random = SplitMix64(seed: 1)
        for _ in 0..<200 {
            let bits = random.next()
            let text = AccessCodeText.make(from: bits)
            #expect(text.count == 14 && AccessCodeText.normalise(text)?.count == 12)
            #expect(AccessCodeText.make(from: bits & 0x0fff_ffff_ffff_ffff) == text)
        }
    }
}
