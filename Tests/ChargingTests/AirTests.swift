import Charging
import OrderedCollections
import Primitives
import Testing

/// A session begins when its buyer's device joins, waits while the device is away, and is charged for neither more nor less.
@Suite struct AirTests {
    static let code = AccessCode(
        number: 7, digest: .zero, allowance: .seconds(3_600), createdAt: WallTime("2026-11-23T21:50:00Z")!, validUntil: nil)
    static let key = WirelessKey(
        number: 1, name: "Alice", funding: .code(.zero), tariffID: nil, createdAt: code.createdAt, mac: nil)

    private static func world(_ keys: WirelessKey...) throws -> World {
        var world = World()
        try world.handle(.codesCreated([code]))
        for key in keys { try world.handle(.keyCreated(key)) }
        return world
    }

    private static func join(_ number: UInt64, key: UInt32?, id: UInt128 = 1) -> ChargingEvent {
        .joined(
            Association(
                port: "lan", mac: .device(number), key: key, addresses: [], id: SessionID(id), tariff: Tariff(id: "any")))
    }

    private static func away(_ number: UInt64, since: Instant) -> ChargingEvent {
        .away(port: "lan", mac: .device(number), since: since)
    }

    @Test func associationOpensTheSessionAndTheAddressComesLater() throws {
        var world = try Self.world(Self.key)
        let id = try #require(try world.handle(Self.join(1, key: 1)).session)
        #expect(world.engine.sessions[id]?.key == 1 && world.engine.sessions[id]?.addresses == [])
        #expect(world.engine.keys[1]?.mac == .device(1))
        world.carry(up: 0, down: 1_000, for: id)
        try world.sample()
        #expect(world.engine.sessions[id]?.usage.bytes == 0)
        try world.handle(.seen(port: "lan", mac: .device(1), addresses: [IPAddress("10.0.0.9")!]))
        world.carry(up: 0, down: 1_000, for: id)
        try world.sample()
        #expect(world.engine.sessions[id]?.usage.bytes == 1_000)
    }

    @Test(arguments: [1, 5, 59]) func whoIsAwayIsNotChargedAndGoesOn(seconds: Int) throws {
        var world = try Self.world(Self.key)
        let id = try #require(try world.handle(Self.join(1, key: 1)).session)
        try world.sample(after: .seconds(10))
        try world.handle(Self.away(1, since: world.now.boot))
        #expect(world.gate.clients.values.map(\.bearer.addresses) == [[]])
        try world.sample(after: .seconds(seconds))
        #expect(world.engine.sessions[id]?.isAway == true)
        #expect(try world.handle(Self.join(1, key: 1, id: 2)).session == id)
        try world.sample(after: .seconds(10))
        #expect(world.engine.sessions[id]?.usage.time == .seconds(20))
    }

    @Test func whoDoesNotComeBackIsChargedUntilItLeft() throws {
        var world = try Self.world(Self.key)
        try world.handle(Self.join(1, key: 1))
        try world.sample(after: .seconds(10))
        try world.handle(Self.away(1, since: world.now.boot))
        for _ in 0..<61 { try world.sample(after: .seconds(1)) }
        #expect(world.engine.sessions.isEmpty)
        #expect(world.disk.ended.map(\.seconds) == [10] && world.disk.ended.map(\.endReason) == [.left])
    }

    /// It was silent for 20 s before anybody knew that it had gone.
    @Test func silenceBeforeItWasKnownIsTakenBack() throws {
        var world = try Self.world(Self.key)
        let id = try #require(try world.handle(Self.join(1, key: 1)).session)
        let heard = world.now.boot + .seconds(10)
        for _ in 0..<30 { try world.sample(after: .seconds(1)) }
        try world.handle(Self.away(1, since: heard))
        #expect(world.engine.sessions[id]?.usage.time == .seconds(10))
    }

    /// Two losses with the same silence: it is taken back once.
    @Test func nothingOfBeforeItCameBackIsTakenBack() throws {
        var world = try Self.world(Self.key)
        let id = try #require(try world.handle(Self.join(1, key: 1)).session)
        try world.sample(after: .seconds(10))
        let heard = world.now.boot
        try world.sample(after: .seconds(30))
        try world.handle(Self.away(1, since: heard))
        try world.handle(Self.join(1, key: 1))
        try world.sample(after: .seconds(1))
        try world.handle(Self.away(1, since: heard))
        #expect(world.engine.sessions[id]?.usage.time == .seconds(10))
    }

    @Test func awayStaysAwayOverARestart() throws {
        var world = try Self.world(Self.key)
        let id = try #require(try world.handle(Self.join(1, key: 1)).session)
        try world.sample(after: .seconds(10))
        try world.handle(Self.away(1, since: world.now.boot))
        let (engine, _) = ChargingEngine.restore(
            station: World.station, tariffs: [], from: world.disk.state, marks: world.gate.clients.keys.sorted(), sameBoot: true,
            at: world.now)
        world.engine = engine
        try world.sample(after: .seconds(10))
        #expect(world.engine.sessions[id]?.usage.time == .seconds(10))
        #expect(world.gate.clients.values.map(\.bearer.addresses) == [[]])
        #expect(try world.handle(Self.join(1, key: 1, id: 2)).session == id)
    }

    /// The same address under another's key: the victim's session ends, and the other pays for itself.
    @Test func aStolenAddressPaysForItself() throws {
        var thief = Self.key
        (thief.number, thief.name, thief.funding) = (2, "Mallory", nil)
        var world = try Self.world(Self.key, thief)
        let id = try #require(try world.handle(Self.join(1, key: 1)).session)
        try world.handle(Self.join(1, key: 2, id: 2))
        #expect(world.engine.session(of: .device(1)) == nil && world.disk.ended.map(\.session) == [id])
        #expect(world.engine.keys[2]?.mac == nil)
        // The victim comes back with its own.
        let again = try #require(try world.handle(Self.join(1, key: 1, id: 3)).session)
        #expect(world.engine.session(of: .device(1))?.id == again)
    }

    @Test func theLastDeviceThatJoinedWithAKeyHasItsSession() throws {
        var world = try Self.world(Self.key)
        let id = try #require(try world.handle(Self.join(1, key: 1)).session)
        #expect(try world.handle(Self.join(2, key: 1, id: 2)).session == id)
        #expect(world.engine.session(of: .device(1)) == nil && world.engine.session(of: .device(2))?.id == id)
        // That the first one leaves is nothing to it.
        try world.handle(Self.away(1, since: world.now.boot))
        #expect(world.engine.sessions[id]?.isAway == false)
    }

    @Test func aRevokedKeyEndsItsSessionAndOpensNone() throws {
        var world = try Self.world(Self.key)
        try world.handle(Self.join(1, key: 1))
        try world.handle(.keyRevoked(number: 1))
        #expect(world.disk.ended.map(\.endReason) == [.disconnected])
        #expect(try world.handle(Self.join(1, key: 1, id: 2)).session == nil)
        #expect(throws: ChargingError.keyUnknown(9)) { try world.handle(.keyRevoked(number: 9)) }
    }

    @Test func whatIsUsedUpOpensNoSession() throws {
        var spent = Self.code
        (spent.digest, spent.usedTime) = (Bytes32([UInt8](repeating: 1, count: 32))!, .seconds(3_600))
        var key = Self.key
        key.funding = .code(spent.digest)
        var world = try Self.world(key)
        try world.handle(.codesCreated([spent]))
        #expect(throws: ChargingError.codeSpent(7)) { try world.handle(Self.join(1, key: 1)) }
        try world.handle(.block(.device(1), true))
        #expect(throws: ChargingError.blocked(.device(1))) { try world.handle(Self.join(1, key: 1)) }
    }

    @Test func passphrasesFollowFromTheSecretAndTheNumber() {
        let secret = [UInt8](repeating: 7, count: 32)
        let all = (1...200).map { WirelessKeyText.passphrase(of: $0, secret: secret) }
        #expect(Set(all).count == 200)
        #expect(all.allSatisfy { $0.utf8.count == 19 && $0.split(separator: "-").count == 4 })
        #expect(all[0] == WirelessKeyText.passphrase(of: 1, secret: secret))
        #expect(all[0] != WirelessKeyText.passphrase(of: 1, secret: [UInt8](repeating: 8, count: 32)))
    }
}
