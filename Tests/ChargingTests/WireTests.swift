import Charging
import Foundation
import OrderedCollections
import Primitives
import SimulatedHAL
import Testing

/// What is kept on disk as JSON and signed as canonical bytes comes back as it was.
@Suite struct WireForms {
    private func roundTrip<T: Codable & Equatable>(_ value: T) throws -> Bool {
        try JSONDecoder().decode(T.self, from: JSONEncoder().encode(value)) == value
    }

    @Test(arguments: seeds(40))
    func tariffsAreTheSameAgain(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let tariff = Tariff.random(&random)
        #expect(try roundTrip(tariff))
        #expect(try Tariff(canonicalBytes: tariff.canonicalBytes) == tariff)
        let offer = Offer(station: World.station, number: seed, tariff: tariff, expiresAt: WallTime(secondsSince1970: 1))
        #expect(try Offer(canonicalBytes: offer.canonicalBytes) == offer)
        for length in offer.canonicalBytes.indices {
            #expect(throws: CanonicalError.self) { try Offer(canonicalBytes: offer.canonicalBytes[..<length]) }
        }
    }

    @Test(
        arguments: [
            ("00112233445566778899aabbccddeeff", 0x0011_2233_4455_6677, 0x8899_aabb_ccdd_eeff),
            ("ffffffffffffffff0000000000000001", UInt64.max, 1), ("00000000000000010000000000000000", 1, 0),
        ] as [(String, UInt64, UInt64)])
    func aSessionsNameIsReadAsItWasWritten(_ text: String, high: UInt64, low: UInt64) throws {
        let id = try #require(SessionID(text))
        #expect(id == SessionID(high: high, low: low) && id.description == text)
        #expect(id == SessionID(UInt128(high) << 64 | UInt128(low)))
        #expect(SessionID(String(text.dropLast())) == nil && SessionID(text + "0") == nil)
    }

    @Test func recordsAreTheSameAgain() throws {
        var buyer = Buyer(11)
        var (world, id) = try World.serving(&buyer, paid: 100_000, Clocks.evening)
        world.carry(up: 100, down: 900, for: id)
        try world.sample()
        #expect(try roundTrip(world.engine.sessions[id]!))
        #expect(try roundTrip(world.engine.channels[buyer.channel.id]!))
        try world.handle(.end(id, .left))
        let record = try #require(world.disk.ended.first)
        #expect(try roundTrip(record))
        #expect(try UsageRecord(canonicalBytes: record.canonicalBytes) == record)
        let code = AccessCode(number: 1, digest: .zero, allowance: .seconds(5), createdAt: world.now.wall, validUntil: nil)
        #expect(try roundTrip(code))
    }

    /// One value, one byte sequence: a bit that is not part of the value would give one signature two messages.
    @Test func recordsHaveOneEncoding() {
        let acceptance = Acceptance(
            offer: .zero, channel: .zero, client: .device(1), sequence: 1, visitKey: SealingKey(raw: .zero))
        var accepted = 0
        for bit in 0..<acceptance.canonicalBytes.count * 8 {
            var bytes = acceptance.canonicalBytes
            bytes[bit / 8] ^= 1 << (bit % 8)
            guard let other = try? Acceptance(canonicalBytes: bytes) else { continue }
            accepted += 1
            #expect(other.canonicalBytes == bytes && other != acceptance)
        }
        // Two bytes of the MAC address, and the one that says that there is a key.
        #expect(accepted == (acceptance.canonicalBytes.count - 3) * 8)
    }

    @Test func whatIsOutsideItsLimitsIsRefused() throws {
        var tariff = Tariff(id: "t", rates: Rates(second: Price(QLC(units: 1))))
        tariff.windows = (0..<17).map { TimeWindow(startMinute: $0, endMinute: 60, rates: Rates()) }
        #expect(throws: CanonicalError.tooLong(length: 17, limit: 16)) { try tariff.encoded() }
        tariff.windows = Array(repeating: TimeWindow(startMinute: 0, endMinute: 0, rates: Rates()), count: 300)
        #expect(tariff.segment(at: WallTime("2026-11-23")!).window == 0)
        let key = PrivateKey(seed: [UInt8](repeating: 1, count: 32))!
        let offer = Offer(station: key.publicKey, number: 1, tariff: Tariff(id: "t"), expiresAt: WallTime(secondsSince1970: 0))
        let signed = Signed(offer, by: key)
        #expect(signed.verified(by: key.publicKey) != nil)
        let forged = Offer(station: key.publicKey, number: 1, tariff: tariff, expiresAt: WallTime(secondsSince1970: 0))
        #expect(Signed(claim: forged, signature: signed.signature).verified(by: key.publicKey) == nil)
    }
}
