import Charging
import Foundation
import Primitives
import SimulatedHAL
import Testing

/// The key that a buyer announces for the records of its visits.
@Suite struct VisitKeyTests {
    private static let perByte = Tariff(id: "b", rates: Rates(byteUp: Price(QLC(units: 1)), byteDown: Price(QLC(units: 1))))
    private static let key = OpeningKey(of: PrivateKey(seed: [UInt8](repeating: 11, count: 32))!).sealingKey

    private static func end(_ world: inout World, _ id: SessionID) throws {
        try world.handle(.end(id, .left))
        #expect(world.disk.ended.last?.session == id)
    }

    @Test(arguments: [nil, key] as [SealingKey?]) func itComesWithTheUsageRecord(_ key: SealingKey?) throws {
        var buyer = Buyer(11)
        buyer.visitKey = key
        var (world, id) = try World.serving(&buyer, paid: 1_000, Self.perByte)
        world.restart(sameBoot: false)
        try Self.end(&world, id)
        #expect(world.disk.visitKeys == (key.map { [id: $0] } ?? [:]))
    }

    /// The last acceptance counts, also when it announces none.
    @Test func itIsThatOfTheLastAcceptance() throws {
        var buyer = Buyer(11)
        buyer.visitKey = Self.key
        var (world, id) = try World.serving(&buyer, paid: 1_000, Self.perByte)
        buyer.visitKey = nil
        #expect(try world.open(&buyer, on: 2, Self.perByte, id: 2) == id)
        try Self.end(&world, id)
        #expect(world.disk.visitKeys.isEmpty)
        buyer.visitKey = Self.key
        let next = try world.open(&buyer, on: 2, Self.perByte, id: 3)
        try Self.end(&world, next)
        #expect(world.disk.visitKeys == [next: Self.key])
    }

    /// An acceptance is signed with the key: who is on the way can neither put in another nor take it out.
    @Test func itIsSigned() throws {
        let buyer = PrivateKey(seed: [UInt8](repeating: 11, count: 32))!
        let claim = Acceptance(offer: .zero, channel: .zero, client: .device(1), sequence: 1, visitKey: Self.key)
        let signed = Signed(claim, by: buyer)
        #expect(signed.verified(by: buyer.publicKey) != nil)
        for other in [nil, SealingKey(raw: .zero)] {
            var changed = claim
            changed.visitKey = other
            #expect(Signed(claim: changed, signature: signed.signature).verified(by: buyer.publicKey) == nil)
        }
    }

    /// A wallet that announces none leaves the field out; a key that is none is refused before it comes to anything.
    @Test func itIsLeftOutWhereThereIsNone() throws {
        let claim = Acceptance(offer: .zero, channel: .zero, client: .device(1), sequence: 1)
        let text = String(decoding: try JSONEncoder().encode(claim), as: UTF8.self)
        #expect(!text.contains("visitKey"))
        #expect(try JSONDecoder().decode(Acceptance.self, from: Data(text.utf8)) == claim)
        let wrong = text.replacingOccurrences(of: "\"sequence\"", with: "\"visitKey\":\"00\",\"sequence\"")
        #expect(wrong != text && (try? JSONDecoder().decode(Acceptance.self, from: Data(wrong.utf8))) == nil)
    }
}
