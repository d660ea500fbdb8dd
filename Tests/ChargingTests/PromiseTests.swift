import Charging
import OrderedCollections
import Primitives
import Testing

private func price(_ units: UInt64, per: UInt64 = 1) -> Price { Price(QLC(units: units), per: per) }
private let perByte = Tariff(id: "b", rates: Rates(byteUp: price(1), byteDown: price(1)))
private let perSecond = Tariff(id: "s", rates: Rates(second: price(10)))

@Suite struct ServiceIsPaidFirst {
    @Test func aVoucherIsOnDiskBeforeTheKernelHearsOfIt() throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 1_000, perByte)
        let outcome = try world.handle(.paid(buyer.voucher(QLC(units: 5_000))))
        guard case .serve(let bearer)? = outcome.actions.last else {
            Issue.record("not served")
            return
        }
        #expect(bearer.byteLimit == 5_000)
        #expect(
            outcome.actions.contains {
                if case .persist(.channel(let account)) = $0 { account.paid.units == 5_000 } else { false }
            })
        #expect(world.engine.sessions[id]?.grantedBytes == 5_000)
    }

    /// The guard is the order. A station that grants first and is cut off before it writes has given 4,000 bytes away.
    @Test(arguments: [true, false])
    func grantingBeforePersistingGivesServiceAway(persistsFirst: Bool) throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 1_000, perByte)
        let outcome = try world.engine.handle(.paid(buyer.voucher(QLC(units: 5_000))), at: world.now)
        for action in outcome.actions {  // the power fails after the first half of what there is to do
            if persistsFirst, case .persist(let record) = action { world.disk.keep(record) }
            if !persistsFirst, case .serve(let bearer) = action { world.gate.clients[bearer.mark]!.bearer = bearer }
        }
        world.carry(up: 0, down: 9_999, for: id)
        world.restart(sameBoot: true)
        let passed = world.carried[id]!.down
        let paid = world.engine.channels[buyer.channel.id]!.paid.units
        #expect((passed <= paid) == persistsFirst)
    }

    @Test func bytesEndAtThePaidByteAndATopUpRaisesThem() throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 1_000, perByte)
        world.carry(up: 300, down: 5_000, for: id)
        try world.sample()
        #expect(world.engine.sessions[id]?.usage.bytes == 1_000)
        #expect(world.engine.sessions[id]?.charge == QLC(units: 1_000))
        #expect(world.engine.left(of: world.engine.sessions[id]!, at: world.now).bytes == 0)
        try world.handle(.paid(buyer.voucher(QLC(units: 1_234))))
        world.carry(up: 0, down: 5_000, for: id)
        try world.sample()
        #expect(world.engine.sessions[id]?.charge == QLC(units: 1_234))
    }

    @Test func timeIsChargedWhileTheLeaseLastsAndNotAfter() throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 100, perSecond)
        for _ in 0..<60 { try world.sample(after: .seconds(1)) }
        let session = try #require(world.engine.sessions[id])
        #expect(session.charge == QLC(units: 100))
        #expect(session.usage.time < .seconds(11))
    }

    @Test func whoCannotPayTheFlatPriceOwesNothing() throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 500, Tariff(id: "f", flat: QLC(units: 1_000)))
        world.carry(up: 0, down: 1_000, for: id)
        try world.sample(after: .seconds(10))
        try world.handle(.end(id, .left))
        #expect(world.disk.ended.map(\.charge) == [.zero])
        #expect(world.disk.ended.map(\.bytesDown) == [0])
    }

    @Test func upAndDownPricesAreUsedUpToThePacketWithinAMinute() throws {
        var buyer = Buyer(11)
        let tariff = Tariff(id: "t", rates: Rates(byteUp: price(4), byteDown: price(1)))
        var (world, id) = try World.serving(&buyer, paid: 1_000_000, tariff)
        for _ in 0..<60 {
            world.carry(up: 0, down: 900_000, for: id)
            try world.sample()
        }
        #expect(world.engine.sessions[id]!.charge >= QLC(units: 1_000_000 - 4 * 2_048))
    }

    @Test func mixedTimeAndBytesAreUsedUp() throws {
        var buyer = Buyer(11)
        let tariff = Tariff(id: "t", rates: Rates(second: price(1_000), byteUp: price(1), byteDown: price(1)))
        var (world, id) = try World.serving(&buyer, paid: 1_000_000, tariff)
        for _ in 0..<1_000 {
            world.carry(up: 1_000, down: 0, for: id)
            try world.sample()
        }
        #expect(world.engine.sessions.isEmpty || world.engine.sessions[id]!.charge >= QLC(units: 990_000))
    }
}

@Suite struct SessionsEnd {
    @Test func idleTailsAreNotBilled() throws {
        var buyer = Buyer(11)
        var tariff = perSecond
        tariff.idleTimeout = 60
        var (world, id) = try World.serving(&buyer, paid: 100_000, tariff)
        for _ in 0..<10 {
            world.carry(up: 10, down: 0, for: id)
            try world.sample()
        }
        for _ in 0..<59 { try world.sample() }
        #expect(world.engine.sessions[id]?.isActive == true)
        try world.sample()
        let record = try #require(world.disk.ended.first)
        #expect(record.endReason == .idle)
        #expect((9...10).contains(record.seconds) && record.charge == QLC(units: 10 * record.seconds))
    }

    /// The tail before a power cut is as idle as the one after it.
    @Test func idleTailsAreNotBilledAcrossAPowerCut() throws {
        var buyer = Buyer(11)
        var tariff = perSecond
        tariff.idleTimeout = 100
        var (world, id) = try World.serving(&buyer, paid: 100_000, tariff)
        world.carry(up: 10, down: 0, for: id)
        try world.sample(after: .seconds(1))
        try world.sample(after: .seconds(80))
        try world.handle(.save)
        world.restart(sameBoot: false)
        try world.sample(after: .seconds(101))
        #expect(world.disk.ended.map(\.endReason) == [.idle])
        #expect(world.disk.ended.first!.seconds <= 1)
    }

    @Test func theHardTimeoutEndsWhatIsStillUsed() throws {
        var buyer = Buyer(11)
        var tariff = perByte
        tariff.hardTimeout = 10
        var (world, id) = try World.serving(&buyer, paid: 100_000, tariff)
        for _ in 0..<10 {
            world.carry(up: 1, down: 0, for: id)
            try world.sample()
        }
        #expect(world.disk.ended.map(\.endReason) == [.expired])
        #expect(world.disk.ended.map(\.bytesUp) == [10])
    }

    @Test func evenWhenNothingIsLeft() throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 10, perByte)
        world.carry(up: 10, down: 0, for: id)
        try world.sample()
        try world.handle(.end(id, .left))
        #expect(world.disk.ended.map(\.charge) == [QLC(units: 10)])
        #expect(world.engine.sessions.isEmpty && world.gate.clients.isEmpty && world.disk.sessions.isEmpty)
    }

    /// The last counters come after the end; until they are in, the account is open and nobody can open it again.
    @Test func theLastBytesAreChargedBeforeTheNextSession() throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 1_000, perByte)
        world.carry(up: 0, down: 400, for: id)
        let outcome = try world.engine.handle(.end(id, .left), at: world.now)
        for case .persist(let record) in outcome.actions { world.disk.keep(record) }
        var other = buyer
        #expect(throws: ChargingError.sessionClosing(id)) { try world.open(&other, on: 2, perByte, id: 2) }
        let mark = world.engine.sessions[id]!.mark
        world.gate.clients[mark]!.isServed = false
        try world.handle(.sampled(world.gate.readings))
        try world.handle(.drained([mark]))
        #expect(world.disk.ended.map(\.charge) == [QLC(units: 400)])
        try world.open(&buyer, on: 2, perByte, id: 3)
        #expect(world.engine.sessions.values.first?.grantedBytes == 600)
    }

    @Test func whenTheyAreBlockedRevokedOrClosed() throws {
        var buyer = Buyer(11)
        var (world, _) = try World.serving(&buyer, paid: 1_000, perByte)
        try world.handle(.block(.device(1), true))
        #expect(world.disk.ended.map(\.endReason) == [.blocked])
        #expect(throws: ChargingError.blocked(.device(1))) { try world.open(&buyer, perByte) }
        #expect(world.disk.state.blocked == [.device(1)])
        try world.open(&buyer, on: 2, perByte, id: 2)
        try world.handle(.channel(.closed(buyer.channel.id)))
        #expect(world.disk.ended.last?.endReason == .disconnected)
        #expect(throws: ChargingError.channelClosed(buyer.channel.id)) { try world.open(&buyer, on: 2, perByte) }
        #expect(throws: ChargingError.channelClosed(buyer.channel.id)) {
            try world.handle(.paid(buyer.voucher(QLC(units: 2_000))))
        }
    }
}

@Suite struct NobodyElsePays {
    @Test func aMovedDeviceKeepsItsAccount() throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 1_000, perByte)
        world.carry(up: 0, down: 400, for: id)
        try world.sample()
        let moved = try world.open(&buyer, on: 2, perByte, id: 2)
        #expect(moved == id)
        #expect(world.engine.sessions[id]?.mac == .device(2))
        #expect(world.engine.session(of: .device(1)) == nil)
        world.carry(up: 0, down: 5_000, for: id)
        try world.sample()
        #expect(world.engine.sessions[id]?.charge == QLC(units: 1_000))
    }

    /// A phone that changes its MAC and keeps its address brings the address along: it is its own session's.
    @Test func aMovedDeviceKeepsItsAddress() throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 1_000, perByte)
        let request = OpenRequest(
            id: SessionID(2), port: "lan", mac: .device(2), addresses: [.host(1)], tariff: perByte,
            payment: .channel(buyer.acceptance(for: .device(2))))
        #expect(try world.handle(.open(request)).session == id)
        #expect(world.engine.sessions[id]?.addresses == [.host(1)])
    }

    @Test func anAddressOfAnotherSessionIsNotTakenOver() throws {
        var (buyer, thief) = (Buyer(11), Buyer(12))
        var (world, id) = try World.serving(&buyer, paid: 1_000, perByte)
        try world.handle(.channel(.opened(thief.channel)))
        let request = OpenRequest(
            id: SessionID(2), port: "lan", mac: .device(2), addresses: [.host(1)], tariff: perByte,
            payment: .channel(thief.acceptance(for: .device(2))))
        #expect(throws: ChargingError.noAddress(.device(2))) { try world.handle(.open(request)) }
        try world.open(&thief, on: 2, perByte, id: 3)
        try world.handle(.seen(port: "lan", mac: .device(2), addresses: [.host(1), .host(9)]))
        #expect(world.engine.session(of: .device(2))?.addresses == [.host(2), .host(9)])
        #expect(world.engine.sessions[id]?.addresses == [.host(1)])
        try world.handle(.seen(port: "wan", mac: .device(2), addresses: [.host(10)]))
        #expect(world.engine.session(of: .device(2))?.addresses == [.host(2), .host(9)])
    }

    @Test func anAcceptanceCountsOnceAndForItsDevice() throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 1_000, perByte)
        let replay = buyer.acceptance(for: .device(1), sequence: 1)
        let request = OpenRequest(
            id: SessionID(2), port: "lan", mac: .device(1), addresses: [.host(1)], tariff: perByte, payment: .channel(replay))
        #expect(throws: ChargingError.acceptanceStale(sequence: 1, last: 1)) { try world.handle(.open(request)) }
        world.restart(sameBoot: false)
        #expect(throws: ChargingError.acceptanceStale(sequence: 1, last: 1)) { try world.handle(.open(request)) }
        var elsewhere = request
        elsewhere.mac = .device(2)
        elsewhere.payment = .channel(buyer.acceptance(for: .device(1), sequence: 9))
        #expect(throws: ChargingError.self) { try world.handle(.open(elsewhere)) }
        #expect(world.engine.sessions[id]?.mac == .device(1))
    }

    @Test func aVoucherOnlyGrows() throws {
        var (buyer, other) = (Buyer(11, deposit: QLC(units: 10_000)), Buyer(12))
        var (world, _) = try World.serving(&buyer, paid: 1_000, perByte)
        let id = buyer.channel.id
        let before = Visible(world.engine)
        let refused: [(Verified<Voucher>, ChargingError)] = [
            (buyer.voucher(QLC(units: 2_000), sequence: 0), .voucherStale(sequence: 0, last: 1)),
            (buyer.voucher(QLC(units: 2_000), sequence: 1), .voucherStale(sequence: 1, last: 1)),
            (buyer.voucher(QLC(units: 999), sequence: 2), .voucherInvalid("its totals are below those of voucher 1")),
            (buyer.voucher(QLC(units: 10_001), sequence: 2), .depositExceeded(QLC(units: 10_001), deposit: QLC(units: 10_000))),
            (buyer.voucher(QLC(units: 2_000), sequence: 2, by: other.key), .wrongKey(id)),
            (other.voucher(QLC(units: 1)), .channelUnknown(other.channel.id)),
        ]
        for (voucher, error) in refused {
            #expect(throws: error) { try world.handle(.paid(voucher)) }
            #expect(Visible(world.engine) == before)
        }
        try world.handle(.paid(buyer.voucher(QLC(units: 10_000), sequence: 2)))
        #expect(world.engine.channels[id]?.paid == QLC(units: 10_000))
        #expect(throws: ChargingError.depositShrinks(id)) {
            try world.handle(.channel(.toppedUp(id, deposit: QLC(units: 9_999))))
        }
    }
}

@Suite struct NothingIsCountedTwice {
    @Test(arguments: [true, false])
    func afterARestart(sameBoot: Bool) throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 1_000, perByte)
        world.carry(up: 100, down: 200, for: id)
        try world.sample()
        try world.handle(.save)
        world.carry(up: 0, down: 50, for: id)
        world.restart(sameBoot: sameBoot)
        #expect(world.engine.sessions[id]?.usage.bytes == (sameBoot ? 350 : 300))
        // The kernel counts from zero after a power cut: the quota is what is left of the session's, not all of it again.
        let before: UInt64 = sameBoot ? 0 : 300
        #expect(world.engine.sessions[id]?.bearer.byteLimit == 1_000 - before)
        world.carry(up: 0, down: 5_000, for: id)
        try world.sample()
        #expect(world.engine.sessions[id]?.charge == QLC(units: 1_000))
    }

    /// What the quota would be without the base of the earlier mark: bytes that are paid once and pass twice.
    @Test func aQuotaWithoutItsBaseWouldPassPaidBytesAgain() throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 1_000, perByte)
        world.carry(up: 0, down: 600, for: id)
        try world.sample()
        try world.handle(.save)
        world.restart(sameBoot: false)
        let session = world.engine.sessions[id]!
        let withoutBase = session.grantedBytes!
        #expect(session.usage.bytes + withoutBase > 1_000)
        #expect(session.usage.bytes + session.bearer.byteLimit! == 1_000)
    }

    @Test func whenCountersRunBackwardsOrWild() throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 1_000, perByte)
        let mark = world.engine.sessions[id]!.mark
        for (up, down) in [(100, 100), (50, 50), (0, 0), (100, 120), (.max, 0), (.max, .max), (1, 1)] as [(UInt64, UInt64)] {
            try world.handle(
                .sampled([
                    MeterReading(mark: mark, bytesUp: up, bytesDown: down),
                    MeterReading(mark: .max, bytesUp: .max, bytesDown: .max),
                ]))
        }
        let session = world.engine.sessions[id]!
        #expect(session.usage.bytes == .max && session.charge == QLC(units: 1_000))
        try world.handle(.paid(buyer.voucher(QLC(units: 2_000))))
        try world.handle(.end(id, .left))
        #expect(world.disk.ended.map(\.charge) == [QLC(units: 2_000)])
    }

    /// From a power cut until the kernel serves again nothing runs, so nothing is charged.
    @Test func timeDoesNotRunBetweenAPowerCutAndTheNextGrant() throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 100_000, perSecond)
        world.carry(up: 1, down: 0, for: id)
        try world.sample(after: .seconds(5))
        try world.handle(.save)
        world.gate = ModelGate()
        world.boot = Instant(nanoseconds: 1_000_000_000)
        world.restore(sameBoot: false)
        world.pass(.seconds(30))  // the radio takes its time
        world.sampleAfterStart()
        #expect(world.engine.sessions[id]?.charge == QLC(units: 50))
        try world.sample(after: .seconds(1))
        #expect(world.engine.sessions[id]?.charge == QLC(units: 60))
    }

    @Test func marksStayInTheGatesRange() {
        var stored = StoredState()
        stored.channels = [ChannelAccount(channel: Buyer(11).channel)]
        let (engine, actions) = ChargingEngine.restore(
            station: World.station, tariffs: [], from: stored, marks: [0x7fff_ffff], sameBoot: true,
            at: Moment(boot: .zero, wall: WallTime(secondsSince1970: 0)))
        #expect(actions == [.forget(mark: 0x7fff_ffff)])
        var (world, buyer) = (World(), Buyer(11))
        world.engine = engine
        #expect(throws: Never.self) { try world.open(&buyer, perByte) }
        #expect(world.engine.sessions.values.first?.mark == 1)
    }
}
